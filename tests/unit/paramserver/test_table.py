"""A table equals a dictionary, whatever is done to it, and keeps to its memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.paramserver.spec import RowwiseAdagrad
from isthmus.paramserver.tables.dump import Dump
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import FeatureRule, Table
from isthmus.paramserver.window import DEFAULT, Float32s, Int32s, Keys
from tests.unit.paramserver.plain_table import PlainTable

LAYOUT = Layout(3, RowwiseAdagrad())
WIDE = Layout(30, RowwiseAdagrad())
SEED = 5
EVERY_ID = FeatureRule()
RULES = {
    "plain": [EVERY_ID, EVERY_ID],
    "admission": [FeatureRule(admit_after=3), EVERY_ID],
    "age": [FeatureRule(evict_after=40), FeatureRule(evict_after=150, admit_after=2)],
    "score": [FeatureRule(minimum_score=1.5, half_life=30), FeatureRule(evict_after=60)],
}
SMALL = 300_000
"""Bytes: room for the index of an almost empty table and some 1,500 wide rows."""


@dataclass(frozen=True)
class Step:
    """A window's keys, and how often it uses each."""

    keys: Keys
    occurrences: Int32s


def steps(seed: int, windows: int, ids: int) -> Iterator[Step]:
    """Windows over ids of which few are used often, with the DEFAULT keys first."""
    random = np.random.default_rng(seed)
    for _ in range(windows):
        drawn = np.unique((ids * random.random(random.integers(1, ids)) ** 3).astype(np.int64))
        drawn += seed % 10 * (ids // 3)
        feature = (drawn % 2).astype(np.uint16)
        keys = Keys(
            np.append(np.array([0, 1], np.uint16), feature), np.append([DEFAULT, DEFAULT], drawn)
        )
        occurrences = random.integers(1, 4, len(keys)).astype(np.int32)
        occurrences[:2] = 0
        yield Step(keys, occurrences)


def trained(rows: Float32s) -> Float32s:
    """Rows as a worker may push them."""
    return rows * np.float32(0.9) + np.float32(0.01)


def sorted_dump(table: Table | PlainTable, since: int | None = None) -> list[object]:
    """All that a dump holds, in one order."""
    dump = table.dump(since)
    order, waiting, gone = (
        np.lexsort((keys.id, keys.feature)) for keys in (dump.keys, dump.waiting.keys, dump.evicted)
    )
    gone = np.lexsort((dump.evicted_at, dump.evicted.id, dump.evicted.feature))
    arrays = Dump(
        dump.seen.take(order),
        dump.rows[order],
        dump.waiting.take(waiting),
        dump.evicted.take(gone),
        dump.evicted_at[gone],
    ).arrays()
    return [(name, array.tolist()) for name, array in arrays.items()]


def run(
    table: Table | PlainTable, seed: int, windows: int = 12, *, ids: int = 40, first: int = 0
) -> list[object]:
    """Pull, push and evict as training does; returns what was seen of it."""
    seen: list[object] = []
    clock = 0
    for number, step in enumerate(steps(seed, windows, ids)):
        clock += 10
        if number < first:
            continue
        mark = number // 3
        rows, admitted = table.pull(step.keys, step.occurrences, clock, mark)
        seen += [rows.tolist(), admitted.tolist()]
        if number % 3 == 1:
            seen.append(table.evict(clock, mark))
        table.push(step.keys.take(admitted), trained(rows[admitted]), clock, mark)
        seen.append(len(table))
    return seen


class TestTable:
    @pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 2**32))
    def test_equals_a_dictionary(self, rules: list[FeatureRule], seed: int) -> None:
        table, plain = Table(LAYOUT, rules, SEED), PlainTable(LAYOUT, rules, SEED)
        assert run(table, seed) == run(plain, seed)
        assert sorted_dump(table) == sorted_dump(plain)
        assert sorted_dump(table, 2) == sorted_dump(plain, 2)
        keys = next(steps(seed, 1, 80)).keys
        for ours, theirs in zip(table.read(keys), plain.read(keys), strict=True):
            np.testing.assert_array_equal(ours, theirs)

    def test_equals_a_dictionary_when_it_is_large(self) -> None:
        table, plain = (kind(LAYOUT, RULES["age"], SEED) for kind in (Table, PlainTable))
        assert run(table, 1, ids=20_000) == run(plain, 1, ids=20_000)
        assert sorted_dump(table) == sorted_dump(plain)

    def test_counts_nothing_when_it_is_only_read(self) -> None:
        table = Table(LAYOUT, RULES["plain"], SEED)
        keys = Keys(np.array([0, 1, 0], np.uint16), np.array([7, 7, DEFAULT]))
        rows, admitted = table.read(keys)
        assert admitted.tolist() == [False, False, True]
        assert not rows[:, :3].any()
        assert len(table) == 0

    def test_first_values_follow_from_seed_and_key_alone(self) -> None:
        keys = Keys(np.array([0, 1, 0], np.uint16), np.array([7, 7, 8]))
        ones = np.ones(3, np.int32)
        rows, _ = Table(LAYOUT, RULES["plain"], SEED).pull(keys, ones, 3, 0)
        later = Table(LAYOUT, RULES["plain"], SEED)
        run(later, 1, ids=4)
        np.testing.assert_array_equal(rows, later.pull(keys, ones, 1000, 0)[0])
        assert len(np.unique(rows[:, :3])) == 9
        assert (np.abs(rows[:, :3]) <= np.float32(0.01)).all()


