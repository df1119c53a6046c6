"""The egress ledger: one line of JSON per message that leaves, in a hash chain.

Each line names the SHA-256 of the line before it, so nothing can be changed, removed or moved
without breaking the chain. The last line of a finished run is a seal: the number of records and a
signature over the end of the chain, so that the end cannot be cut off either.

A ledger holds no values. But whoever has it can test guesses of a short message against its digest:
show it only to those who may know what was sent.
"""

import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec

from isthmus.core.errors import LedgerError, disk_full_is_error
from isthmus.store import atomic
from isthmus.transport.message import Message, Value, describe

GENESIS = "0" * 64
"""The `previous` of the first line."""


class Record(
    msgspec.Struct, frozen=True, tag="record", forbid_unknown_fields=True, omit_defaults=True
):
    """One message that left this party, without its values."""

    sequence: int  # from 0
    time: float  # seconds since 1970
    to: str
    message: str
    purpose: str
    values: list[Value]
    bytes: int  # of the whole message as encoded
    digest: str  # SHA-256 of the message as encoded
    previous: str  # SHA-256 of the line before
    notice: str = ""  # a warning for everyone who reads a record of this run


class Seal(msgspec.Struct, frozen=True, tag="seal", forbid_unknown_fields=True):
    """The last line of a finished run."""

    records: int
    time: float
    previous: str
    signature: bytes = b""

    def signed(self) -> bytes:
        """The bytes that the signature covers: the seal without it."""
        return _ENCODER.encode(msgspec.structs.replace(self, signature=b""))


class Ledger:
    """An append-only file of the messages that leave; the file of an unfinished run is continued.

    Threads that send to several peers share one ledger.
    """

    def __init__(self, path: Path, notice: str = "") -> None:
        """Open a ledger for writing.

        Args:
            path: The file; it is created, readable by its owner only, if there is none.
            notice: A warning that goes into every record.

        Raises:
            DiskError: The disk is full.
            LedgerError: The file is a broken or a sealed ledger, or cannot be written.
        """
        self.path = path
        self.lock = threading.RLock()
        """Held while a line is added. Hold it to check the totals and append in one step."""

        self._notice = notice
        self.bytes_to: Counter[str] = Counter()  # by peer
        self.bytes_of: Counter[str] = Counter()  # by message type
        self._records = 0
        self._head = GENESIS
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @contextmanager
    def lent(self) -> Generator[None]:
        """Close the file while the block runs, so that other processes can write to it in turn.

        Yields:
            Nothing; after the block the totals include what the others wrote.

        Raises:
            DiskError: The disk is full.
            LedgerError: The others left a broken or a sealed ledger.
        """
        self._file.close()
        try:
            yield
        finally:
            self._open()

    @property
    def closed(self) -> bool:
        """Whether it takes no more messages."""
        return self._file.closed

    @property
    def messages(self) -> int:
        """Number of messages so far."""
        return self._records

    @property
    def total_bytes(self) -> int:
        """Bytes of all messages so far, to all peers."""
        return self.bytes_to.total()

    def append(self, message: Message, encoded: bytes, to: str) -> Record:
        """Record a message that is about to be sent.

        Args:
            message: The message.
            encoded: Its bytes on the wire.
            to: The peer that it goes to.

        Returns:
            The record, already written to the file.

        Raises:
            DiskError: The disk is full: do not send.
            LedgerError: The ledger is closed, or the file cannot be written: do not send.
        """
        with self.lock:
            record = Record(
                sequence=self._records,
                time=time.time(),
                to=to,
                message=type(message).__name__,
                purpose=message.purpose,
                values=describe(message),
                bytes=len(encoded),
                digest=hashlib.sha256(encoded).hexdigest(),
                previous=self._head,
                notice=self._notice,
            )
            self._head = self._write(record)
            self._count(record)
        return record

    def seal(self, sign: Callable[[bytes], bytes]) -> None:
        """Sign the end of the chain and close the file.

        Args:
            sign: Returns this party's signature over the bytes it is given.

        Raises:
            DiskError: The disk is full.
            LedgerError: The ledger is closed, or the file cannot be written.
        """
        with self.lock:
            seal = Seal(records=self._records, time=time.time(), previous=self._head)
            self._write(msgspec.structs.replace(seal, signature=sign(seal.signed())))
            with disk_full_is_error(self.path):
                os.fsync(self._file.fileno())
            self._file.close()

    def _open(self) -> None:
        path = self.path
        self.bytes_to.clear()
        self.bytes_of.clear()
        self._records, self._head = 0, GENESIS
        try:
            with disk_full_is_error(path):
                path.touch(mode=0o600)
            _cut_unfinished_line(path)
            self._continue()
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise LedgerError(f"{path}: cannot be written: {error}. Nothing was sent.") from None

    def _write(self, entry: Record | Seal) -> str:
        if self._file.closed:
            raise LedgerError(f"{self.path}: is closed. Nothing was sent; start a new run.")
        line = _ENCODER.encode(entry)
        try:
            atomic.append(self._file, line + b"\n")
        except OSError as error:
            raise LedgerError(
                f"{self.path}: cannot be written: {error}. The message was not sent."
            ) from None
        return hashlib.sha256(line).hexdigest()

    def _count(self, record: Record) -> None:
        self._records += 1
        self.bytes_to[record.to] += record.bytes
        self.bytes_of[record.message] += record.bytes

    def _continue(self) -> None:
        for entry, digest in read(self.path):
            if isinstance(entry, Seal):
                raise LedgerError(
                    f"{self.path}: is sealed, so its run has finished, although its result is not "
                    "there. Move the folder away, then start a new run with `--again`."
                )
            self._head = digest
            self._count(entry)


