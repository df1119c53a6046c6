"""Reads the corpora of a job once, and leaves what training and evaluation read in the run folder."""

from pathlib import Path

from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.spec import Multilingual


def prepare(spec: Multilingual, folder: Path, seed: int, into: Path, telemetry: Telemetry) -> None:
    """Read, normalise, deduplicate and split the corpora of a job.

    Args:
        spec: The `[multilingual]` table.
        folder: The folder that its paths are relative to.
        seed: The job's seed, which decides what documents are held out.
        into: The folder to leave them in, for `texts.Corpora`; where it is there, it is whole, and
            nothing is done.
        telemetry: Receives the progress.

    Raises:
        SpecError: A file is not what the job says.
    """
    raise NotImplementedError
