"""Columns as both levels train and multiply them: on integer grids."""

from collections.abc import Callable

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.crypto import radix
from isthmus.crypto.radix import Quantised
from isthmus.vertical.regression.scaling import Scaling


def quantised(values: Floats, bits: int) -> Quantised:
    """Round columns to integer grids: all of training uses exactly these values.

    Args:
        values: Standardised columns, shape (rows, columns).
        bits: As in `radix.quantise`.

    Returns:
        The quantised columns.

    Raises:
        SpecError: A column cannot be used.
    """
    return _refusing(lambda: radix.quantise(values, bits))


def standardised(features: Floats, scale: Scaling, bits: int) -> Quantised:
    """Standardise columns and round them, one by one: no copy of all of them is made.

    Args:
        features: Columns in their own units, shape (rows, columns).
        scale: Their means and deviations.
        bits: As in `radix.quantise`.

    Returns:
        The quantised columns.

    Raises:
        SpecError: A column cannot be used.
    """
    rows, columns = features.shape
    return _refusing(
        lambda: radix.quantise_each(
            lambda number: scale.column(features, number), rows, columns, bits
        )
    )


def _refusing(quantise: Callable[[], Quantised]) -> Quantised:
    try:
        return quantise()
    except ValueError as error:
        raise SpecError(f"{error}. Correct it, or leave it out of `columns`.") from None
