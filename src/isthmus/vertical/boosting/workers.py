"""Computing on ciphertexts at one party: in this process, or in worker processes.

With one worker, this process computes everything. With more, the workers get blocks of rows in
turn. Each encrypts, or adds up, its own rows, and then the sums of all workers are added:
ciphertexts are elements of a group, so the result is bit-identical for any number of workers.

gmpy2 multiplies under the lock of the interpreter, so that threads gain nothing: it takes a worker
per core to use all cores. The kernel uses all cores from one process.
"""

import operator
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from itertools import cycle

import msgspec
import numpy as np

from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.crypto import keys
from isthmus.crypto.encryption import Encryption, Engine
from isthmus.crypto.scheme import Ciphertexts, PublicKey
from isthmus.vertical.boosting.encrypted import EncryptedRows, RowSums, encrypted_blocks
from isthmus.vertical.boosting.packing import Packing
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import sampling
from isthmus.vertical.boosting.worker_process import (
    Add,
    Answer,
    Begin,
    Encrypt,
    Key,
    Level,
    Root,
    Task,
    work,
)
from isthmus.vertical.worker_processes import WorkerProcess

_ANSWERS = msgspec.msgpack.Decoder(Answer)
_WORTHWHILE = 200_000  # rows in all trees: seconds of gmpy2; a worker takes half a one to start


@dataclass(frozen=True)
class Calculator:
    """Encrypts rows and adds them up, in this process or in workers."""

    key: PublicKey
    """The key of all ciphertexts."""

    encrypted_blocks: Callable[[Packing, Integers, int], Iterator[bytes]]
    """`encrypted.encrypted_blocks` with the key: packing, gradients, rows of a block."""

    rows: Callable[[Bins, Bools, int], RowSums]
    """Makes the `RowSums` of a tree from bins, groups of the root, and rows of a block."""


def worthwhile(spec: Boosting, engine: Engine, rows: int) -> int:
    """Choose a number of workers where a party file names none.

    Args:
        spec: The `[boosting]` table.
        engine: What this party asks to compute its encryption with.
        rows: Number of training rows.

    Returns:
        One, or one per core where gmpy2 has enough to do that it pays to start them.
    """
    every = sampling.tree_rows(rows, spec) * spec.trees * spec.outputs
    runs = keys.running(spec.encryption.scheme, engine, spec.encryption.key_bits)
    alone = runs != "gmpy2" or every < _WORTHWHILE
    return 1 if alone else os.cpu_count() or 1


@contextmanager
def start_calculator(
    count: int, encryption: Encryption, engine: Engine, key: PublicKey
) -> Generator[Calculator]:
    """Start worker processes if there are several, and end them after the block.

    Args:
        count: Number of workers; with one, this process computes itself.
        encryption: The `[boosting.encryption]` table.
        engine: What this party asks to compute it with.
        key: The key of all ciphertexts.

    Yields:
        The calculator.
    """
    if count == 1:
        yield Calculator(key, partial(encrypted_blocks, key), partial(_in_this_process, key))
        return
    with workers(count, encryption, engine, key) as found:
        yield Calculator(key, found.encrypted_blocks, found.rows)


def _in_this_process(key: PublicKey, bins: Bins, starts: Bools, _block_rows: int) -> RowSums:
    return EncryptedRows(key, bins, starts)