def records(path: Path) -> list[Record]:
    """Returns the records of a ledger; raises a LedgerError that names the first bad line."""
    return [entry for entry, _ in read(path) if isinstance(entry, Record)]


def is_sealed(path: Path) -> bool:
    """Whether a ledger is sealed; a line that a crash has cut off is removed first.

    Args:
        path: The file.

    Returns:
        Whether it takes no more messages.

    Raises:
        LedgerError: The file is missing, or a line is not as it was written.
    """
    try:
        _cut_unfinished_line(path)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}.") from None
    return any(isinstance(entry, Seal) for entry, _ in read(path))


def reopen(path: Path) -> None:
    """Take off the seal of a ledger whose run goes on after all; it is sealed anew at its end.

    A copy that was given away before stays a true copy of the beginning.

    Args:
        path: The file.

    Raises:
        LedgerError: The file is missing, or a line is not as it was written.
    """
    if is_sealed(path):
        with path.open("r+b") as file:
            file.truncate(file.read()[:-1].rfind(b"\n") + 1)


def read(path: Path) -> Iterator[tuple[Record | Seal, str]]:
    """Read a ledger, and check each line against the one before it.

    Args:
        path: The file.

    Yields:
        The entry of each line, and the SHA-256 of the line.

    Raises:
        LedgerError: The file is missing, or the line that comes next is not as it was written.
    """
    head, count, sealed = GENESIS, 0, False
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                where = f"{path}: line {number}"
                entry = _parse(line, where)
                if sealed:
                    raise LedgerError(f"{where} comes after the seal: {_DISTRUST}")
                _check_link(entry, head, count, where)
                head = hashlib.sha256(line[:-1]).hexdigest()
                count += isinstance(entry, Record)
                sealed = isinstance(entry, Seal)
                yield entry, head
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}.") from None


def _parse(line: bytes, where: str) -> Record | Seal:
    if not line.endswith(b"\n"):
        raise LedgerError(f"{where} is cut off in the middle: {_DISTRUST}")
    try:
        entry: Record | Seal = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise LedgerError(f"{where} is not a record of a ledger: {_DISTRUST}") from None
    if _ENCODER.encode(entry) != line[:-1]:  # the same values, encoded in another way
        raise LedgerError(f"{where} was changed after it was written: {_DISTRUST}")
    return entry


def _check_link(entry: Record | Seal, head: str, count: int, where: str) -> None:
    position = entry.sequence if isinstance(entry, Record) else entry.records
    if position > count:
        missing = f"record {count}" if position == count + 1 else f"records {count}-{position - 1}"
        raise LedgerError(f"{where}: {missing} should stand before it: {_DISTRUST}")
    if position < count:
        raise LedgerError(f"{where} is repeated or out of order: {_DISTRUST}")
    if entry.previous != head:
        raise LedgerError(
            f"{where} does not continue the line before it, so one of the two was changed: "
            f"{_DISTRUST}"
        )


def _cut_unfinished_line(path: Path) -> None:
    """Drop a line that a crash cut short: its message was not sent."""
    with path.open("r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)


_DISTRUST = "do not rely on this copy, ask its owner for the original."
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record | Seal)
