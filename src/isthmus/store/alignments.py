"""Alignments that a party has finished, kept for later runs, and how often it has begun one.

| file              | what it is                                                         |
|-------------------|--------------------------------------------------------------------|
| begun.jsonl       | a line for every alignment that was begun: with whom, over which rows |
| ID/record.json    | what a finished alignment was of; without it the folder is not whole |
| ID/...            | what its owner stored beside it                                    |

All of it tells who is shared: it stays where the data is.
"""

import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from isthmus.core.errors import PolicyError, SpecError, disk_full_is_error
from isthmus.store import atomic
from isthmus.store.encoding import to_json


class StoredAlignment(msgspec.Struct, frozen=True):
    """A finished alignment."""

    id: str  # the same at every party
    agreement: str  # digest of what the parties agreed on about it
    rows: str  # digest of the rows that this party brought
    size: int | None  # of the shared rows to train on, where this party was told
    protects: bool  # whether identifiers were safe; not where simulated enclaves are accepted


class _Begun(msgspec.Struct, frozen=True):
    time: float  # seconds since 1970
    peer: str
    dataset: str


class Alignments:
    """The folder of all alignments of a party."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, agreement: str, rows: str) -> StoredAlignment | None:
        """The newest finished alignment of this agreement over these rows, or None."""
        files = sorted(self.folder.glob("*/record.json"), key=lambda file: file.stat().st_mtime)
        for file in reversed(files):
            kept = _read(file)
            if (kept.agreement, kept.rows) == (agreement, rows):
                return kept
        return None

    def of(self, identifier: str) -> Path:
        """The folder of one finished alignment."""
        return self.folder / identifier

    def keep(self, kept: StoredAlignment, save: Callable[[Path], None]) -> None:
        """Keep a finished alignment.

        Args:
            kept: What it was.
            save: Writes the rest of it into the folder that it is given.

        Raises:
            DiskError: There is no room for it.
        """
        folder = self.of(kept.id)
        with disk_full_is_error(folder):
            self._make()
            folder.mkdir(mode=0o700, exist_ok=True)
            save(folder)
        atomic.write(folder / "record.json", to_json(kept))

    def begin(self, peer: str, dataset: str, limit: int) -> None:
        """Write down that an alignment begins, unless there were too many.

        Args:
            peer: With whom.
            dataset: Over which rows: what this party calls them, whatever the job does.
            limit: The most that this party's policy allows.

        Raises:
            DiskError: There is no room to write it down.
            PolicyError: There were as many already.
        """
        with disk_full_is_error(self.folder), self._begun() as file:
            lines = [msgspec.json.decode(line, type=_Begun) for line in file]
            count = sum((line.peer, line.dataset) == (peer, dataset) for line in lines)
            if count >= limit:
                raise PolicyError(
                    f"alignments of {dataset} with {peer!r} so far: {count}, and "
                    f"`policy.alignments` of your party file is {limit}. Every alignment tells "
                    f"again who is shared: ask {peer!r} why it needs another one before you raise "
                    "the limit."
                )
            file.write(to_json(_Begun(time.time(), peer, dataset)) + b"\n")
            file.flush()
            os.fsync(file.fileno())  # it counts, whatever happens to this machine from here on

    def _make(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)  # `parents` would leave it open to all

    @contextmanager
    def _begun(self) -> Generator[BinaryIO]:
        self._make()
        path = self.folder / "begun.jsonl"
        path.touch(mode=0o600)
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another run may begin at the same moment
            file.truncate(file.read().rfind(b"\n") + 1)  # what a crash cut short never began
            file.seek(0)
            try:
                yield file
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise SpecError(
                    f"{path}: is not the list of alignments that were begun: {error}. Put it back "
                    "from a backup; without it `policy.alignments` cannot be kept."
                ) from None


def _read(file: Path) -> StoredAlignment:
    try:
        return msgspec.json.decode(file.read_bytes(), type=StoredAlignment)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"{file}: is not the record of an alignment: {error}. Remove its folder; the next run "
            "aligns anew."
        ) from None
