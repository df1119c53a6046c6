"""Figures that a validator asks for, of scores of aligned rows or of one organisation's own."""

from isthmus.core.arrays import Floats
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.stability import groups, of_columns, sampling_noise, shift
from isthmus.evaluation.validating import validate
from isthmus.evaluation.validation import Stability, TrainedGroups, Validation
from isthmus.vertical.labelled import labelled


def validated(scores: Scores, metrics: PartialMetrics, ours: str = "joint") -> Validation | None:
    """Compute cuts, calibration and intervals on the rows whose label is known.

    Args:
        scores: Scores of rows.
        metrics: What is measured of them.
        ours: Name of the model.

    Returns:
        The figures; None where scores are no probabilities of a label of 0 and 1.

    Raises:
        SpecError: A score is not a number.
    """
    if "auc" not in metrics or scores.scores.ndim > 1:
        return None
    alone = {} if scores.alone is None else {"active_only": scores.alone}
    label, known = labelled(scores.rows, {ours: scores.scores} | alone)
    return validate(label, known)


def stability(
    train: Table, test: Table, trained: Floats | None = None, scored: Floats | None = None
) -> Stability:
    """Compare scored rows with those that were trained on, at any party: it takes no label.

    Args:
        train: Rows that were trained on.
        test: Rows that were scored.
        trained: Scores of the former, shape (rows,), if this party knows them.
        scored: Scores of the latter, if this party knows them.

    Returns:
        How stable this party's columns and, where it knows them, the scores are.

    Raises:
        SpecError: There are no rows on one side.
    """
    return stability_since(trained_groups(train, trained), test, scored)


def trained_groups(train: Table, trained: Floats | None = None) -> TrainedGroups:
    """Sum up the rows that were trained on for `stability_since`, on a later day.

    Args:
        train: Rows that were trained on.
        trained: Their scores, shape (rows,), if this party knows them.

    Returns:
        Groups of each column and of the scores, without any row.
    """
    return TrainedGroups(
        rows=len(train),
        # A resumed run adds up its scores in another order: the last digits decide nothing.
        score=None if trained is None else groups(trained.round(_DIGITS)),
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
    of_scores = None
    if trained.score is not None and scored is not None:
        of_scores = shift(trained.score, scored.round(_DIGITS))
    return Stability(
        sampling_noise=sampling_noise(trained.rows, len(rows)),
        score=of_scores,
        columns=of_columns(trained.columns, rows.names, rows.features),
    )


_DIGITS = 9
