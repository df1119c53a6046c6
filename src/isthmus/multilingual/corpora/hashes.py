"""Finding equal texts among more of them than fit into memory: 64 bits of each, in files."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools

Hashes = NDArray[np.uint64]

_PARTS = 256  # a part of a hundred million texts takes 6 MB
_BITS = np.uint64(56)
_AT_ONCE = 2**16
_ENTRY = np.dtype([("hash", np.uint64), ("row", np.int64)])


def hashes_of(texts: Sequence[str | None]) -> Hashes:
    """Hash texts without regard to case, as tokenizers see them; None is 0, and only None."""
    digests = [
        _NOTHING if text is None else hashlib.blake2b(text.lower().encode(), digest_size=8).digest()
        for text in texts
    ]
    return np.frombuffer(b"".join(digests), np.uint64)


_NOTHING = bytes(8)


def hashes_of_rows(texts: Hashes, languages: Sequence[str]) -> Hashes:
    """Hash rows: equal if they have equal texts in the same languages.

    Args:
        texts: Hashes of their texts, shape (rows, languages), 0 where there is none.
        languages: Language of each column.

    Returns:
        Shape (rows,).
    """
    rows: Hashes = by_language(texts, languages).sum(axis=1, dtype=np.uint64)
    return rows


def by_language(texts: Hashes, languages: Sequence[str]) -> Hashes:
    """Returns hashes of which equal ones are equal texts of one language; shapes as above."""
    keyed: Hashes = texts * (hashes_of(languages) | np.uint64(1))  # odd factors lose nothing
    return keyed


class HashFile:
    """Rows of hashes in the order in which they were added, in files by their first bits.

    0 stands for no text: it is equal to nothing.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder for the files.

        Args:
            folder: A folder that is not there yet.
        """
        folder.mkdir(mode=0o700, parents=True)
        self._folder = folder
        self._waiting = list[NDArray[np.void]]()
        self._held = 0
        self._rows = 0

    def add(self, hashes: Hashes) -> None:
        """Append rows, shape (rows, columns)."""
        entries = np.empty(hashes.size, _ENTRY)
        entries["hash"] = hashes.ravel()
        entries["row"] = self._rows + np.arange(hashes.size) // hashes.shape[1]
        self._rows += len(hashes)
        self._waiting.append(entries[entries["hash"] != 0])
        self._held += hashes.size
        if self._held >= _AT_ONCE:
            self._flush()

    def repeated(self) -> Bools:
        """Returns which rows have a hash that was added before, shape (rows,)."""
        found = np.zeros(self._rows, np.bool_)
        for part in range(_PARTS):
            entries = self._part(part)
            before = np.ones(len(entries), np.bool_)
            before[np.unique(entries["hash"], return_index=True)[1]] = False
            found[entries["row"][before]] = True
        return found

    def found_in(self, other: "HashFile") -> Bools:
        """Returns which rows have a hash that the other has too, shape (rows,)."""
        found = np.zeros(self._rows, np.bool_)
        for part in range(_PARTS):
            entries, others = self._part(part), other._part(part)  # noqa: SLF001
            found[entries["row"][np.isin(entries["hash"], others["hash"])]] = True
        return found

    def ascending(self) -> Iterator[Hashes]:
        """Yields all hashes in ascending order, each once, a part of them at a time."""
        for part in range(_PARTS):
            yield np.unique(self._part(part)["hash"])

    def _part(self, part: int) -> NDArray[np.void]:
        """Entries of a part in the order in which they were added."""
        path = self._folder / str(part)
        found = [np.fromfile(path, _ENTRY)] if path.exists() else []
        waiting = [each[_parts_of(each) == part] for each in self._waiting]
        return np.concatenate([np.empty(0, _ENTRY), *found, *waiting])

    def _flush(self) -> None:
        entries = np.concatenate(self._waiting)
        parts = _parts_of(entries)
        entries = entries[np.argsort(parts, kind="stable")]
        ends = np.cumsum(np.bincount(parts, minlength=_PARTS))
        for part, found in enumerate(np.split(entries, ends[:-1])):
            if len(found):
                with (self._folder / str(part)).open("ab") as file:
                    found.tofile(file)
        self._waiting, self._held = [], 0


def _parts_of(entries: NDArray[np.void]) -> NDArray[np.int64]:
    return (entries["hash"] >> _BITS).astype(np.int64)
