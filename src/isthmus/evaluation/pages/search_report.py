"""The report page of a search: what each choice of values reached, and what all of them told."""

from isthmus.evaluation.comparison import TextTable
from isthmus.evaluation.pages.page import Page, count, fill


class SearchReport(Page, frozen=True, kw_only=True):
    """The fields of the page. Headings of columns of numbers end with ` #`."""

    choices: int
    trainings: int
    failed: int  # trainings
    scored_on: str  # which rows
    measure: str  # the best choice is best by this one; empty: nothing was measured
    best: str  # how well it did by that
    trials: TextTable  # the best first
    told: TextTable  # by all trainings together; without rows: nothing
    equations: float | None  # about each label, that all trainings told; None: not counted


def render(report: SearchReport) -> str:
    """Make the page.

    Args:
        report: The fields of the page.

    Returns:
        HTML that includes styles.
    """
    return fill("search_report.html.jinja", report, headline=headline(report), training_figures=[])


def headline(report: SearchReport) -> str:
    """Summarise a search in one or two sentences.

    Args:
        report: The fields of the page.

    Returns:
        Plain text.
    """
    tried = (
        f"{count(report.choices)} choices of values were tried in {count(report.trainings)} "
        f"trainings over one alignment, and scored on {report.scored_on}."
    )
    if not report.measure:
        return f"{tried} Nothing was measured."
    return f"{tried} The best has {report.measure} {report.best}."
