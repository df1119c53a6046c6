"""Computing on ciphertexts at one party: in this process, or shared out to worker processes.

With one worker this process does all of it. With more, blocks of rows go to the workers in turn.
Each encrypts, or adds up, its own rows, and the sums of all are added: ciphertexts are elements of
a group, so the result is the same bit by bit with any number of workers.

HEU computes on all cores by itself, so that workers take only what is left: reading and checking
ciphertexts, which Python does on one core.
"""

import multiprocessing
import multiprocessing.connection
import operator
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from itertools import cycle

import msgspec
import numpy as np

from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.core.errors import ChannelError
from isthmus.crypto.encryption import Encryption, Engine, Scheme
from isthmus.crypto.scheme import Ciphertexts, PublicKey
from isthmus.vertical.boosting.encrypted import EncryptedRows, RowSums, encrypted_blocks
from isthmus.vertical.boosting.packing import Packing
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

_ANSWERS = msgspec.msgpack.Decoder(Answer)
_GRACE = 3.0  # seconds that a worker has to end once its line is closed


@dataclass(frozen=True)
class Calculator:
    """Encrypts rows and adds them up, in this process or in workers."""

    key: PublicKey
    """The key of all ciphertexts."""

    encrypted_blocks: Callable[[Packing, Integers, int], Iterator[bytes]]
    """Encrypts the gradients of a tree's rows in blocks of so many: see `encrypted`."""

    rows: Callable[[Bins, Bools, int], RowSums]
    """Makes what adds up the rows of a tree: bins, groups of the root, rows of a block."""


@contextmanager
def start_calculator(count: int, encryption: Encryption, key: PublicKey) -> Generator[Calculator]:
    """Start worker processes where the party wants several, and end them after the block.

    Args:
        count: Worker processes; with one, this process does the work itself.
        encryption: What the job says.
        key: The key of all ciphertexts.

    Yields:
        The calculator.
    """
    if count == 1:
        yield Calculator(key, partial(encrypted_blocks, key), partial(_in_this_process, key))
        return
    scheme, engine, bits = encryption.scheme, encryption.engine, encryption.key_bits
    with workers(count, scheme, engine, bits, key) as found:
        yield Calculator(key, found.encrypted_blocks, found.rows)


def _in_this_process(key: PublicKey, bins: Bins, starts: Bools, _block_rows: int) -> RowSums:
    return EncryptedRows(key, bins, starts)


class Workers:
    """Processes that work under one public key; `workers` starts and ends them."""

    def __init__(self, lines: Sequence["_Line"], key: PublicKey) -> None:
        """Use workers that know the key."""
        self._lines = lines
        self._key = key

    def encrypted_blocks(
        self, packing: Packing, values: Integers, block_rows: int
    ) -> Iterator[bytes]:
        """The gradients of a tree's rows: what `encrypted.encrypted_blocks` yields.

        Args:
            packing: How pairs become plaintexts.
            values: g and h of the rows in fixed point, shape (2, rows).
            block_rows: Rows of a block; the last one may have fewer.

        Yields:
            The ciphertexts of a block, in order.

        Raises:
            ValueError: Sums of these gradients do not fit.
            ChannelError: A worker is gone.
        """
        packing.check(values)
        blocks = np.split(values, range(block_rows, values.shape[1], block_rows), axis=1)
        busy = deque[_Line]()
        for line, block in zip(cycle(self._lines), blocks, strict=False):
            # A worker gets its next block when it has handed in the one before: neither end can
            # fill the pipe while the other does not read.
            done = busy.popleft().receive() if len(busy) == len(self._lines) else None
            line.send(Encrypt(block.tobytes(), (packing.width, packing.pairs)))
            busy.append(line)
            if done:
                yield done.ciphertexts
        for line in busy:
            yield line.receive().ciphertexts

    def rows(self, bins: Bins, starts: Bools, block_rows: int) -> "ShardedRows":
        """Share out the rows of a tree.

        Args:
            bins: Bins of the tree's rows and codes, shape (rows, codes).
            starts: Where the root's groups of bins start, shape (codes, width).
            block_rows: Rows of each block that will come; the last one may have fewer.

        Returns:
            What sums them.
        """
        owner = np.arange(len(bins)) // block_rows % len(self._lines)
        shards = {
            line: np.flatnonzero(owner == at)
            for at, line in enumerate(self._lines[: owner.max() + 1])
        }
        for line, rows in shards.items():
            line.send(Begin(bins[rows].tobytes(), starts.tobytes(), len(starts)))
        return ShardedRows(self._key, shards)


