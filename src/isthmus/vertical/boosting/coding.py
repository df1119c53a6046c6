"""Feature codes: every column of every party gets a number, and only its owner knows the meaning.

Every job assigns new codes. A party sorts its columns by a keyed hash of something that only it
knows, their bins; the active party then assigns numbers to all columns in those orders. So the
active party cannot tell which column of a file a code stands for, nor that two codes of two jobs
stand for the same column. All of it is a function of the job and the data: a run that was cut off
assigns the same codes again, and so does the pooled comparison, which has all tables.
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
    """What a party tells of its columns."""

    categorical: Bools
    """Whether the bins of a column have no order, shape (columns,)."""

    bins: Integers
    """Bins of each column, with the one of missing values, shape (columns,)."""

    def __len__(self) -> int:
        return len(self.bins)


@dataclass(frozen=True)
class Columns:
    """One party's columns in the order in which they get their codes."""

    binnings: list[Binning]
    """What each column's bins mean."""

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
        """What the active party may know of them."""
        return Facts(
            np.array([isinstance(each, Categorical) for each in self.binnings], np.bool_),
            np.array([each.bins for each in self.binnings], np.int64),
        )

    def fingerprint(self, rows: Rows, job: str) -> str:
        """Digest of the job, and of the training rows with all that is learnt from; in hex."""
        digest = hashlib.sha256(repr((job, self.names, rows.train.identifiers)).encode())
        for values in (self.bins, rows.train.label, rows.train.weight):
            digest.update(b"" if values is None else values.tobytes())
        return digest.hexdigest()


def columns(train: Table, spec: Boosting, job: str) -> Columns:
    """Find the bins of a party's columns, and put the columns into their order for this job.

    Args:
        train: The party's training rows.
        spec: Says how many bins.
        job: Digest of the job.

    Returns:
        The columns.

    Raises:
        SpecError: A column is empty, or has one single value.
    """
    found = binning.fit(train, spec.bins)
    secret = hashlib.sha256(msgspec.json.encode((job, found)))
    order = sorted(range(len(found)), key=lambda at: _place(secret.digest(), found[at].name))
    return Columns([found[at] for at in order], binning.encode(found, train).T[order].T)


def _place(secret: bytes, name: str) -> bytes:
    return hmac.digest(secret, name.encode(), "sha256")


def encode(binnings: Sequence[Binning], table: Table) -> Bins:
    """Bins of a party's rows in its columns, in the order of `binnings`.

    Args:
        binnings: What the bins of each column mean.
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
    """Codes of each party's columns, in the party's own order and ascending; the active party
    comes first."""


def assign_codes(
    parties: Sequence[Facts], monotone: Integers, randomness: Randomness
) -> AssignedCodes:
    """Assign a code to every column of every party.

    Args:
        parties: What each party tells of its columns, the active party first.
        monotone: Constraint on each column of the active party, shape (columns,).
        randomness: Seed and job, which determine the codes.

    Returns:
        The codes, and what the active party knows of them.
    """
    sizes = [len(facts) for facts in parties]
    shuffled = seeds.generator(randomness.seed, "codes", randomness.job).permutation(sum(sizes))
    codes = [np.sort(part) for part in np.split(shuffled, np.cumsum(sizes)[:-1])]
    column = np.argsort(np.concatenate(codes))  # that a code stands for, all parties' in a row
    free = np.zeros(sum(sizes[1:]), np.int64)
    book = CodeBook(
        owner=np.repeat(np.arange(len(parties)), sizes)[column],
        categorical=np.concatenate([facts.categorical for facts in parties])[column],
        bins=np.concatenate([facts.bins for facts in parties])[column],
        monotone=np.concatenate([monotone, free])[column],
    )
    return AssignedCodes(book, codes)