class TestDump:
    @pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
    @pytest.mark.parametrize("shards", [1, 3])
    def test_whole_and_changes_restore_the_table(
        self, rules: list[FeatureRule], shards: int
    ) -> None:
        table = Table(LAYOUT, rules, SEED)
        run(table, 3, 6)
        whole = table.dump()
        run(table, 3, 12, first=6)
        restored = [Table(LAYOUT, rules, SEED) for _ in range(shards)]
        for number, shard in enumerate(restored):
            for dump in (whole, Dump.of(table.dump(1).arrays())):
                shard.load(dump.of_shard(number, shards))
        if shards == 1:
            assert sorted_dump(restored[0]) == sorted_dump(table)
            assert run(restored[0], 3, 20, first=12) == run(table, 3, 20, first=12)
        assert sum(map(len, restored)) == len(table)
        found = np.concatenate([shard.dump().in_order().rows for shard in restored])
        assert sorted(found.tolist()) == sorted(table.dump().rows.tolist())


class TestMemory:
    @pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
    def test_rows_beyond_the_bound_lie_on_disk(
        self, rules: list[FeatureRule], tmp_path: Path
    ) -> None:
        bounded = Table(WIDE, rules, SEED, memory=SMALL, spill=tmp_path / "rows")
        table = Table(WIDE, rules, SEED)
        for start in range(3):
            assert run(bounded, start, 4, ids=3000) == run(table, start, 4, ids=3000)
            assert bounded.bytes <= SMALL
        assert sorted_dump(bounded) == sorted_dump(table)
        assert bounded.spilled > 0
        bounded.close()
        assert list(tmp_path.rglob("*")) == [tmp_path / "rows"]

    def test_a_dump_is_loaded_within_the_bound(self, tmp_path: Path) -> None:
        table = Table(WIDE, RULES["plain"], SEED)
        run(table, 1, 4, ids=6000)
        bounded = Table(WIDE, RULES["plain"], SEED, memory=SMALL, spill=tmp_path)
        bounded.load(table.dump())
        assert bounded.bytes <= SMALL
        assert bounded.spilled > 0
        assert sorted_dump(bounded) == sorted_dump(table)

    def test_too_little_for_a_window_is_an_error(self, tmp_path: Path) -> None:
        table = Table(WIDE, RULES["plain"], SEED, memory=SMALL, spill=tmp_path)
        with pytest.raises(SpecError, match=r"needs [\d,]+ of them at once.*raise `memory`"):
            run(table, 1, ids=50_000)

    def test_is_told(self) -> None:
        table = Table(LAYOUT, RULES["plain"], SEED)
        empty = table.bytes
        run(table, 1, 3, ids=200_000)
        assert 30 * len(table) < table.bytes - empty < 150 * len(table)
