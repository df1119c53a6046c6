"""Products computed by the workers of a party. A worker that dies is replaced, its part redone."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, TypeVar

import msgspec

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.crypto.radix import Quantised
from isthmus.vertical.regression.products.lines import MOST_ATTEMPTS, NUMBERS, Line, Workers
from isthmus.vertical.regression.products.worker import (
    Add,
    Answer,
    Begin,
    Encrypt,
    Finish,
    Forget,
    Grids,
    Keys,
    MakeRoom,
    Rows,
    Setup,
    Task,
)
from isthmus.vertical.worker_processes import WorkerDiedError

_T = TypeVar("_T")
_ANSWERS = msgspec.msgpack.Decoder(Answer)
_IN_MEMORY = 2**26  # bytes of blocks that are kept in memory; more go to a file


class _OnWorkers:
    """Something that workers hold; a worker gets it before it first uses it."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._number = next(NUMBERS)
        self._loaded = dict[int, Line]()

    def _load(self, at: int, line: Line) -> None:
        """Give it to a worker, with all that the worker before was asked to do."""
        raise NotImplementedError

    def _attempt(self, at: int, action: Callable[[Line], _T]) -> _T:
        """Do something with a worker, and once more with another one if it dies.

        Args:
            at: Number of the worker.
            action: What to do.

        Returns:
            What `action` returns.

        Raises:
            WorkerDiedError: It dies again and again.
        """
        attempts = 0
        while True:
            try:
                line = self._workers.line(at)
                if self._loaded.get(at) is not line:
                    self._load(at, line)
                    self._loaded[at] = line
                return action(line)
            except WorkerDiedError:
                self._workers.drop(at)
                attempts += 1
                if attempts == MOST_ATTEMPTS:
                    raise

    def forget(self) -> None:
        """Let the workers drop it."""
        forget = Forget(number=self._number)
        for at, line in self._loaded.items():
            if self._workers.line(at) is line:
                self._attempt(at, lambda line: _send(line, forget))


class ShardedColumns(_OnWorkers):
    """The columns of some rows, distributed to workers."""

    def __init__(
        self, workers: Workers, setup: Setup, columns: Quantised, cache_bytes: int
    ) -> None:
        """Distribute columns; a worker gets its rows when it is first used.

        Args:
            workers: The workers.
            setup: Scheme and sizes.
            columns: The columns of all rows of a product.
            cache_bytes: Most bytes that all workers keep beside the columns.
        """
        super().__init__(workers)
        self._setup = setup
        self._columns = columns
        self._blocks = list(slices(len(columns), setup.block_rows))
        self._used = range(min(workers.count, len(self._blocks)))
        self._cache_bytes = cache_bytes // len(self._used)
        self._product: _Product | None = None

    def multiply(self, key: bytes, blocks: Iterable[bytes]) -> list[bytes]:
        """Multiply the columns by values, as `scheme.Columns.multiply` does.

        Args:
            key: The public keys of the value side, as received.
            blocks: The encrypted values, block by block, as received.

        Returns:
            The part of each worker, encoded.

        Raises:
            ValueError: A block is not what an honest party sends.
            SpecError: A worker cannot compute on its machine.
            WorkerDiedError: A worker dies again and again.
        """
        with SpooledTemporaryFile[bytes](_IN_MEMORY) as file:
            self._product = _Product(file)
            for at in self._used:
                self._do(at, Begin(number=self._number, key=key))
            for position, block in enumerate(blocks):
                self._do(position % len(self._used), Add(number=self._number, block=block))
            for at in self._used:
                self._do(at, Finish(number=self._number))
            answers = [self._attempt(at, lambda line: line.receive()) for at in self._used]
            self._product = None
        return [_data(answer) for answer in answers]

    def _do(self, at: int, task: Task) -> None:
        assert self._product is not None  # noqa: S101 - of `multiply`
        self._attempt(at, lambda line: _send(line, task))
        self._product.keep(at, task)

    def _load(self, at: int, line: Line) -> None:
        blocks = self._blocks[at :: len(self._used)]
        _send(
            line,
            MakeRoom(
                number=self._number,
                setup=self._setup,
                grids=_grids(self._columns),
                rows=sum(block.stop - block.start for block in blocks),
                passes=self._columns.codes.shape[1],
                cache_bytes=self._cache_bytes,
            ),
        )
        for block in blocks:
            codes = self._columns.codes[block].tobytes()
            _send(line, Rows(number=self._number, codes=codes))
        if self._product is not None:
            for task in self._product.kept(at):
                line.send(task)


class ShardedKeys(_OnWorkers):
    """Keys to encrypt with, at all workers."""

    def __init__(self, workers: Workers, setup: Setup, stored: bytes) -> None:
        """Share keys; a worker gets them when it is first used.

        Args:
            workers: The workers.
            setup: Scheme and sizes.
            stored: Result of `scheme.Owner.stored`.
        """
        super().__init__(workers)
        self._setup = setup
        self._stored = stored
        self._asked = dict[int, Integers]()

    def encrypted(self, values: Integers) -> Iterator[bytes]:
        """Encrypt values block by block.

        Args:
            values: Shape (rows,).

        Yields:
            The ciphertexts of each block, in order.

        Raises:
            WorkerDiedError: A worker dies again and again.
        """
        blocks = [values[block] for block in slices(len(values), self._setup.block_rows)]
        count = self._workers.count
        # A worker gets its next block after its answer to the last: so a pipe cannot be full in
        # both directions, which would be a deadlock.
        for position in range(len(blocks) + count):
            at = position % count
            if at in self._asked:
                answer = self._attempt(at, lambda line: line.receive())
                del self._asked[at]
                yield _data(answer)
            if position < len(blocks):
                self._ask(at, self._encrypt(blocks[position]))
                self._asked[at] = blocks[position]

    def _ask(self, at: int, task: Task) -> None:
        self._attempt(at, lambda line: _send(line, task))

    def _encrypt(self, values: Integers) -> Encrypt:
        return Encrypt(number=self._number, values=values.tobytes())

    def _load(self, at: int, line: Line) -> None:
        _send(line, Keys(number=self._number, setup=self._setup, stored=self._stored))
        if at in self._asked:
            _send(line, self._encrypt(self._asked[at]))


@dataclass
class _Product:
    """What every worker was asked to do for a product: another one may have to do it again."""

    file: IO[bytes]
    tasks: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    """Worker, place in the file, and bytes of each."""

    def keep(self, at: int, task: Task) -> None:
        encoded = msgspec.msgpack.encode(task)
        self.tasks.append((at, self.file.seek(0, 2), len(encoded)))
        self.file.write(encoded)

    def kept(self, at: int) -> Iterator[bytes]:
        for worker, start, size in self.tasks:
            if worker == at:
                self.file.seek(start)
                yield self.file.read(size)


def slices(rows: int, size: int) -> Iterator[slice]:
    """Yields slices of at most `size` rows that cover `rows`, in order."""
    for first in range(0, rows, size):
        yield slice(first, min(first + size, rows))


def _send(line: Line, task: Task) -> None:
    line.send(msgspec.msgpack.encode(task))


def _data(encoded: bytes) -> bytes:
    answer = _ANSWERS.decode(encoded)
    if answer.refused:
        raise ValueError(answer.refused)
    if answer.failed:
        raise SpecError(answer.failed)
    return answer.data


def _grids(columns: Quantised) -> Grids:
    return Grids(
        two_digit=columns.two_digit.astype(int).tobytes(),
        scales=columns.scales.astype(int).tobytes(),
        centres=columns.centres.astype(int).tobytes(),
        steps=columns.steps.tobytes(),
    )
