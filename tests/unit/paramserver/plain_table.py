"""A table as a dictionary: what `table.Table` is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.paramserver.tables.dump import Dump, Seen
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import FeatureRule
from isthmus.paramserver.window import DEFAULT, Bools, Float32s, Int32s, Keys


@dataclass
class _Entry:
    row: Float32s | None
    count: int = 0
    score: float = 0.0
    last: int = 0
    changed: int = 0


class PlainTable:
    """Rows by key, in memory and beyond a bound on disk."""

    def __init__(self, layout: Layout, rules: Sequence[FeatureRule], seed: int) -> None:
        self.layout = layout
        self._rules = rules
        self._scored = any(rule.minimum_score is not None for rule in rules)
        self._seed = seed
        self._entries: dict[tuple[int, int], _Entry] = {}
        self._evicted: list[tuple[int, int, int]] = []

    def __len__(self) -> int:
        return sum(entry.row is not None for entry in self._entries.values())

    @property
    def evicted(self) -> int:
        """Rows that were given up so far."""
        return len(self._evicted)

    def pull(
        self, keys: Keys, occurrences: Int32s, clock: int, mark: int
    ) -> tuple[Float32s, Bools]:
        """Count keys, make rows for those that get one now, and read."""
        for key, seen in zip(_pairs(keys), occurrences.tolist(), strict=True):
            rule = self._rules[key[0]]
            entry = self._entries.setdefault(key, _Entry(None))
            if self._scored:
                fading = 0.5 ** ((clock - entry.last) / rule.half_life)
                entry.score = float(np.float32(entry.score * fading + seen))
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
        """Set rows; keys that have none get one again."""
        for key, row in zip(_pairs(keys), rows, strict=True):
            entry = self._entries.setdefault(key, _Entry(None))
            if entry.row is None:
                entry.count, entry.score, entry.last = 1, float(self._scored), clock
            entry.row, entry.changed = row.copy(), mark

    def evict(self, clock: int, mark: int) -> int:
        """Give up keys by the rules of their features."""
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
