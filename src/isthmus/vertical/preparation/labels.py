"""Sums of encrypted labels by bin: the arithmetic of both roles.

Labels cross under a scheme that adds single numbers. The passive party adds them up by bin
(`crypto/bucket_sums.py`), and puts a mask on every sum before the active party decrypts it
(`crypto/sum_masks.py`). It sends as many sums as the job says, whatever its columns and bins are:
those that it lacks are masks alone.
"""

import operator
from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto.bucket_sums import bucket_sums
from isthmus.crypto.encryption import Engine
from isthmus.crypto.scheme import Ciphertexts
from isthmus.vertical.preparation.evidence import Grouped
from isthmus.vertical.preparation.spec import Preparation
from isthmus.vertical.regression.products.additive import Additive, AdditiveOwner
from isthmus.vertical.regression.products.scheme import Declared


def declared(rows: int, sums: int) -> Declared:
    """Returns what both sides know of sums of labels: a row is in a bin or not, and 0 or 1."""
    return Declared(columns=sums, rows=rows, value_bits=1, feature_bits=1)


def scheme(spec: Preparation, engine: Engine) -> Additive:
    """Returns the encryption of labels."""
    return Additive(spec.encryption, engine, spec.block_rows)


def encrypted(key: AdditiveOwner, label: Floats, block_rows: int) -> Iterator[tuple[int, bytes]]:
    """Yields the first row of each block, and its labels encrypted."""
    for first in range(0, len(label), block_rows):
        yield first, key.encrypt(label[first : first + block_rows].astype(np.int64))


class MaskedSums:
    """Sums of labels by group, at the passive party."""

    def __init__(
        self, kind: Additive, key: bytes, grouped: Sequence[Grouped], sums: Declared
    ) -> None:
        """Start without rows.

        Args:
            kind: The encryption of labels.
            key: The public key, as received.
            grouped: Our bins.
            sums: How many sums there are, of how many rows.

        Raises:
            ValueError: The key is not what an honest party sends.
        """
        self._key, self._sums = kind.load(key), kind.sums(sums, key, b"")
        self._grouped, self._count = grouped, sums.columns
        self._codes = np.column_stack([each.codes for each in grouped])
        self._parts = list[Ciphertexts]()

    def add(self, first: int, stop: int, block: bytes, slots: int) -> None:
        """Add up a block of rows.

        Args:
            first: Its first row.
            stop: The row after its last one.
            block: Encrypted labels, as received.
            slots: Most bins of a column.

        Raises:
            ValueError: They are not valid.
        """
        codes = self._codes[first:stop]
        self._parts.append(bucket_sums(self._key.load(block, len(codes)), codes, slots))

    def masked(self) -> bytes:
        """Returns all sums under masks, re-randomised, and masks alone for those that we lack."""
        sums = reduce(operator.add, self._parts)
        lacking = self._count - len(sums)
        every = sums.join([self._key.encrypt([0] * lacking)]) if lacking else sums
        return self._sums.finish([every])

    def opened(self, answer: bytes, slots: int) -> list[Integers]:
        """Take the masks off.

        Args:
            answer: What the active party has decrypted, as received.
            slots: Most bins of a column.

        Returns:
            Rows of label 1 in each group, by column.

        Raises:
            ValueError: A sum is none of so many labels.
        """
        table = np.array(self._sums.unmask(answer), np.int64).reshape(-1, slots)
        rows = np.zeros_like(table)
        for at, each in enumerate(self._grouped):
            rows[at, : each.groups] = each.rows
        if ((table < 0) | (table > rows)).any():
            raise ValueError("a bin has more rows of label 1 than rows, or fewer than none")
        return [table[at, : each.groups] for at, each in enumerate(self._grouped)]
