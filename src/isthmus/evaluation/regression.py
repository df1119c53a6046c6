# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Metrics of regression: RMSE, MAE and R2; deviance and D2 of counts and amounts."""

from collections.abc import Callable

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError


def rmse(label: Floats, prediction: Floats) -> float:
    """Root mean squared error.

    Args:
        label: Shape (rows,).
        prediction: In units of the label, shape (rows,).

    Returns:
        In units of the label.

    Raises:
        SpecError: There are no rows, or a prediction is not a number.
    """
    from sklearn.metrics import root_mean_squared_error  # noqa: PLC0415 - it takes a second to load

    _check(prediction)
    return float(root_mean_squared_error(label, prediction))


def mae(label: Floats, prediction: Floats) -> float:
    """Mean absolute error.

    Args:
        label: Shape (rows,).
        prediction: In units of the label, shape (rows,).

    Returns:
        In units of the label.

    Raises:
        SpecError: There are no rows, or a prediction is not a number.
    """
    from sklearn.metrics import mean_absolute_error  # noqa: PLC0415 - it takes a second to load

    _check(prediction)
    return float(mean_absolute_error(label, prediction))


def r2(label: Floats, prediction: Floats) -> float:
    """Coefficient of determination (R2): the share of the label's variance that is explained.

    Args:
        label: Shape (rows,), at least two different values.
        prediction: In units of the label, shape (rows,).

    Returns:
        At most 1; 0 if the predictions are as good as the mean of the label.

    Raises:
        SpecError: The label is the same everywhere, there are no rows, or a prediction is not a
            number.
    """
    from sklearn.metrics import r2_score  # noqa: PLC0415 - it takes a second to load

    _check(prediction)
    if np.ptp(label) == 0:
        raise SpecError(_CONSTANT)
    return float(r2_score(label, prediction))


def deviance(label: Floats, prediction: Floats, power: float) -> float:
    """Mean deviance: twice the log-likelihood that a prediction falls short of the label itself.

    Args:
        label: Shape (rows,).
        prediction: In units of the label, above 0, shape (rows,).
        power: How the variance grows with the mean: 1 for counts (Poisson), 2 for amounts (gamma).

    Returns:
        At least 0.

    Raises:
        SpecError: There are no rows, or a prediction is not a number.
    """
    from sklearn.metrics import mean_tweedie_deviance  # noqa: PLC0415 - it takes a second to load

    _check(prediction)
    found: Callable[..., float] = mean_tweedie_deviance
    return float(found(label, prediction, power=power))


def d2(label: Floats, prediction: Floats, power: float) -> float:
    """Share of the deviance that is explained (D2): what R2 is for squared errors.

    Args:
        label: Shape (rows,), at least two different values.
        prediction: In units of the label, above 0, shape (rows,).
        power: How the variance grows with the mean: 1 for counts (Poisson), 2 for amounts (gamma).

    Returns:
        At most 1; 0 if the predictions are as good as the mean of the label.

    Raises:
        SpecError: The label is the same everywhere, there are no rows, or a prediction is not a
            number.
    """
    from sklearn.metrics import d2_tweedie_score  # noqa: PLC0415 - it takes a second to load

    _check(prediction)
    if np.ptp(label) == 0:
        raise SpecError(_CONSTANT)
    found: Callable[..., float] = d2_tweedie_score
    return float(found(label, prediction, power=power))


_CONSTANT = (
    "The label is the same in all test rows, so there is nothing to explain. Raise the share of "
    "test rows, or take another seed."
)


def _check(prediction: Floats) -> None:
    if not len(prediction):
        raise SpecError("There are no test rows. Raise the share of test rows.")
    if not np.isfinite(prediction).all():
        raise SpecError(
            "Some predictions are not numbers: the training diverged. "
            "Look for columns with huge values, or lower the step length."
        )
