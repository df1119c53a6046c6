"""The least that encryption takes for a tree: how many operations it needs, and how fast they are.

The operations are those of any protocol in which the active party encrypts gradients, and a passive
party adds them up by bin: an encryption per sampled row; an addition per row and column of the
passive party for the smaller child of each pair, whose sibling has the rest; a decryption per bin.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from benchmarks.simulated import ACTIVE, PASSIVE, TEST, TRAIN, Workload
from isthmus.core.arrays import Integers
from isthmus.core.seeds import generator
from isthmus.crypto import keys
from isthmus.crypto.encryption import Encryption, Engine
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.pooled import Pooled, train_pooled
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees.tree import Tree

_T = TypeVar("_T")

RANDOMNESS = Randomness(seed=7, job="benchmark")

VALUE_BITS, SHIFT = 31, 40
"""Of the plaintexts that are timed, as of g and h of a row: bits, and zeros below them."""


@dataclass(frozen=True)
class Operations:
    """How many, or how many in a CPU second."""

    encryptions: float
    additions: float
    decryptions: float

    def seconds(self, rates: "Operations") -> float:
        """CPU seconds that they take at these rates."""
        return (
            self.encryptions / rates.encryptions
            + self.additions / rates.additions
            + self.decryptions / rates.decryptions
        )


def rows(workload: Workload) -> list[Rows]:
    """The rows of both parties, the active one first."""
    return [
        Rows(workload.rows(party, TRAIN), workload.rows(party, TEST)) for party in (ACTIVE, PASSIVE)
    ]


def per_tree(workload: Workload, boosting: Boosting) -> Operations:
    """The operations of a tree, on average over the trees that a training grows.

    Args:
        workload: The rows.
        boosting: What the job says.

    Returns:
        How many there are.
    """
    model = train_pooled(rows(workload), boosting, RANDOMNESS)
    counts = [_of(tree, model, boosting) for tree in model.state.trees]
    return Operations(*np.mean(counts, axis=0).tolist())


def rates(
    encryption: Encryption, count: int, columns: int, bins: int, engine: Engine = "auto"
) -> Operations:
    """Operations in a CPU second, with nothing between them: other work slows that down less.

    Args:
        encryption: How the job encrypts.
        count: How many values to encrypt.
        columns: Columns to add them up by.
        bins: Bins of a column; so many sums per column are decrypted.
        engine: What computes.

    Returns:
        The rates.
    """
    key = keys.generate(encryption.scheme, engine, encryption.key_bits)
    random = generator(RANDOMNESS.seed, "operations")
    values = [int(value) << SHIFT for value in random.integers(2**VALUE_BITS, size=count)]
    codes = random.integers(bins, size=(count, columns)).astype(np.int8)

    encrypting, ciphertexts = timed(lambda: key.public.encrypt(values))
    adding, sums = timed(lambda: ciphertexts.bucket_sums(codes, bins))
    decrypting, _ = timed(lambda: key.decrypt(sums))
    return Operations(count / encrypting, count * columns / adding, columns * bins / decrypting)


def timed(work: Callable[[], _T]) -> tuple[float, _T]:
    """CPU seconds of some work, and what came of it."""
    work()  # once before: the first call starts threads and fills tables
    began = time.process_time()
    done = work()
    return time.process_time() - began, done


def _of(tree: Tree, model: Pooled, spec: Boosting) -> tuple[int, int, int]:
    """Encryptions, additions and decryptions of a tree that may split on all codes."""
    theirs = model.assigned.book.owner > 0
    left = _summed(tree, spec)
    everyone, smaller = tree.rows[0], np.minimum(tree.rows[left], tree.rows[left + 1])
    return (
        int(everyone),
        int(everyone + smaller.sum()) * int(theirs.sum()),
        (1 + len(left)) * int(model.assigned.book.bins[theirs].sum()),
    )


def _summed(tree: Tree, spec: Boosting) -> Integers:
    """Left nodes of the pairs that might have been split again."""
    depth = np.zeros(len(tree), np.int64)
    inner = np.flatnonzero(tree.child >= 0)
    for node in inner.tolist():  # a parent comes before its children
        depth[tree.child[node] : tree.child[node] + 2] = depth[node] + 1
    left = tree.child[inner]
    large = np.maximum(tree.rows[left], tree.rows[left + 1]) >= spec.minimum_node_rows
    return left[large & (depth[left] < spec.depth)]
