"""Measures the encoder of a run on texts that its job does not name."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from isthmus.core.telemetry import Telemetry
from isthmus.multilingual import measuring
from isthmus.multilingual.corpora import reading
from isthmus.multilingual.corpora.sources import sources_of
from isthmus.multilingual.given_texts import corpora_of
from isthmus.multilingual.retrieval.evaluation import Compared, evaluate
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual, Objectives
from isthmus.multilingual.training.preparation import dictionary
from isthmus.store.runs import Run
from isthmus.system import Retrieval, ScoredTexts
from isthmus.text import model_folder

_ANY = Objectives(pairs=0.0)
"""Texts to measure on need no translations for the sake of training."""


def score(spec: Multilingual, run: Run, given: Sequence[Path]) -> ScoredTexts:
    """Measure retrieval in texts of files.

    Args:
        spec: The `[multilingual]` table of the run's job.
        run: The run.
        given: The files.

    Returns:
        How well texts find their translations, beside what needs no encoder.

    Raises:
        SpecError: A file is not what it should be.
    """
    files, telemetry = RunFiles(run), Telemetry()
    encoder = model_folder.read(files.model)
    compared = Compared(encoder.embed, None, dictionary(files, telemetry))
    trained = measuring.trained_pairs(files.corpora.trained)
    corpora = corpora_of(given, files.corpora.languages)
    sources, _ = sources_of(Multilingual(corpora=corpora, objectives=_ANY), Path())
    with TemporaryDirectory(prefix="isthmus-") as folder:
        pairs = [
            pair
            for source in sources
            for pair in evaluate(
                reading.read(
                    source, 0, Path(folder), Path(folder, f"{source.name}.hashes"), telemetry
                ).texts,
                compared,
                data=source.name,
                in_domain=False,
                trained=trained,
                most=spec.test_rows,
            )
        ]
    return ScoredTexts(measuring.metrics(pairs), Retrieval(pairs))
