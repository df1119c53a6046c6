"""A worker of a party: it has columns of a shard of rows, or keys to encrypt with.

A worker reads only the tasks below, encoded as MessagePack; nothing is unpickled. Tasks name the
shard or the keys that they mean by a number.
"""

import threading
from collections.abc import Iterator
from importlib.metadata import version
from queue import Queue
from typing import Any

import msgspec
import numpy as np

from isthmus.core.errors import SpecError
from isthmus.crypto.encryption import Engine, RegressionEncryption
from isthmus.crypto.radix import Quantised
from isthmus.vertical.regression.products.kinds import kind_of
from isthmus.vertical.regression.products.scheme import Columns, Declared, Encryptor, Kind
from isthmus.vertical.worker_processes import Pipe

_AHEAD = 4  # blocks that wait while one is multiplied


class Task(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True, kw_only=True):
    """Base class of the tasks of a worker; arrays are raw bytes."""

    number: int
    """Of the shard, or of the keys."""


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scheme, and the numbers of a product."""

    encryption: RegressionEncryption
    engine: Engine
    block_rows: int
    declared: Declared


class Grids(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Quantised columns without their rows: int64 as bytes, and float64 in `steps`."""

    two_digit: bytes
    scales: bytes
    centres: bytes
    steps: bytes


class MakeRoom(Task, frozen=True):
    """Make room for the columns of a shard."""

    setup: Setup
    grids: Grids
    rows: int
    passes: int
    cache_bytes: int


class Rows(Task, frozen=True):
    """The next rows of a shard."""

    codes: bytes  # int8, shape (rows, passes)


class Begin(Task, frozen=True):
    """Begin a product of the columns of a shard."""

    key: bytes


class Add(Task, frozen=True):
    """Add the next block of encrypted values of the shard's rows."""

    block: bytes


class Finish(Task, frozen=True):
    """Answer with the sums over the shard's rows."""


class Keys(Task, frozen=True):
    """Take keys to encrypt with."""

    setup: Setup
    stored: bytes


class Encrypt(Task, frozen=True):
    """Encrypt a block of values, and answer with the ciphertexts."""

    values: bytes  # int64, shape (rows,)


class Forget(Task, frozen=True):
    """Drop a shard, or keys."""


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ciphertexts, or the reason why there are none."""

    data: bytes = b""
    refused: str = ""
    """What is wrong with what the other party sent."""

    failed: str = ""
    """What is wrong with this machine."""


Tasks = MakeRoom | Rows | Begin | Add | Finish | Keys | Encrypt | Forget

_TASKS = msgspec.msgpack.Decoder(Tasks)


def work(pipe: Pipe) -> None:
    """Run a worker until the pipe is closed."""
    worker = Worker()
    while True:
        if answer := worker.do(pipe.receive()):
            pipe.send(answer)


class Worker:
    """Does tasks, one after the other."""

    def __init__(self) -> None:
        """Start without columns and keys."""
        self._rooms = dict[int, _Room]()
        self._shards = dict[int, Columns[Any]]()
        self._keys = dict[int, Encryptor]()
        self._product: _Product | None = None

    @staticmethod
    def version() -> str:
        """Returns the version of isthmus here."""
        return version("isthmus")

    def do(self, encoded: bytes) -> bytes | None:
        """Do a task.

        Args:
            encoded: The task.

        Returns:
            The answer, encoded; None where a task has none.
        """
        answer = self._do(_TASKS.decode(encoded))
        return None if answer is None else msgspec.msgpack.encode(answer)

    def _do(self, task: Tasks) -> Answer | None:
        match task:
            case Begin() | Add() | Finish():
                return self._multiply(task)
            case Encrypt():
                values = np.frombuffer(task.values, np.int64)
                return Answer(self._keys[task.number].encrypt(values))
            case Keys():
                kind = _kind(task.setup)
                self._keys[task.number] = kind.encryptor(task.setup.declared, task.stored)
            case MakeRoom():
                self._rooms[task.number] = _Room(task)
            case Rows():
                self._rooms[task.number].add(task.codes)
            case Forget():
                for kept in (self._rooms, self._shards, self._keys):
                    kept.pop(task.number, None)
        return None

    def _multiply(self, task: Begin | Add | Finish) -> Answer | None:
        if isinstance(task, Begin):
            self._product = _Product(self._shard(task.number), task.key)
            return None
        assert self._product is not None, "a product begins before its blocks"  # noqa: S101
        if isinstance(task, Finish):
            return self._product.finish()
        self._product.add(task.block)
        return None

    def _shard(self, number: int) -> Columns[Any]:
        if number in self._rooms:
            self._shards[number] = self._rooms.pop(number).columns()
        return self._shards[number]


class _Room:
    """Columns of a shard while their rows arrive."""

    def __init__(self, task: MakeRoom) -> None:
        self._task = task
        self._codes = np.empty((task.rows, task.passes), np.int8)
        self._filled = 0

    def add(self, codes: bytes) -> None:
        rows = np.frombuffer(codes, np.int8).reshape(-1, self._task.passes)
        self._codes[self._filled : self._filled + len(rows)] = rows
        self._filled += len(rows)

    def columns(self) -> Columns[Any]:
        task, grids = self._task, self._task.grids
        shard = Quantised(
            codes=self._codes,
            two_digit=np.frombuffer(grids.two_digit, np.int64),
            scales=np.frombuffer(grids.scales, np.int64),
            centres=np.frombuffer(grids.centres, np.int64),
            steps=np.frombuffer(grids.steps, np.float64),
        )
        return _kind(task.setup).columns(task.setup.declared, shard, task.cache_bytes)


class _Product:
    """Sums over the rows of a shard: blocks are multiplied in a thread while others arrive."""

    def __init__(self, columns: Columns[Any], key: bytes) -> None:
        self._blocks = Queue[bytes | None](_AHEAD)
        self._answer = Answer(failed="a worker has made a mistake of its own")
        self._thread = threading.Thread(target=self._multiply, args=(columns, key), daemon=True)
        self._thread.start()

    def add(self, block: bytes) -> None:
        self._blocks.put(block)

    def finish(self) -> Answer:
        self._blocks.put(None)
        self._thread.join()
        return self._answer

    def _multiply(self, columns: Columns[Any], key: bytes) -> None:
        try:
            self._answer = Answer(columns.multiply(key, self._arriving()).dump())
        except ValueError as error:
            self._answer = Answer(refused=str(error))
        except SpecError as error:
            self._answer = Answer(failed=str(error))
        finally:
            for _ in self._arriving():  # so that whoever adds never waits
                pass

    def _arriving(self) -> Iterator[bytes]:
        while (block := self._blocks.get()) is not None:
            yield block
        self._blocks.put(None)  # for whoever asks again


def _kind(setup: Setup) -> Kind[Any]:
    return kind_of(setup.encryption, setup.engine, setup.block_rows)