class ShardedRows:
    """The `RowSums` of several workers together."""

    def __init__(self, key: PublicKey, shards: dict["_Line", Integers]) -> None:
        """Use workers that know the bins of their rows.

        Args:
            key: The active party's.
            shards: Rows of each worker, ascending.
        """
        self._key = key
        self._shards = shards
        self._turn = cycle(shards)

    def add(self, block: bytes, rows: int) -> None:
        """Hand the next block of rows to the worker whose turn it is.

        Args:
            block: Ciphertexts as they came; `root` raises what the worker finds wrong with them.
            rows: How many there must be.

        Raises:
            ChannelError: A worker is gone.
        """
        next(self._turn).send(Add(block, rows))

    def root(self) -> Ciphertexts:
        """Sums over all rows.

        Returns:
            One sum per group: code by code, bin by bin. Not re-randomised.

        Raises:
            ValueError: A block was not valid, or not all rows have arrived.
            ChannelError: A worker is gone.
        """
        for line in self._shards:
            line.send(Root())
        return self._total()

    def level(self, slot: Integers, starts: Bools) -> Ciphertexts:
        """Sums over the rows of some nodes, once all rows have arrived.

        Args:
            slot: Position of each row's node in `starts`, -1 for rows elsewhere; shape (rows,).
            starts: Where groups of bins start, shape (nodes, codes, width).

        Returns:
            One sum per group: node by node, code by code, bin by bin. Not re-randomised.

        Raises:
            ChannelError: A worker is gone.
        """
        nodes, codes, width = starts.shape
        for line, rows in self._shards.items():
            line.send(Level(slot[rows].tobytes(), starts.tobytes(), (nodes, codes, width)))
        return self._total()

    def _total(self) -> Ciphertexts:
        answers = [line.receive() for line in self._shards]
        for answer in answers:
            if answer.refused:
                raise ValueError(answer.refused)
        parts = [self._key.load(answer.ciphertexts, answer.count) for answer in answers]
        return reduce(operator.add, parts)


@contextmanager
def workers(
    count: int, scheme: Scheme, engine: Engine, bits: int, key: PublicKey
) -> Generator[Workers]:
    """Start worker processes, and end them after the block.

    Args:
        count: How many; they share the cores of the machine.
        scheme: Of the key.
        engine: Of the key.
        bits: Of the key.
        key: What all ciphertexts are under.

    Yields:
        The workers.
    """
    threads = max(1, (os.cpu_count() or 1) // count)
    with ExitStack() as stack:
        lines = [stack.enter_context(_worker(threads)) for _ in range(count)]
        for line in lines:
            line.send(Key(scheme, engine, bits, key.dump()))
        yield Workers(lines, key)


@contextmanager
def _worker(threads: int) -> Generator["_Line"]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, threads), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _Line(ours)
    finally:
        ours.close()
        process.join(_GRACE)
        process.kill()
        process.join()


class _Line:
    """Our end of the pipe to a worker."""

    def __init__(self, pipe: "multiprocessing.connection.Connection[bytes, bytes]") -> None:
        self._pipe = pipe

    def send(self, task: Task | Key) -> None:
        try:
            self._pipe.send_bytes(msgspec.msgpack.encode(task))
        except OSError:
            raise self._gone() from None

    def receive(self) -> Answer:
        try:
            return _ANSWERS.decode(self._pipe.recv_bytes())
        except (OSError, EOFError):
            raise self._gone() from None

    @staticmethod
    def _gone() -> ChannelError:
        return ChannelError(
            "a worker process of ours ended before it was done. Run the same command again on all "
            "sides; if it ends again, look for a lack of memory, or of room for temporary files."
        )
