"""Rows whose label is known: only those can be measured, and all are scored."""

from collections.abc import Mapping

import numpy as np

from isthmus.core.arrays import Bools, Floats
from isthmus.data.table import Table


def labelled(rows: Table, by_model: Mapping[str, Floats]) -> tuple[Floats, dict[str, Floats]]:
    """Keep the rows whose label is known.

    Args:
        rows: Rows that were scored.
        by_model: Their scores by name of the model; rows are the last axis.

    Returns:
        The known labels, shape (known,), and the scores of these rows.
    """
    known = _known(rows)
    label = np.empty(0) if rows.label is None else rows.label[known]
    return label, {model: scores[..., known] for model, scores in by_model.items()}


def only_labelled(rows: Table) -> Table:
    """Returns the rows whose label is known."""
    return rows.take(np.flatnonzero(_known(rows)))


def unmeasured(rows: Table) -> dict[str, str]:
    """Returns why rows cannot be measured, in the form of `Measured.missing`; empty if they can."""
    if _known(rows).any():
        return {}
    if not len(rows):
        return {"metrics": "no row was kept out of training: raise `data.test_share`"}
    return {"metrics": f"none of the {len(rows):,} rows that were scored has a label"}


def _known(rows: Table) -> Bools:
    return np.zeros(len(rows), np.bool_) if rows.label is None else ~np.isnan(rows.label)
