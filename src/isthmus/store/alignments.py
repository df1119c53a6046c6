"""The finished alignments of a party, stored for later runs, and a log of all that it started.

| file              | what it is                                                            |
|-------------------|-----------------------------------------------------------------------|
| begun.jsonl       | one line per alignment that was started: with which peer, which rows  |
| ID/record.json    | describes a finished alignment; a folder without it is incomplete     |
| ID/...            | files that the caller of `Alignments.keep` stored                     |

These files reveal which rows are shared: they stay with the data.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from isthmus.core.broken import fault
from isthmus.core.errors import PolicyError, SpecError, disk_full_is_error
from isthmus.store import atomic, locked_lines
from isthmus.store.encoding import to_json
from isthmus.store.locked_lines import LockedLines


class StoredAlignment(msgspec.Struct, frozen=True):
    """A finished alignment."""

    id: str  # the same at every party
    agreement: str  # digest of the parts of the job that this alignment depends on
    rows: str  # digest of the rows that this party put in
    size: int | None  # number of shared rows to train on, if this party knows it
    protects: bool  # whether identifiers were protected; False if simulated enclaves are accepted


class _Start(msgspec.Struct, frozen=True):
    time: float  # seconds since 1970
    peer: str
    dataset: str


class Alignments:
    """The folder that holds all alignments of a party."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, agreement: str, rows: str) -> StoredAlignment | None:
        """Returns the newest finished alignment with these digests, or None."""
        files = sorted(self.folder.glob("*/record.json"), key=lambda file: file.stat().st_mtime)
        for file in reversed(files):
            found = _read(file)
            if (found.agreement, found.rows) == (agreement, rows):
                return found
        return None

    def of(self, identifier: str) -> Path:
        """Returns the folder of one finished alignment."""
        return self.folder / identifier

    def keep(self, alignment: StoredAlignment, save: Callable[[Path], None]) -> None:
        """Store a finished alignment.

        Args:
            alignment: Its record.
            save: Writes all its other files into the folder that it is given.

        Raises:
            DiskError: The disk is full.
        """
        folder = self.of(alignment.id)
        with disk_full_is_error(folder):
            self._make()
            folder.mkdir(mode=0o700, exist_ok=True)
            save(folder)
        atomic.write(folder / "record.json", to_json(alignment))

    def begin(self, peer: str, dataset: str, limit: int) -> None:
        """Log the start of an alignment; refuse it if the limit is reached.

        Args:
            peer: Name of the other party.
            dataset: This party's own name of the data set, whatever the job calls it.
            limit: Largest number of alignments that this party's policy allows.

        Raises:
            DiskError: The disk is full.
            PolicyError: The limit is reached.
        """
        with self._starts() as starts:
            count = _count(starts.lines, peer, dataset)
            if count >= limit:
                raise PolicyError(
                    f"alignments of {dataset} with {peer!r} so far: {count}, and "
                    f"`policy.alignments` of your party file is {limit}. Every alignment tells "
                    f"again who is shared: ask {peer!r} why it needs another one before you raise "
                    "the limit."
                )
            starts.add(_Start(time.time(), peer, dataset))

    def count(self, peer: str, dataset: str) -> int:
        """Returns how many alignments of a data set with a peer were started."""
        if not self.folder.exists():
            return 0
        with self._starts() as starts:
            return _count(starts.lines, peer, dataset)

    def _make(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)  # `parents=True` does not set the mode

    def _starts(self) -> AbstractContextManager[LockedLines[_Start]]:
        return locked_lines.opened(self.folder / "begun.jsonl", _Start, "`policy.alignments`")


def _count(starts: list[_Start], peer: str, dataset: str) -> int:
    return sum((line.peer, line.dataset) == (peer, dataset) for line in starts)


def _read(file: Path) -> StoredAlignment:
    try:
        return msgspec.json.decode(file.read_bytes(), type=StoredAlignment)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"{file}: is not the record of an alignment: {fault(error)}. Remove its "
            "folder; the next run aligns anew."
        ) from None
