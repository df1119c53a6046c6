"""Residuals as they are encrypted: in fixed point, within bounds that all parties know."""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.vertical.regression import families
from isthmus.vertical.regression.products.kinds import bounds_of
from isthmus.vertical.regression.products.scheme import Bounds
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.spec import Regression


def largest(spec: Regression, label: Label, start: Floats) -> float:
    """Returns the power of two that no residual exceeds in training.

    Args:
        spec: The `[regression]` table.
        label: The labels and weights of the rows.
        start: The residuals at the start of training, with the weights in them.

    Returns:
        Of classes, whose residuals are probabilities, the largest weight, rounded up; of numbers
        what the line search keeps to.
    """
    if spec.family in {"binomial", "multinomial"}:
        return float(2.0 ** np.ceil(np.log2(label.weight.max())))
    return families.residual_limit(start)


def bounds(spec: Regression, rows: int, limit: float) -> Bounds:
    """Returns the bounds of all products of a training.

    Args:
        spec: The `[regression]` table.
        rows: Training rows.
        limit: The power of two that no residual exceeds.

    Returns:
        Bounds within which no sum overflows.

    Raises:
        SpecError: There are too many rows.
    """
    of_batch = -(-rows // spec.batches)
    try:
        return bounds_of(spec.encryption, of_batch, spec.feature_bits, limit)
    except ValueError as error:
        raise SpecError(
            f"{error}: agree on a lower `regression.feature_bits`, or on more `batches`."
        ) from None
