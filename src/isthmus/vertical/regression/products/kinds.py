"""The kind of the scheme that a job names, and the bounds that it sets."""

from typing import Any

from isthmus.crypto.encryption import Engine, RegressionEncryption
from isthmus.crypto.lattice.parameters import EXACT_BITS
from isthmus.crypto.sum_masks import SUM_BITS
from isthmus.vertical.regression.products.additive import Additive
from isthmus.vertical.regression.products.scheme import Bounds, Kind


def kind_of(encryption: RegressionEncryption, engine: Engine, block_rows: int) -> Kind[Any]:
    """Returns the kind of the scheme that a job names.

    Args:
        encryption: The `[regression.encryption]` table.
        engine: What this party asks to compute it with.
        block_rows: Rows of a block that the job asks for.

    Returns:
        The kind.
    """
    if encryption.scheme == "bfv":
        from isthmus.vertical.regression.products.bfv import Bfv  # noqa: PLC0415 - SEAL is slow

        return Bfv(block_rows)
    return Additive(encryption.of_numbers, engine, block_rows)


def bounds_of(
    encryption: RegressionEncryption, rows: int, feature_bits: int, limit: float
) -> Bounds:
    """Returns bounds within which no sum overflows.

    Args:
        encryption: The `[regression.encryption]` table.
        rows: Most rows of a product.
        feature_bits: Integers of columns are of a magnitude below two to this power.
        limit: Largest magnitude of a value, a power of two.

    Returns:
        The bounds, which also say in what units values are encrypted.

    Raises:
        ValueError: There are too many rows.
    """
    sum_bits = EXACT_BITS - 1 if encryption.scheme == "bfv" else SUM_BITS
    return Bounds(rows, feature_bits, limit, sum_bits)
