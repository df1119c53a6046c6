"""The report page of a run that scored rows with a stored model of several parties."""

import msgspec

from isthmus.evaluation.classification import KsCurve, LiftRow, Roc
from isthmus.evaluation.comparison import LABELLED, metrics_table
from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.pages import figures
from isthmus.evaluation.pages.page import Page, count, fill, names
from isthmus.evaluation.validation import Stability, Validation


class ScoredRows(msgspec.Struct, frozen=True):
    """Numbers of rows."""

    own: int  # of this party
    scored: int
    labelled: int  # of these, with a label that is known here
    trained: int | None = None  # of those with a label; None where it is not known
    requests: int | None = None  # online: how often rows were asked for


class ScoringReport(Page, frozen=True, kw_only=True):
    """The fields of the page. Empty fields and None are left out of it."""

    model: str  # digest of the run that trained it
    system: str  # what that run trained
    columns: int  # of this party
    rows: ScoredRows
    cut: float | None = None  # above which a decision is yes; None where there are scores
    metrics: PartialMetrics = {}
    roc: dict[str, Roc] = {}
    ks: KsCurve | None = None
    lift: list[LiftRow] = []
    validation: Validation | None = None
    stability: Stability | None = None


def render(report: ScoringReport) -> str:
    """Make the page.

    Args:
        report: The fields of the page.

    Returns:
        HTML that includes styles and figures.
    """
    return fill(
        "scoring_report.html.jinja",
        report,
        headline=headline(report),
        metrics_table=metrics_table(report.metrics, rows=LABELLED),
        validated_rows=LABELLED,
        compared_rows="scored rows",
        result_figures=figures.score_figures(report.roc, report.ks, report.lift, report.validation),
        training_figures=[],
    )


def headline(report: ScoringReport) -> str:
    """Summarise a run in one or two sentences.

    Args:
        report: The fields of the page.

    Returns:
        Plain text.
    """
    if report.rows.requests is not None:
        asked = f"{count(report.rows.scored)} rows in {count(report.rows.requests)} requests"
        if report.role == "active":
            return f"{report.party} had {names(report.peers)} help to score {asked}."
        return f"{report.party} helped to score {asked} of {names(report.peers)}."
    rows, others = f"{count(report.rows.scored)} rows", names(report.peers)
    decided = "" if report.cut is None else f"whether the score is above {report.cut:g}, no more"
    if report.role != "active":
        if report.cut is not None:
            return f"{report.party} helped to decide about {rows}: {others} learned {decided}."
        return f"{report.party} helped to score {rows}, which {others} got the scores of."
    scored = f"{report.party} scored {rows} with {others}."
    if report.cut is not None:
        scored = f"{report.party} learned of {rows} with {others} {decided}."
    if not report.rows.labelled:
        return f"{scored} No row has a label that is known, so nothing is measured."
    return f"{scored} Measured on the {count(report.rows.labelled)} whose label is known."
