"""Feature codes: every column of every party gets a number, and only its owner knows the column.

Every job assigns new codes. A party sorts its columns by a hash that is keyed with its bins, which
only it knows; the active party then assigns numbers to all columns in those orders. So the active
party cannot tell which column of a file a code stands for, nor that two codes of two jobs stand for
the same column. The codes depend on nothing but the job and the data: a resumed run assigns the
same codes again, and so does the pooled model, which has all tables.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from isthmus.core import seeds
from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.data import binning
from isthmus.data.binning import Binning, Categorical
from isthmus.data.table import Table
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees.tree import CodeBook


@dataclass(frozen=True)
class Facts:
    """The facts about its columns that a party tells the active party."""

    categorical: Bools
    """Whether a column is categorical, so that its bins have no order, shape (columns,)."""

    bins: Integers
    """Number of bins of each column, with the bin of missing values, shape (columns,)."""

    def __len__(self) -> int:
        return len(self.bins)


@dataclass(frozen=True)
class Columns:
    """One party's columns in the order of their codes."""

    binnings: list[Binning]
    """The definition of each column's bins."""

    bins: Bins
    """Bins of the training rows, shape (rows, columns)."""

    def __len__(self) -> int:
        return len(self.binnings)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(binning.name for binning in self.binnings)

    @property
    def facts(self) -> Facts:
        """The facts that the active party may know."""
        return Facts(
            np.array([isinstance(each, Categorical) for each in self.binnings], np.bool_),
            np.array([each.bins for each in self.binnings], np.int64),
        )

    def fingerprint(self, rows: Rows, job: str) -> str:
        """Returns a digest of the job and of the training rows with bins, labels and weights."""
        digest = hashlib.sha256(repr((job, self.names, rows.train.identifiers)).encode())
        for values in (self.bins, rows.train.label, rows.train.weight):
            digest.update(b"" if values is None else values.tobytes())
        return digest.hexdigest()


def columns(train: Table, spec: Boosting, job: str) -> Columns:
    """Find the bins of a party's columns, and sort the columns by a keyed hash for this job.

    Args:
        train: The party's training rows.
        spec: The `[boosting]` table, with the number of bins.
        job: Digest of the job.

    Returns:
        The columns.

    Raises:
        SpecError: A column is empty, or has one single value.
    """
    found = binning.fit(train, spec.bins)
    secret = hashlib.sha256(msgspec.json.encode((job, found)))
    order = sorted(range(len(found)), key=lambda at: _keyed_hash(secret.digest(), found[at].name))
    return Columns([found[at] for at in order], binning.encode(found, train).T[order].T)


def _keyed_hash(secret: bytes, name: str) -> bytes:
    return hmac.digest(secret, name.encode(), "sha256")


def encode(binnings: Sequence[Binning], table: Table) -> Bins:
    """Returns the bins of a party's rows, with columns in the order of `binnings`.

    Args:
        binnings: The definition of each column's bins.
        table: Rows of the party that found the bins; its columns may be in another order.

    Returns:
        Shape (rows, columns).

    Raises:
        SpecError: The table has other columns.
    """
    place = {binning.name: at for at, binning in enumerate(binnings)}
    order = sorted(range(len(table.names)), key=lambda at: place.get(table.names[at], -1))
    names = tuple(table.names[at] for at in order)
    return binning.encode(binnings, replace(table, features=table.features[:, order], names=names))


@dataclass(frozen=True)
class AssignedCodes:
    """The codes of all columns of all parties."""

    book: CodeBook
    """Facts about each code."""

    codes: list[Integers]
    """Codes of each party's columns, in the party's own order, ascending; the active party is
    first."""


def assign_codes(
    parties: Sequence[Facts], monotone: Integers, randomness: Randomness
) -> AssignedCodes:
    """Assign a code to every column of every party.

    Args:
        parties: The facts about each party's columns, the active party first.
        monotone: Constraint on each column of the active party, shape (columns,).
        randomness: Seed and job, which determine the codes.

    Returns:
        The codes, and the facts about each code.
    """
    sizes = [len(facts) for facts in parties]
    shuffled = seeds.generator(randomness.seed, "codes", randomness.job).permutation(sum(sizes))
    codes = [np.sort(part) for part in np.split(shuffled, np.cumsum(sizes)[:-1])]
    column = np.argsort(np.concatenate(codes))  # column of each code, counted over all parties
    free = np.zeros(sum(sizes[1:]), np.int64)
    book = CodeBook(
        owner=np.repeat(np.arange(len(parties)), sizes)[column],
        categorical=np.concatenate([facts.categorical for facts in parties])[column],
        bins=np.concatenate([facts.bins for facts in parties])[column],
        monotone=np.concatenate([monotone, free])[column],
    )
    return AssignedCodes(book, codes)
