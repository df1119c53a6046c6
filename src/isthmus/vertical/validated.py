"""Figures that a validator asks for, of scores of aligned rows or of one organisation's own."""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.stability import groups, of_columns, sampling_noise, shift
from isthmus.evaluation.validating import validate, validate_amounts, validate_classes
from isthmus.evaluation.validation import Stability, TrainedGroups, Validation
from isthmus.vertical.labelled import labelled


def validated(scores: Scores, metrics: PartialMetrics, ours: str = "joint") -> Validation | None:
    """Compute what a validator asks for on the rows whose label is known.

    Args:
        scores: Scores of rows.
        metrics: What is measured of them.
        ours: Name of the model.

    Returns:
        The figures, by the kind of the label; None if no label is known, or for decisions.

    Raises:
        SpecError: A score is not a number.
    """
    if scores.decided:
        return None
    alone = {} if scores.alone is None else {"active_only": scores.alone}
    label, known = labelled(scores.rows, {ours: scores.scores} | alone)
    if scores.scores.ndim > 1:
        return validate_classes(label, known[ours])
    return validate(label, known) if "auc" in metrics else validate_amounts(label, known)


def trained_groups(train: Table, trained: Floats | None = None) -> TrainedGroups:
    """Sum up the rows that were trained on for `stability_since`, on a later day.

    Args:
        train: Rows that were trained on.
        trained: Their scores, shape (rows,) or (classes, rows), if this party knows them.

    Returns:
        Groups of each column and of the scores, without any row.
    """
    return TrainedGroups(
        rows=len(train),
        # A resumed run adds up its scores in another order: the last digits decide nothing.
        score=None
        if trained is None
        else groups(_one_column(trained), categorical=trained.ndim > 1),
        columns={
            name: groups(train.features[:, place], categorical=name in train.categories)
            for place, name in enumerate(train.names)
        },
    )


def stability_since(trained: TrainedGroups, rows: Table, scored: Floats | None = None) -> Stability:
    """Compare scored rows with those that were trained on.

    Args:
        trained: Groups of the latter.
        rows: Rows that were scored.
        scored: Their scores, shape (rows,), if this party knows them.

    Returns:
        How stable this party's columns and, where it knows them, the scores are.

    Raises:
        SpecError: There are no rows on one side.
    """
    of_scores, missing = None, ""
    if scored is None:
        missing = "this party does not know the scores"
    elif trained.score is None:
        missing = (
            "the scores of the rows that were trained on are not known here: a regression over "
            "several batches or at the shared level does not compute them, and several classes "
            "have a score each"
        )
    else:
        of_scores = shift(trained.score, _one_column(scored))
    return Stability(
        sampling_noise=sampling_noise(trained.rows, len(rows)),
        score=of_scores,
        columns=of_columns(trained.columns, rows.names, rows.features),
        missing=missing,
    )


def _one_column(scores: Floats) -> Floats:
    """Scores as one number a row: of several classes the one that is likeliest."""
    if scores.ndim == 1:
        return scores.round(_DIGITS)
    likeliest: Floats = scores.argmax(axis=0).astype(np.float64)
    return likeliest


_DIGITS = 9
