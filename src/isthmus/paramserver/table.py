"""The sparse rows of one shard: made, counted, admitted and given up by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.paramserver.dump import Dump, Seen
from isthmus.paramserver.optimizers import Layout
from isthmus.paramserver.window import DEFAULT, Bools, Float32s, Int32s, Keys


@dataclass(frozen=True)
class FeatureRule:
    """When the ids of a feature get a row, and when they lose it."""

    admit_after: int = 1
    """Samples with an id until it gets a row."""

    evict_after: int | None = None
    """Samples of the run since the id was last pulled. None: rows do not age."""

    minimum_score: float | None = None
    """Least score; each sample with the id adds 1. None: there are no scores."""

    half_life: int = 10_000_000
    """Samples in which a score halves."""


@dataclass
class _Entry:
    row: Float32s | None
    count: int = 0
    score: float = 0.0
    last: int = 0
    changed: int = 0


class Table:
    """Rows by key, in memory and beyond a bound on disk."""

    def __init__(
        self,
        layout: Layout,
        rules: Sequence[FeatureRule],
        seed: int,
        *,
        memory: int | None = None,
        spill: Path | None = None,
    ) -> None:
        """Make an empty table.

        Args:
            layout: Columns of a row.
            rules: One per feature, in the order of their numbers.
            seed: The job's seed, for the first values.
            memory: Most bytes; rows beyond them lie on disk. None: no bound.
            spill: Folder for those rows, which this table makes, and removes at `close`.
        """
        self.layout = layout
        self._rules = rules
        self._bound = (memory, spill)
        self._seed = seed
        self._entries: dict[tuple[int, int], _Entry] = {}
        self._evicted: list[tuple[int, int, int]] = []

    def __len__(self) -> int:
        return sum(entry.row is not None for entry in self._entries.values())

    @property
    def bytes(self) -> int:
        """Memory in use."""
        return len(self) * self.layout.width * 4

    @property
    def spilled(self) -> int:
        """Bytes on disk."""
        return 0

    @property
    def evicted(self) -> int:
        """Rows that were given up so far."""
        return len(self._evicted)

    def pull(
        self, keys: Keys, occurrences: Int32s, clock: int, mark: int
    ) -> tuple[Float32s, Bools]:
        """Count keys, make rows for those that get one now, and read.

        Args:
            keys: Unique keys.
            occurrences: How many samples use each.
            clock: Samples of the run so far.
            mark: Number of the interval between two snapshots.

        Returns:
            Rows, shape (keys, width), zeros where there is none; and whether each key has one.
        """
        for key, seen in zip(_pairs(keys), occurrences.tolist(), strict=True):
            rule = self._rules[key[0]]
            entry = self._entries.setdefault(key, _Entry(None))
            if rule.minimum_score is not None:
                entry.score = entry.score * 0.5 ** ((clock - entry.last) / rule.half_life) + seen
            entry.count += seen
            entry.last, entry.changed = clock, mark
            if entry.row is None and (entry.count >= rule.admit_after or key[1] == DEFAULT):
                entry.row = self._first(key)
        return self.read(keys)

    def read(self, keys: Keys) -> tuple[Float32s, Bools]:
        """Returns what `pull` does, but counts and makes nothing. DEFAULT keys always have rows."""
        rows = np.zeros((len(keys), self.layout.width), np.float32)
        admitted = keys.id == DEFAULT
        rows[admitted] = self.layout.first(keys.take(admitted), self._seed)
        for at, key in enumerate(_pairs(keys)):
            entry = self._entries.get(key)
            if entry is not None and entry.row is not None:
                rows[at], admitted[at] = entry.row, True
        return rows, admitted

    def push(self, keys: Keys, rows: Float32s, clock: int, mark: int) -> None:
        """Set rows; keys that have none, as they were given up meanwhile, get one again.

        Args:
            keys: Unique keys.
            rows: Shape (keys, width).
            clock: Samples of the run so far.
            mark: Number of the interval between two snapshots.
        """
        for key, row in zip(_pairs(keys), rows, strict=True):
            entry = self._entries.setdefault(key, _Entry(None))
            if entry.row is None:
                entry.count, entry.score, entry.last = 1, 1.0, clock
            entry.row, entry.changed = row.copy(), mark

    def evict(self, clock: int, mark: int) -> int:
        """Give up keys by the rules of their features.

        Args:
            clock: Samples of the run so far.
            mark: Number of the interval between two snapshots.

        Returns:
            Number of rows given up.
        """
        before = len(self)
        for key, entry in list(self._entries.items()):
            if key[1] != DEFAULT and self._is_over(self._rules[key[0]], entry, clock):
                del self._entries[key]
                self._evicted.append((*key, mark))
        return before - len(self)

    def dump(self, since: int | None = None) -> Dump:
        """Returns copies of all that changed at marks above `since`, or of everything."""
        entries = {
            key: entry
            for key, entry in self._entries.items()
            if since is None or entry.changed > since
        }
        with_row = {key: entry for key, entry in entries.items() if entry.row is not None}
        rows = [entry.row for entry in with_row.values() if entry.row is not None]
        gone = [it for it in self._evicted if since is None or it[2] > since]
        return Dump(
            _seen(with_row),
            np.array(rows, np.float32).reshape(-1, self.layout.width),
            _seen({key: entry for key, entry in entries.items() if entry.row is None}),
            _keys([(feature, identity) for feature, identity, _ in gone]),
            np.array([mark for *_, mark in gone], np.int32),
        )

    def load(self, dump: Dump) -> None:
        """Take over what a dump holds: a whole one into an empty table, then those of changes."""
        for key, mark in zip(_pairs(dump.evicted), dump.evicted_at.tolist(), strict=True):
            self._entries.pop(key, None)
            self._evicted.append((*key, mark))
        self._load(dump.waiting, None)
        self._load(dump.seen, dump.rows)

    def close(self) -> None:
        """Remove the file of rows on disk."""

    def _load(self, seen: Seen, rows: Float32s | None) -> None:
        for at, key in enumerate(_pairs(seen.keys)):
            self._entries[key] = _Entry(
                None if rows is None else rows[at].copy(),
                int(seen.counts[at]),
                float(seen.scores[at]),
                int(seen.last[at]),
                int(seen.changed[at]),
            )

    def _first(self, key: tuple[int, int]) -> Float32s:
        row: Float32s = self.layout.first(_keys([key]), self._seed)[0]
        return row

    @staticmethod
    def _is_over(rule: FeatureRule, entry: _Entry, clock: int) -> bool:
        age = clock - entry.last
        if rule.evict_after is not None and age > rule.evict_after:
            return True
        score = entry.score * 0.5 ** (age / rule.half_life)
        return rule.minimum_score is not None and score < rule.minimum_score


def _pairs(keys: Keys) -> list[tuple[int, int]]:
    return list(zip(keys.feature.tolist(), keys.id.tolist(), strict=True))


def _keys(pairs: list[tuple[int, int]]) -> Keys:
    return Keys(
        np.array([feature for feature, _ in pairs], np.uint16),
        np.array([identity for _, identity in pairs], np.int64),
    )


def _seen(entries: dict[tuple[int, int], _Entry]) -> Seen:
    found = list(entries.values())
    return Seen(
        _keys(list(entries)),
        np.array([entry.count for entry in found], np.int64),
        np.array([entry.score for entry in found], np.float32),
        np.array([entry.last for entry in found], np.int64),
        np.array([entry.changed for entry in found], np.int32),
    )
