"""Scores rows with the stored model of one organisation, as training scored its test rows."""

from typing import IO

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.store.runs import Run
from isthmus.vertical.baseline.spec import Baseline, RegressionBaseline
from isthmus.vertical.boosting.model import ActivePart
from isthmus.vertical.boosting.predict import Scorer
from isthmus.vertical.regression.model import Part

_BLOCK = 8192
"""Rows that are scored at a time: trees keep a decision for each node and row."""


def predict(spec: Baseline, rows: Table, run: Run, out: IO[bytes]) -> list[str]:
    """Score rows, and write the scores as Parquet.

    Args:
        spec: The `[baseline]` table.
        rows: The rows.
        run: The finished run.
        out: The file for the scores.

    Returns:
        The columns that are written.

    Raises:
        SpecError: The file of the model was changed.
    """
    if isinstance(spec, RegressionBaseline):
        found = run.read_json(run.model.name, Part).predict(rows.features)
    else:
        found = _trees(run.read_json(run.model.name, ActivePart), rows)
    scores = Scores(rows, found)
    scores.write(out)
    names: list[str] = scores.table().column_names
    return names


def _trees(part: ActivePart, rows: Table) -> Floats:
    score = Scorer(part)
    blocks = [np.empty((score.outputs, 0))]
    for first in range(0, len(rows), _BLOCK):
        block = rows.take(np.arange(first, min(first + _BLOCK, len(rows))))
        blocks.append(score(block, {}))
    found = np.hstack(blocks)
    return found if score.outputs > 1 else found[0]