class Workers:
    """Worker processes with one public key; `workers` starts and ends them."""

    def __init__(self, pipes: Sequence["_WorkerPipe"], key: PublicKey) -> None:
        """Use workers that already have the key."""
        self._pipes = pipes
        self._key = key

    def encrypted_blocks(
        self, packing: Packing, values: Integers, block_rows: int
    ) -> Iterator[bytes]:
        """Encrypt the gradients of a tree's rows, as `encrypted.encrypted_blocks` does.

        Args:
            packing: Encodes pairs of g and h as plaintexts.
            values: g and h of the rows in fixed point, shape (2, rows).
            block_rows: Rows of a block; the last one may have fewer.

        Yields:
            The ciphertexts of a block, in order.

        Raises:
            ValueError: Sums of these gradients do not fit into plaintexts.
            WorkerDiedError: A worker has ended.
        """
        packing.check(values)
        blocks = np.split(values, range(block_rows, values.shape[1], block_rows), axis=1)
        busy = deque[_WorkerPipe]()
        for pipe, block in zip(cycle(self._pipes), blocks, strict=False):
            # A worker gets its next block after its answer to the last: so the pipe cannot be full
            # in both directions, which would be a deadlock.
            done = busy.popleft().receive() if len(busy) == len(self._pipes) else None
            pipe.send(Encrypt(block.tobytes(), (packing.width, packing.pairs)))
            busy.append(pipe)
            if done:
                yield done.ciphertexts
        for pipe in busy:
            yield pipe.receive().ciphertexts

    def rows(self, bins: Bins, starts: Bools, block_rows: int) -> "ShardedRows":
        """Distribute the rows of a tree to the workers.

        Args:
            bins: Bins of the tree's rows and codes, shape (rows, codes).
            starts: Where the root's groups of bins start, shape (codes, width).
            block_rows: Rows of each block that will come; the last one may have fewer.

        Returns:
            The `RowSums` of all workers.
        """
        owner = np.arange(len(bins)) // block_rows % len(self._pipes)
        shards = {
            pipe: np.flatnonzero(owner == at)
            for at, pipe in enumerate(self._pipes[: owner.max() + 1])
        }
        for pipe, rows in shards.items():
            pipe.send(Begin(bins[rows].tobytes(), starts.tobytes(), len(starts)))
        return ShardedRows(self._key, shards)


class ShardedRows:
    """`RowSums` computed by several workers."""

    def __init__(self, key: PublicKey, shards: dict["_WorkerPipe", Integers]) -> None:
        """Use workers that already have the bins of their rows.

        Args:
            key: The active party's key.
            shards: Rows of each worker, ascending.
        """
        self._key = key
        self._shards = shards
        self._turn = cycle(shards)

    def add(self, block: bytes, rows: int) -> None:
        """Send the next block of rows to the next worker.

        Args:
            block: Ciphertexts as received; if they are not valid, `root` raises the error.
            rows: Number of rows that the block must have.

        Raises:
            WorkerDiedError: A worker has ended.
        """
        next(self._turn).send(Add(block, rows))

    def root(self) -> Ciphertexts:
        """Returns the sums over all rows.

        Returns:
            One sum per group: code by code, bin by bin. Not re-randomised.

        Raises:
            ValueError: A block was not valid, or not all rows have arrived.
            WorkerDiedError: A worker has ended.
        """
        for pipe in self._shards:
            pipe.send(Root())
        return self._total()

    def level(self, slot: Integers, starts: Bools) -> Ciphertexts:
        """Returns the sums over the rows of some nodes, after all rows have arrived.

        Args:
            slot: Position of each row's node in `starts`, -1 for rows elsewhere; shape (rows,).
            starts: Where groups of bins start, shape (nodes, codes, width).

        Returns:
            One sum per group: node by node, code by code, bin by bin. Not re-randomised.

        Raises:
            WorkerDiedError: A worker has ended.
        """
        nodes, codes, width = starts.shape
        for pipe, rows in self._shards.items():
            pipe.send(Level(slot[rows].tobytes(), starts.tobytes(), (nodes, codes, width)))
        return self._total()

    def _total(self) -> Ciphertexts:
        answers = [pipe.receive() for pipe in self._shards]
        for answer in answers:
            if answer.refused:
                raise ValueError(answer.refused)
        parts = [self._key.load(answer.ciphertexts, answer.count) for answer in answers]
        return reduce(operator.add, parts)


@contextmanager
def workers(
    count: int, encryption: Encryption, engine: Engine, key: PublicKey
) -> Generator[Workers]:
    """Start worker processes, and end them after the block.

    Args:
        count: Number of workers; they share the cores of the machine.
        encryption: Scheme and size of the key.
        engine: What this party asks to compute with.
        key: The key of all ciphertexts.

    Yields:
        The workers.
    """
    with ExitStack() as stack:
        pipes = [stack.enter_context(closing(_WorkerPipe())) for _ in range(count)]
        for pipe in pipes:
            pipe.send(Key(encryption.scheme, engine, encryption.key_bits, key.dump()))
        yield Workers(pipes, key)


class _WorkerPipe:
    """A worker process, with tasks and answers in place of bytes."""

    def __init__(self) -> None:
        self._process = WorkerProcess(work)
        self.close = self._process.close

    def send(self, task: Task | Key) -> None:
        self._process.send(msgspec.msgpack.encode(task))

    def receive(self) -> Answer:
        return _ANSWERS.decode(self._process.receive())
