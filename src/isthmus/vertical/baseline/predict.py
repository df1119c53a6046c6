"""Scores rows with the stored model of one organisation, as training scored its test rows."""

from typing import IO

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.validation import TrainedGroups
from isthmus.outcomes import Predicted
from isthmus.store.runs import Run
from isthmus.vertical.baseline.spec import Baseline, RegressionBaseline
from isthmus.vertical.boosting.model import ActivePart
from isthmus.vertical.boosting.predict import Scorer
from isthmus.vertical.regression.model import Part
from isthmus.vertical.validated import stability_since

_BLOCK = 8192
"""Rows that are scored at a time: trees keep a decision for each node and row."""


def predict(spec: Baseline, rows: Table, run: Run, out: IO[bytes]) -> Predicted:
    """Score rows, and write the scores as Parquet.

    Args:
        spec: The `[baseline]` table.
        rows: The rows.
        run: The finished run.
        out: The file for the scores.

    Returns:
        What is written, and how far the rows are from those that were trained on.

    Raises:
        SpecError: The file of the model was changed.
    """
    if isinstance(spec, RegressionBaseline):
        part = run.read_json(run.model.name, Part)
        part.check_offset(rows)
        found = part.predict(rows.features, offset=rows.offsets).T
    else:
        found = _trees(run.read_json(run.model.name, ActivePart), rows)
    scores = Scores(rows, found)
    scores.write(out)
    names: list[str] = scores.table().column_names
    stability, missing = None, _NO_GROUPS
    if run.trained_groups.exists():
        groups = run.read_json(run.trained_groups.name, TrainedGroups)
        attempts = Attempts()
        stability = attempts.find("stability", lambda: stability_since(groups, rows, found))
        missing = attempts.missing.get("stability", "")
    return Predicted(rows=len(rows), columns=names, stability=stability, missing=missing)


_NO_GROUPS = "the run kept nothing of the rows that it trained on to compare others with"


def _trees(part: ActivePart, rows: Table) -> Floats:
    score = Scorer(part)
    blocks = [np.empty((score.outputs, 0))]
    for first in range(0, len(rows), _BLOCK):
        block = rows.take(np.arange(first, min(first + _BLOCK, len(rows))))
        blocks.append(score(block, {}))
    found = np.hstack(blocks)
    return found if score.outputs > 1 else found[0]
