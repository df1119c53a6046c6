"""Encrypted histograms of gradients: a passive party adds, and only the active party can decrypt.

The active party encrypts g and h of each row of a tree in one plaintext. A passive party adds up
the ciphertexts by node, code and group of bins, and packs several sums into one ciphertext. The
active party decrypts the sums. It cannot tell from the ciphertexts which rows a sum is over, as a
fresh encryption of zero is added to each ciphertext before it is sent.
"""

import operator
from collections.abc import Iterator
from functools import reduce
from typing import Protocol

import numpy as np

from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.crypto.bucket_sums import bucket_sums
from isthmus.crypto.scheme import Ciphertexts, PrivateKey, PublicKey
from isthmus.vertical.boosting.packing import Packing
from isthmus.vertical.boosting.stored_rows import StoredRows


def encrypted_blocks(
    key: PublicKey, packing: Packing, values: Integers, block_rows: int
) -> Iterator[bytes]:
    """Encrypt the gradients of a tree's rows, block by block.

    Args:
        key: The active party's key.
        packing: Encodes pairs of g and h as plaintexts.
        values: g and h of the rows in fixed point, shape (2, rows).
        block_rows: Rows of a block; the last one may have fewer.

    Yields:
        The ciphertexts of a block.

    Raises:
        ValueError: Sums of these gradients do not fit into plaintexts.
    """
    packing.check(values)
    for start in range(0, values.shape[1], block_rows):
        yield key.encrypt(packing.rows(values[:, start : start + block_rows])).dump()


class RowSums(Protocol):
    """Encrypted gradients of the rows of one tree at a passive party, and their sums."""

    def add(self, block: bytes, rows: int) -> None:
        """Add the next block of rows, and include it in the sums of the root.

        Args:
            block: Ciphertexts as received.
            rows: Number of rows that the block must have.

        Raises:
            ValueError: The ciphertexts are not valid, or the tree has fewer rows.
        """
        ...

    def root(self) -> Ciphertexts:
        """Returns the sums over all rows.

        Returns:
            One sum per group: code by code, bin by bin. Not re-randomised: see `sealed`.

        Raises:
            ValueError: Not all rows have arrived.
        """
        ...

    def level(self, slot: Integers, starts: Bools) -> Ciphertexts:
        """Returns the sums over the rows of some nodes, after all rows have arrived.

        Args:
            slot: Position of each row's node in `starts`, -1 for rows elsewhere; shape (rows,).
            starts: Where groups of bins start, shape (nodes, codes, width).

        Returns:
            One sum per group: node by node, code by code, bin by bin. Not re-randomised: see
            `sealed`.
        """
        ...


class EncryptedRows:
    """`RowSums` computed in this process."""

    def __init__(self, key: PublicKey, bins: Bins, starts: Bools) -> None:
        """Start without rows.

        Args:
            key: The active party's key.
            bins: Bins of the tree's rows and codes, shape (rows, codes).
            starts: Where the root's groups of bins start, shape (codes, width).
        """
        self._key = key
        self._bins = bins
        self._starts = starts
        self._root: list[Ciphertexts] = []
        self._rows = StoredRows(key, len(bins))
        self._arrived = 0

    def add(self, block: bytes, rows: int) -> None:
        """Add the next block of rows, and include it in the sums of the root.

        Args:
            block: Ciphertexts as received.
            rows: Number of rows that the block must have.

        Raises:
            ValueError: The ciphertexts are not valid, or the tree has fewer rows.
        """
        bins = self._bins[self._arrived : self._arrived + rows]
        if len(bins) < rows:
            raise ValueError(f"{rows} more rows than the {len(self._bins)} of the tree")
        ciphertexts = self._key.load_residues(block, rows)
        sums = _group_sums(ciphertexts, bins, self._starts)
        self._key.check_units(sums[: int(self._starts[0].sum())])  # each row is in one of these
        self._root = [self._root[0] + sums if self._root else sums]
        self._rows.add(block, ciphertexts)
        self._arrived += rows

    def root(self) -> Ciphertexts:
        """Returns the sums over all rows.

        Returns:
            One sum per group: code by code, bin by bin. Not re-randomised: see `sealed`.

        Raises:
            ValueError: Not all rows have arrived.
        """
        if self._arrived < len(self._bins):
            raise ValueError(f"{self._arrived} of {len(self._bins)} rows have arrived")
        return self._root[0]

    def level(self, slot: Integers, starts: Bools) -> Ciphertexts:
        """Returns the sums over the rows of some nodes, after all rows have arrived.

        Args:
            slot: Position of each row's node in `starts`, -1 for rows elsewhere; shape (rows,).
            starts: Where groups of bins start, shape (nodes, codes, width).

        Returns:
            One sum per group: node by node, code by code, bin by bin. Not re-randomised: see
            `sealed`.
        """
        parts = [self._node(np.flatnonzero(slot == at), groups) for at, groups in enumerate(starts)]
        return parts[0].join(parts[1:])

    def _node(self, rows: Integers, starts: Bools) -> Ciphertexts:
        if not rows.size:
            nothing: list[int] = []
            return self._root[0].sums([nothing] * int(starts.sum()))
        return reduce(
            operator.add,
            (
                _group_sums(ciphertexts, self._bins[part], starts)
                for part, ciphertexts in self._rows.parts(rows)
            ),
        )


def sealed(key: PublicKey, packing: Packing, sums: Ciphertexts) -> bytes:
    """Pack and re-randomise sums for sending.

    Args:
        key: The active party's key.
        packing: Packs several sums into one ciphertext.
        sums: Encrypted sums of pairs.

    Returns:
        `packing.ciphertexts(len(sums))` ciphertexts, re-randomised.
    """
    folded = packing.fold(sums)
    return (folded + key.encrypt([0] * len(folded))).dump()


def opened(key: PrivateKey, packing: Packing, data: bytes, starts: Bools) -> Integers:
    """Decrypt the histograms that a passive party sent.

    Args:
        key: The active party's key.
        packing: The packing of the sums.
        data: Result of `sealed` at the passive party.
        starts: Where groups of bins start, shape (nodes, codes, width).

    Returns:
        g and h of each group at the bin where it starts, 0 elsewhere; shape
        (2, nodes, codes, width).

    Raises:
        ValueError: The bytes are not this number of sums.
    """
    count = int(starts.sum())
    ciphertexts = key.public.load(data, packing.ciphertexts(count))
    sums = np.zeros((2, *starts.shape), np.int64)
    sums[:, starts] = packing.unfold(key.decrypt(ciphertexts), count)
    return sums


def _group_sums(rows: Ciphertexts, bins: Bins, starts: Bools) -> Ciphertexts:
    """Returns one sum per group of bins of each code."""
    groups = starts.sum(axis=1)
    group = (np.cumsum(starts, axis=1) - 1).astype(np.int8)
    codes = group[np.arange(bins.shape[1]), bins]
    buckets = int(groups.max())
    sums = bucket_sums(rows, codes, buckets)
    exist = np.arange(buckets) < groups[:, None]
    return sums if exist.all() else sums.take(np.flatnonzero(exist).tolist())
