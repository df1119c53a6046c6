"""The sparse rows of one shard: made, counted, admitted and given up by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.paramserver.tables.dump import Dump, Seen
from isthmus.paramserver.tables.kernels.records import Counting, Entries, Limits
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.records import Records
from isthmus.paramserver.window import DEFAULT, Bools, Float32s, Int32s, Int64s, Keys

_SEGMENT = 16 * 2**20  # bytes; large enough that the system gives large pages
_SEGMENTS = 16
"""A bound on memory leaves room for so many segments, if they can be that small."""

_TOGETHER = 16_384
"""Rows that are made at once; their first values pass through the processor's cache."""

_EVICTED = 14  # bytes of an evicted key and its mark


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
        scored = any(rule.minimum_score is not None for rule in rules)
        self._seed = seed
        self._memory = memory
        segment = _SEGMENT if memory is None else min(_SEGMENT, memory // _SEGMENTS)
        self._rows = Records(layout.width, segment, spill, scored=scored)
        self._waiting = Records(0, segment // 4, None, scored=scored)
        self._admit_after = np.array([rule.admit_after for rule in rules], np.int64)
        self._limits = _limits(rules)
        self._half_lives = self._limits.half_lives if scored else np.empty(0)
        self._evicts = scored or any(rule.evict_after is not None for rule in rules)
        self._evicted: list[tuple[Keys, Int32s]] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def bytes(self) -> int:
        """Memory in use, all told."""
        given_up = self.evicted * _EVICTED
        return self._rows.bytes + self._waiting.bytes + given_up

    def bytes_for(self, rows: int, waiting: int) -> int:
        """Returns about how much memory a table takes.

        Args:
            rows: Keys with a row.
            waiting: Keys that are counted until they get one.

        Returns:
            Bytes, without a bound on memory.
        """
        return self._rows.bytes_for(rows) + self._waiting.bytes_for(waiting)

    @property
    def spilled(self) -> int:
        """Bytes on disk."""
        return self._rows.spilled

    @property
    def evicted(self) -> int:
        """Keys that were given up so far, counted or with a row."""
        return sum(len(keys) for keys, _ in self._evicted)

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
        rows = np.empty((len(keys), self.layout.width), np.float32)
        counting = Counting(occurrences, clock, mark, self._half_lives)
        self._bound()
        numbers = self._rows.fetch(keys, counting, rows)
        missing = np.flatnonzero(numbers < 0)
        if len(missing):
            chosen, entries = self._admit(
                keys.take(missing), counting._replace(occurrences=occurrences[missing])
            )
            new = missing[chosen]
            self._bound(len(keys) - len(missing) + len(new))
            for start in range(0, len(new), _TOGETHER):
                part = slice(start, start + _TOGETHER)
                some = keys.take(new[part])
                first = self.layout.first(some, self._seed)
                rows[new[part]] = first
                numbers[new[part]] = self._make(some, _take(entries, part), first)
        self._rows.warm(numbers)
        return rows, numbers >= 0

    def read(self, keys: Keys) -> tuple[Float32s, Bools]:
        """Returns what `pull` does, but counts and makes nothing. DEFAULT keys always have rows."""
        rows = np.empty((len(keys), self.layout.width), np.float32)
        admitted = self._rows.fetch(keys, _NOT_COUNTED, rows) >= 0
        default = (keys.id == DEFAULT) & ~admitted
        if default.any():
            rows[default] = self.layout.first(keys.take(default), self._seed)
        return rows, admitted | default

    def push(self, keys: Keys, rows: Float32s, clock: int, mark: int) -> None:
        """Set rows; keys that have none, as they were given up meanwhile, get one again.

        Args:
            keys: Unique keys.
            rows: Shape (keys, width).
            clock: Samples of the run so far.
            mark: Number of the interval between two snapshots.
        """
        numbers = self._rows.find(keys)
        self._rows.put(numbers, rows, mark)
        missing = np.flatnonzero(numbers < 0)
        if len(missing):
            again = keys.take(missing)
            self._stop_waiting(again)
            self._bound(len(missing))
            self._make(again, _entries(np.ones(len(missing), np.int64), clock, mark), rows[missing])

    def evict(self, clock: int, mark: int) -> int:
        """Give up keys by the rules of their features.

        Args:
            clock: Samples of the run so far.
            mark: Number of the interval between two snapshots.

        Returns:
            Number of rows given up.
        """
        before = len(self)
        if self._evicts:
            for records in (self._rows, self._waiting):
                for numbers in records.over(self._limits, clock):
                    keys, *_ = records.read(numbers)
                    records.release(numbers)
                    self._evicted.append((keys, np.full(len(keys), mark, np.int32)))
        return before - len(self)

    def dump(self, since: int | None = None) -> Dump:
        """Returns copies of all that changed at marks above `since`, or of everything."""
        keys, entries, rows = self._rows.read(self._rows.changed(since))
        waiting, waiting_entries, _ = self._waiting.read(self._waiting.changed(since))
        gone = [Keys(np.empty(0, np.uint16), np.empty(0, np.int64))]
        marks = [np.empty(0, np.int32)]
        for evicted, at in self._evicted:
            late = at > (-(2**31) if since is None else since)
            gone.append(evicted.take(late))
            marks.append(at[late])
        return Dump(
            Seen(keys, *entries),
            rows,
            Seen(waiting, *waiting_entries),
            Keys(
                np.concatenate([each.feature for each in gone]),
                np.concatenate([each.id for each in gone]),
            ),
            np.concatenate(marks),
        )

    def load(self, dump: Dump) -> None:
        """Take over what a dump holds: a whole one into an empty table, then those of changes."""
        for records in (self._rows, self._waiting):
            numbers = records.find(dump.evicted)
            records.release(numbers[numbers >= 0])
        self._evicted.append((dump.evicted, dump.evicted_at))
        _load(self._waiting, dump.waiting, np.empty((len(dump.waiting.keys), 0), np.float32))
        self._stop_waiting(dump.keys)
        self._bound()
        _load(self._rows, dump.seen, dump.rows)

    def close(self) -> None:
        """Remove the file of rows on disk."""
        self._rows.close()

    def _bound(self, rows: int = 0) -> None:
        """Leave to the rows what the bound on memory leaves, and hold them to it."""
        if self._memory is not None:
            self._rows.memory = self._memory - (self.bytes - self._rows.bytes)
            self._rows.fit(rows)

    def _admit(self, keys: Keys, counting: Counting) -> tuple[Int64s, Entries]:
        """Count keys that have no row.

        Args:
            keys: The keys.
            counting: How often each is used, and when.

        Returns:
            Which of them get a row now, and what is known of these.
        """
        counts = counting.occurrences.astype(np.int64)
        entries = _entries(counts, counting.clock, counting.mark)
        least = self._admit_after[keys.feature]
        chosen = np.arange(len(keys))
        if (least > 1).any():
            numbers = self._waiting.fetch(keys, counting, np.empty((len(keys), 0), np.float32))
            held = numbers >= 0
            _, known, _ = self._waiting.read(numbers[held])
            entries.counts[held], entries.scores[held] = known.counts, known.scores
            now = (entries.counts >= least) | (keys.id == DEFAULT)
            self._waiting.release(numbers[now & held])
            wait = np.flatnonzero(~now & ~held)
            self._waiting.write(self._waiting.make(keys.take(wait)), _take(entries, wait))
            chosen = np.flatnonzero(now)
        return chosen, _take(entries, chosen)

    def _make(self, keys: Keys, entries: Entries, rows: Float32s) -> Int64s:
        numbers = self._rows.make(keys)
        self._rows.put(numbers, rows, 0)
        self._rows.write(numbers, entries)
        return numbers

    def _stop_waiting(self, keys: Keys) -> None:
        if len(self._waiting):
            numbers = self._waiting.find(keys)
            self._waiting.release(numbers[numbers >= 0])


_NOT_COUNTED = Counting(np.empty(0, np.int32), 0, 0, np.empty(0))


def _limits(rules: Sequence[FeatureRule]) -> Limits:
    return Limits(
        np.array([-1 if it.evict_after is None else it.evict_after for it in rules], np.int64),
        np.array([it.minimum_score or 0 for it in rules], np.float64),
        np.array([it.half_life for it in rules], np.float64),
    )


def _entries(counts: Int64s, clock: int, mark: int) -> Entries:
    return Entries(
        counts,
        counts.astype(np.float32),
        np.full(len(counts), clock, np.int64),
        np.full(len(counts), mark, np.int32),
    )


def _take(entries: Entries, chosen: Int64s | slice) -> Entries:
    return Entries(
        entries.counts[chosen],
        entries.scores[chosen],
        entries.last[chosen],
        entries.changed[chosen],
    )


def _load(records: Records, seen: Seen, rows: Float32s) -> None:
    for start in range(0, len(rows), records.per_segment):
        part = np.arange(start, min(start + records.per_segment, len(rows)))
        keys = seen.keys.take(part)
        numbers = records.find(keys)
        missing = numbers < 0
        numbers[missing] = records.make(keys.take(missing))
        records.put(numbers, rows[part], 0)
        entries = Entries(seen.counts, seen.scores, seen.last, seen.changed)
        records.write(numbers, _take(entries, part))
