"""Scorecards of runs: points of bins, and the columns that cost rows most points."""

from typing import Any

from isthmus.core.arrays import Floats
from isthmus.data.scores import save_beside_keys
from isthmus.data.table import Table
from isthmus.evaluation.description import BinPoints, PreparedColumn
from isthmus.jobs.aligned import stored
from isthmus.store.runs import Run
from isthmus.vertical.preparation import scorecard
from isthmus.vertical.preparation.columns import Evidence
from isthmus.vertical.preparation.evidence import bins_in_words
from isthmus.vertical.preparation.scorecard import Points
from isthmus.vertical.regression.model import Part


def write(trained: Run, into: Run, rows: Table, scores: Floats | None) -> None:
    """Write the points of our bins into the run that trained, and reasons of rows into another.

    Args:
        trained: The run that trained the model; nothing is written if it has no scorecard.
        into: The run that scored the rows: the same one, or a later one.
        rows: The rows, with prepared columns.
        scores: Probabilities of label 1, shape (rows,), if this party knows them.
    """
    kept = stored.prepared_columns(trained)
    if kept is None or kept.scorecard is None:
        return
    spec, part = kept.scorecard, trained.read_json(trained.model.name, Part)
    if into.folder == trained.folder:
        into.write_json(into.scorecard.name, scorecard.points(part, kept.prepared, spec))
    found = scorecard.reasons(part, kept.prepared, rows.features, spec)
    columns = dict[str, Any]()
    if scores is not None and scores.ndim == 1:
        columns["points"] = scorecard.of_scores(scores, spec)
    columns["own_points"] = found.points
    for rank, (names, lost) in enumerate(zip(found.names, found.lost, strict=True), 1):
        columns |= {f"reason_{rank}": names, f"lost_{rank}": lost}
    save_beside_keys(rows, columns, into.reasons)


def columns(run: Run) -> list[PreparedColumn]:
    """Returns our columns as a run has prepared them, those with most information first."""
    kept = stored.prepared_columns(run)
    if kept is None:
        return []
    prepared = kept.prepared
    why = {each.column.name: each.why for each in prepared.left_out}
    every = [*prepared.columns, *(each.column for each in prepared.left_out)]
    found = [
        PreparedColumn(
            column.name,
            column.information if isinstance(column, Evidence) else None,
            prepared.inflation.get(column.name),
            why.get(column.name, ""),
        )
        for column in every
    ]
    return sorted(found, key=lambda column: -(column.information or 0.0))


def bins(run: Run) -> Points:
    """Returns our bins, with points where the job has a scorecard."""
    kept = stored.prepared_columns(run)
    if kept is None:
        return Points([])
    if kept.scorecard is not None:
        part = run.read_json(run.model.name, Part)
        return scorecard.points(part, kept.prepared, kept.scorecard)
    return Points(
        [
            BinPoints(column.name, *each)
            for column in kept.prepared.columns
            if isinstance(column, Evidence)
            for each in zip(
                bins_in_words(column), column.rows, column.events, column.weights, strict=True
            )
        ]
    )
