"""Writes the report of a finished run: a page that people read."""

from pathlib import Path

import msgspec

from isthmus.core.attempts import Attempts
from isthmus.core.errors import DiskError, SpecError
from isthmus.jobs import finished
from isthmus.jobs.result import SimulatedResult
from isthmus.store import atomic
from isthmus.store.runs import Run, find


def attempt(run: Run, simulated: Run | None = None) -> str | None:
    """Write the report of a run that has just finished; if that fails, its result says why.

    Args:
        run: The run folder.
        simulated: That of the simulated run which it is part of, if it is.

    Returns:
        Why there is no report, or None.
    """
    attempts = Attempts()
    attempts.find("report", lambda: write(run, simulated))
    if attempts.missing:
        # Where not even that can be written, the summary says that there is no page.
        attempts.find("result", lambda: _note(run, {"report": attempts.missing["report"]}))
    return attempts.missing.get("report")


def _note(run: Run, why: dict[str, str]) -> None:
    """Say in a result why there is no report, or no more that there is none."""
    result = finished.read(run)
    missing = {name: said for name, said in result.missing.items() if name != "report"} | why
    if missing != result.missing:
        run.write_json(run.result.name, msgspec.structs.replace(result, missing=missing))


def write(run: Run, simulated: Run | None = None) -> Path:
    """Write the report of one machine's finished run, anew if there is one already.

    Args:
        run: The run folder.
        simulated: That of the simulated run which it is part of, if it is: a simulation has more to
            compare with.

    Returns:
        The HTML file.

    Raises:
        DiskError: There is no room for it.
        SpecError: The run has not finished, or its files are not what a run writes.
    """
    with finished.as_written(run):
        html = finished.family_of(run).page(run, simulated)
    try:
        atomic.write(run.report, html.encode())
    except OSError as error:
        raise SpecError(
            f"{run.report}: cannot be written: {error.strerror}. Let us write there."
        ) from None
    except DiskError:
        raise DiskError(
            f"{run.report}: no space left to write it, but the run itself has finished. Make room "
            f"on that disk, and run `isthmus report {run.folder}`."
        ) from None
    _note(run, {})
    return run.report


def write_all(folder: Path) -> list[Path]:
    """Write the report of a run, or those of every party of a simulated run.

    Args:
        folder: A run folder, or a folder of runs for its latest one.

    Returns:
        The HTML files.

    Raises:
        SpecError: There is no finished run.
    """
    run = find(folder)
    result = finished.read(run)
    if isinstance(result, SimulatedResult):
        return [write(Run(run.folder / party), run) for party in result.parties]
    return [write(run)]
