"""A run folder as a page that people read."""

from pathlib import Path

from isthmus.core.errors import DiskError, SpecError
from isthmus.evaluation.pages import rounds_report as rounds_page
from isthmus.evaluation.pages import vertical_report as vertical_page
from isthmus.jobs import rounds_report, vertical_report
from isthmus.jobs.result import Simulated, has_trained, in_rounds, is_simulation
from isthmus.store import atomic
from isthmus.store.runs import Run, find


def write(run: Run, simulated: Run | None = None) -> Path:
    """Write the report of one party's finished run, anew if there is one already.

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
    html = _html(run, simulated)
    try:
        atomic.write(run.report, html.encode())
    except DiskError:
        raise DiskError(
            f"{run.report}: no space left to write it, but the run itself has finished. Make room "
            f"on that disk, and run `isthmus report {run.folder}`."
        ) from None
    return run.report


def write_all(folder: Path) -> list[Path]:
    """Write the report of a party's run, or those of every party of a simulated run.

    Args:
        folder: A run folder, or a folder of runs for its latest one.

    Returns:
        The HTML files.

    Raises:
        SpecError: There is no finished run.
    """
    run = find(folder)
    if run.result.exists() and not has_trained(run):
        raise SpecError(
            f"{run.folder}: this run aligned rows and trained nothing, so there is no report of a "
            "model. Its result.json and `isthmus ledger show` say what it did."
        )
    if run.result.exists() and is_simulation(run):
        parties = run.read_json(run.result.name, Simulated).parties
        return [write(Run(run.folder / party), run) for party in parties]
    return [write(run)]


def _html(run: Run, simulated: Run | None) -> str:
    if in_rounds(run):
        return rounds_page.render(rounds_report.read(run, simulated))
    return vertical_page.render(vertical_report.read(run, simulated))
