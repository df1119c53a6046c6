"""Sums of encrypted labels by bin: the arithmetic of both roles.

The passive party adds up encrypted labels, and puts a mask on every sum before the active party
decrypts it, see `crypto/fixed_point.py`. It sends as many sums as the job says, whatever its
columns and bins are: those that it lacks are masks alone.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto.fixed_point import Bounds
from isthmus.crypto.scheme import Ciphertexts, PublicKey
from isthmus.vertical.preparation.evidence import Grouped


def bounds(rows: int) -> Bounds:
    """Returns the bounds of sums of labels, which are 0 and 1."""
    return Bounds(rows, feature_bits=1, limit=1.0)


def encrypted(key: PublicKey, label: Floats, block_rows: int) -> Iterator[tuple[int, bytes]]:
    """Yields the first row of each block, and its labels encrypted."""
    for first in range(0, len(label), block_rows):
        block: list[int] = label[first : first + block_rows].astype(np.int64).tolist()
        yield first, key.encrypt(block).dump()


def masked(key: PublicKey, sums: Ciphertexts, masks: Sequence[int]) -> bytes:
    """Put a mask on every sum, and add masks alone until there are as many as masks.

    Args:
        key: The active party's key.
        sums: Encrypted sums, no more than masks.
        masks: A mask for each.

    Returns:
        The ciphertexts to send, re-randomised.
    """
    lacking = len(masks) - len(sums)
    every = sums.join([key.encrypt([0] * lacking)]) if lacking else sums
    return (every + key.encrypt(masks)).dump()


def by_group(sums: Sequence[int], grouped: Sequence[Grouped], slots: int) -> list[Integers]:
    """Take the sums of our bins from those of the job's number of columns and bins.

    Args:
        sums: Without masks, column by column.
        grouped: Our bins.
        slots: Most bins of a column.

    Returns:
        Events of each group, by column.

    Raises:
        ValueError: A sum is none of so many labels.
    """
    table = np.array(sums, np.int64).reshape(-1, slots)
    rows = np.zeros_like(table)
    for at, each in enumerate(grouped):
        rows[at, : each.groups] = each.rows
    if ((table < 0) | (table > rows)).any():
        raise ValueError("a bin has more rows of label 1 than rows, or fewer than none")
    return [table[at, : each.groups] for at, each in enumerate(grouped)]
