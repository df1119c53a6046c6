"""Forecast of shares of sums; see `shares.py`."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from isthmus.crypto.certificates import SIGNATURE_BYTES
from isthmus.crypto.identity import CERTIFICATE_BYTES
from isthmus.crypto.pairwise import WIDE_BYTES
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.vertical.regression.messages import (
    MaskedNumbers,
    MaskedPredictor,
    MaskedSlope,
    PairKey,
    PairKeys,
    PartialNumbers,
    PartialPredictor,
    PartialSlope,
    SignedKey,
)


def passives(sizes: Sizes) -> int:
    """Returns the number of passive parties."""
    return max(1, len(sizes.rows) - 1)


def keys(sizes: Sizes) -> Iterator[Flow]:
    """Forecast the keys of masks.

    Args:
        sizes: Rows of all parties.

    Yields:
        The messages; none for one passive party.
    """
    count = passives(sizes)
    if count > 1:
        signed = SignedKey(
            key=bytes(32),
            certificate=bytes(CERTIFICATE_BYTES),
            signature=bytes(SIGNATURE_BYTES),
        )
        yield Flow("passive", PairKey(signed=signed), 1)
        yield Flow("active", PairKeys(signed=[signed] * count), 1)


def numbers(count: int, times: int, sizes: Sizes) -> Flow:
    """Forecast shares of a few numbers.

    Args:
        count: How many.
        times: How often.
        sizes: Rows of all parties.

    Returns:
        The messages.
    """
    if passives(sizes) > 1:
        return Flow("passive", MaskedNumbers(values=[bytes(WIDE_BYTES)] * count), times)
    return Flow("passive", PartialNumbers(values=np.zeros(count)), times)


def rows(
    kind: type[PartialPredictor] | type[PartialSlope],
    shape: tuple[int, ...],
    block_rows: int,
    times: int,
    sizes: Sizes,
) -> Iterator[Flow]:
    """Forecast shares of values of rows.

    Args:
        kind: What one passive party sends.
        shape: Of all values: (rows,) or (rows, outputs).
        block_rows: Rows of a block.
        times: How often.
        sizes: Rows of all parties.

    Yields:
        The messages.
    """
    for (count, first), number in starts(shape[0], block_rows).items():
        part = (count, *shape[1:])
        if passives(sizes) == 1:
            yield Flow("passive", kind(first_row=first, values=np.zeros(part)), number * times)
            continue
        masked = MaskedSlope if kind is PartialSlope else MaskedPredictor
        words = masked(first_row=first, values=np.zeros(part, np.uint64))
        yield Flow("passive", words, number * times)


def starts(rows: int, block_rows: int) -> Counter[tuple[int, int]]:
    """Count blocks of the same size on the line.

    Args:
        rows: Of all blocks.
        block_rows: Rows of a block.

    Returns:
        By its rows, and by the largest first row that takes as many bytes as its own.
    """
    return Counter(
        (min(block_rows, rows - at), _largest_alike(at)) for at in range(0, rows, block_rows)
    )


def _largest_alike(number: int) -> int:
    """The largest number that takes as many bytes on the line as this one."""
    return next(most for most in (2**7 - 1, 2**8 - 1, 2**16 - 1, 2**32 - 1) if number <= most)
