"""The worker process and its tasks.

A worker has a public key and its share of the rows of one tree, and no private key. It reads only
the tasks below, encoded as MessagePack; nothing is unpickled.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np

from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine, Scheme
from isthmus.crypto.scheme import Ciphertexts, PublicKey
from isthmus.vertical.boosting.encrypted import EncryptedRows
from isthmus.vertical.boosting.packing import Packing
from isthmus.vertical.worker_processes import Pipe

_T = TypeVar("_T")


class Task(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Base class of the tasks of a worker; arrays are raw bytes."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first message to a worker: the public key."""

    scheme: Scheme
    engine: Engine
    bits: int
    public: bytes


class Encrypt(Task, frozen=True):
    """Encrypt rows, and answer with their ciphertexts."""

    values: bytes  # int64, shape (2, rows)
    packing: tuple[int, int]


class Begin(Task, frozen=True):
    """Start a new tree with this share of its rows."""

    bins: bytes  # int8, shape (rows, codes)
    starts: bytes  # bool, shape (codes, width)
    codes: int


class Add(Task, frozen=True):
    """Add a block of encrypted rows."""

    block: bytes
    rows: int


class Root(Task, frozen=True):
    """Answer with the sums over all rows of this worker."""


class Level(Task, frozen=True):
    """Answer with the sums over this worker's rows of some nodes."""

    slot: bytes  # int64, shape (rows,)
    starts: bytes  # bool, shape (nodes, codes, width)
    shape: tuple[int, int, int]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ciphertexts, or the reason why there are none."""

    ciphertexts: bytes = b""
    count: int = 0
    refused: str = ""


Tasks = Encrypt | Begin | Add | Root | Level

_KEYS = msgspec.msgpack.Decoder(Key)
_TASKS = msgspec.msgpack.Decoder(Tasks)


def work(pipe: Pipe) -> None:
    """Run a worker until the pipe is closed."""
    key = _KEYS.decode(pipe.receive())
    worker = _Worker(keys.load_public(key.scheme, key.engine, key.bits, key.public))
    while True:
        if answer := worker.do(_TASKS.decode(pipe.receive())):
            pipe.send(msgspec.msgpack.encode(answer))


class _Worker:
    """Performs tasks. `Begin` comes before the other tasks about rows."""

    _rows: EncryptedRows
    _refused: str

    def __init__(self, key: PublicKey) -> None:
        self._key = key

    def do(self, task: Tasks) -> Answer | None:
        match task:
            case Encrypt(values, packing):
                plain = Packing(*packing).rows(np.frombuffer(values, np.int64).reshape(2, -1))
                return Answer(self._key.encrypt(plain).dump())
            case Begin(bins, starts, codes):
                every = np.frombuffer(bins, np.int8).reshape(-1, codes)
                groups = np.frombuffer(starts, np.bool_).reshape(codes, -1)
                self._rows, self._refused = EncryptedRows(self._key, every, groups), ""
            case Add(block, count):
                self._try(lambda: self._rows.add(block, count))
            case Root():
                return self._answer(self._try(self._rows.root))
            case Level(slot, starts, shape):
                nodes = np.frombuffer(slot, np.int64)
                groups = np.frombuffer(starts, np.bool_).reshape(shape)
                return self._answer(self._rows.level(nodes, groups))
        return None

    def _try(self, work: Callable[[], _T]) -> _T | None:
        try:
            return work()
        except ValueError as error:
            self._refused = self._refused or str(error)
            return None

    def _answer(self, sums: Ciphertexts | None) -> Answer:
        if self._refused or sums is None:
            return Answer(refused=self._refused)
        return Answer(sums.dump(), len(sums))
