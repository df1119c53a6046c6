"""Columns as both levels train and multiply them: on integer grids."""

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.crypto import radix
from isthmus.crypto.radix import Quantised


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
    try:
        return radix.quantise(values, bits)
    except ValueError as error:
        raise SpecError(f"{error}. Correct it, or leave it out of `columns`.") from None
