"""One tree, level by level, over whatever source."""

import io
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Bools, Integers
from isthmus.core.errors import PeerError
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import grow
from isthmus.vertical.boosting.trees.grow import Growth
from isthmus.vertical.boosting.trees.local import LocalSource
from isthmus.vertical.boosting.trees.source import Histograms, Level, Partition, Sample, Source
from isthmus.vertical.boosting.trees.split import ANY, Range, leaf
from tests.unit.vertical.boosting.small import Node, best_gain, node

SEED = st.integers(0, 2**32)
EXACT = Boosting(depth=3, minimum_bin_rows=1, minimum_node_rows=2)


def sample_of(rows: Node, drawn: Integers | None = None) -> Sample:
    every = np.arange(len(rows.bins)) if drawn is None else drawn
    codes = np.arange(len(rows.book))
    return Sample(every, rows.values[:, every], rows.units, codes, np.ones(len(every)))


def local(rows: Node, spec: Boosting, codes: Integers | None = None) -> LocalSource:
    mine = np.arange(len(rows.book)) if codes is None else codes
    width = int(rows.book.bins.max())
    return LocalSource(rows.bins[:, mine], mine, width, spec.minimum_bin_rows)


def levels(rows: Node, sample: Sample, source: Source, spec: Boosting) -> list[Growth]:
    """The tree before its first level and after each."""
    source.begin(sample)
    growths = [grow.start_tree(sample, len(rows.bins), rows.book, np.inf, spec)]
    while not growths[-1].finished:
        growths.append(grow.advance(growths[-1], sample, source, rows.book, spec))
    return growths


def grown(rows: Node, spec: Boosting, source: Source | None = None) -> Growth:
    return levels(rows, sample_of(rows), source or local(rows, spec), spec)[-1]


def same(one: Growth, other: Growth) -> bool:
    return all(
        np.array_equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(one)
    )


def members(growth: Growth, number: int) -> Bools:
    """Which rows are in a node."""
    inside = {number}
    for parent in np.flatnonzero(growth.child >= 0).tolist():
        if parent in inside:
            inside |= {int(growth.child[parent]), int(growth.child[parent]) + 1}
    found: Bools = np.isin(growth.node, list(inside))
    return found


def inside(rows: Node, mask: Bools) -> Node:
    return replace(rows, bins=rows.bins[mask], values=rows.values[:, mask])


class JointSource:
    """Two owners of alternate codes behind one source; keeps what was asked."""

    def __init__(self, rows: Node, spec: Boosting) -> None:
        every = np.arange(len(rows.book))
        self.parts = [(codes, local(rows, spec, codes)) for codes in (every[::2], every[1::2])]
        self.codes = every
        self.asked: list[Level] = []

    def begin(self, sample: Sample) -> None:
        for _, part in self.parts:
            part.begin(sample)

    def histograms(self, level: Level) -> Histograms:
        self.asked.append(level)
        whole = Histograms(level.starts.copy(), np.zeros((2, *level.starts.shape), np.int64))
        for codes, part in self.parts:
            part.histograms(level.of(codes)).into(whole, codes)
        return whole

    def partition(self, request: Partition) -> Bools:
        went = [part.partition(request.of(codes)) for codes, part in self.parts]
        return went[0] | went[1]


class TestTree:
    @given(seed=SEED)
    def test_has_the_best_split_at_every_node_until_none_is_left(self, seed: int) -> None:
        rows = node(seed)
        growth = grown(rows, EXACT)
        for number in range(len(growth.code)):
            bounds = Range(growth.low[number], growth.high[number])
            best = best_gain(inside(rows, members(growth, number)), bounds, EXACT)
            if growth.child[number] >= 0 or growth.depth[number] < EXACT.depth:
                assert growth.gain[number] == pytest.approx(best, rel=1e-9, abs=1e-6)

    @given(seed=SEED)
    def test_knows_the_sums_and_rows_of_every_node(self, seed: int) -> None:
        rows = node(seed)
        growth = grown(rows, EXACT)
        for number in range(len(growth.code)):
            mask = members(growth, number)
            assert growth.rows[number] == mask.sum()
            assert (growth.totals[:, number] == rows.values[:, mask].sum(axis=1)).all()

    @given(seed=SEED)
    def test_does_not_fall_along_a_code_that_must_rise(self, seed: int) -> None:
        rows = node(seed)
        growth = grown(rows, EXACT)
        g, h = rows.units.real(growth.totals)
        value = leaf(g, h, EXACT.l2, Range(growth.low, growth.high))
        for parent in np.flatnonzero(growth.child >= 0).tolist():
            direction = rows.book.monotone[growth.code[parent]]
            left, right = growth.child[parent], growth.child[parent] + 1
            below = [np.unique(growth.node[members(growth, side)]) for side in (left, right)]
            worst = value[below[1]].min() - value[below[0]].max()
            assert direction != 1 or worst >= -1e-12
            worst = value[below[0]].min() - value[below[1]].max()
            assert direction != -1 or worst >= -1e-12

    @given(seed=SEED, k=st.integers(2, 6))
    def test_has_no_node_with_fewer_rows_than_a_sum_may_have(self, seed: int, k: int) -> None:
        spec = Boosting(
            depth=4, minimum_bin_rows=k, minimum_node_rows=2 * k, minimum_child_weight=0.0, l2=0.0
        )
        growth = grown(node(seed), spec)
        assert (growth.rows >= k).all()
        assert (growth.rows[growth.child >= 0] >= 2 * k).all()

    @given(seed=SEED)
    def test_is_the_same_whatever_the_order_of_rows(self, seed: int) -> None:
        rows, spec = node(seed), Boosting(minimum_bin_rows=2, minimum_node_rows=4)
        order = np.random.default_rng(seed).permutation(len(rows.bins))
        mixed = replace(rows, bins=rows.bins[order], values=rows.values[:, order])
        one, other = grown(rows, spec), grown(mixed, spec)
        assert same(replace(one, node=one.node[order]), other)

    def test_is_one_leaf_where_there_are_too_few_rows(self) -> None:
        growth = grown(node(1, rows=30), Boosting(minimum_node_rows=31))
        assert growth.finished
        assert growth.node.tolist() == [0] * 30

    def test_takes_along_rows_that_it_is_not_grown_on(self) -> None:
        rows = node(3)
        drawn = np.arange(0, 40, 2)
        sample = sample_of(rows, drawn)
        growth = levels(rows, sample, local(rows, EXACT), EXACT)[-1]
        kept = inside(rows, np.arange(40) % 2 == 0)
        alone = grown(kept, EXACT)
        assert (growth.node[drawn] == alone.node).all()
        assert (growth.child[growth.node] < 0).all()
        assert len(np.unique(growth.node[1::2])) > 1


class TestSource:
    @given(seed=SEED)
    def test_of_several_owners_gives_the_same_tree(self, seed: int) -> None:
        rows, spec = node(seed), Boosting(minimum_bin_rows=2, minimum_node_rows=4)
        assert same(grown(rows, spec, JointSource(rows, spec)), grown(rows, spec))

    @given(seed=SEED)
    def test_is_asked_for_the_smaller_of_two_siblings(self, seed: int) -> None:
        rows = node(seed)
        source = JointSource(rows, EXACT)
        grown(rows, EXACT, source)
        for level in source.asked:
            count = np.bincount(level.node, minlength=max(level.sibling.max(), 0) + 2)
            pairs = zip(level.summed.tolist(), level.sibling.tolist(), strict=True)
            for summed, sibling in pairs:
                assert sibling == -1 or (count[summed], summed) < (count[sibling], sibling)

    def test_is_not_asked_about_the_last_level(self) -> None:
        rows = node(3)
        source = JointSource(rows, EXACT)
        growth = grown(rows, EXACT, source)
        assert growth.depth.max() == EXACT.depth == len(source.asked)

    @pytest.mark.parametrize("code", [0, 1])
    def test_with_wrong_sums_is_found_out(self, code: int) -> None:
        class Wrong(JointSource):
            def histograms(self, level: Level) -> Histograms:
                honest = super().histograms(level)
                honest.sums[0, 0, code, 0] += 1
                return honest

        rows = node(3)
        with pytest.raises(PeerError, match=f"sums of code {code} do not add up"):
            grown(rows, EXACT, Wrong(rows, EXACT))

    def test_that_shifts_a_sum_to_another_bin_is_found_out_when_it_parts_the_rows(self) -> None:
        class Shifted(JointSource):
            def histograms(self, level: Level) -> Histograms:
                honest = super().histograms(level)
                first, second = np.flatnonzero(honest.starts[0, 0])[:2]
                honest.sums[0, 0, 0, [first, second]] += np.array([10**6, -(10**6)])
                return honest

        rows = node(3)
        with pytest.raises(PeerError, match="code 0 sends left are not those"):
            grown(rows, EXACT, Shifted(rows, EXACT))

    def test_with_groups_that_cut_through_those_above_is_found_out(self) -> None:
        class Finer(JointSource):
            def histograms(self, level: Level) -> Histograms:
                honest = super().histograms(level)
                honest.starts[:, 1] = True
                return honest

        rows = node(3)
        with pytest.raises(PeerError, match="bins of code 1 are in groups that cut through"):
            grown(rows, EXACT, Finer(rows, EXACT))

    def test_that_parts_rows_wrongly_is_found_out(self) -> None:
        class Turned(JointSource):
            def partition(self, request: Partition) -> Bools:
                return ~super().partition(request)

        rows = node(3)
        with pytest.raises(PeerError, match="are not those that its sums were over"):
            grown(rows, EXACT, Turned(rows, EXACT))


class TestGrowth:
    @pytest.mark.parametrize("level", [0, 1, 2])
    def test_goes_on_from_what_a_file_kept(self, level: int) -> None:
        rows = node(3)
        sample, source = sample_of(rows), local(rows, EXACT)
        growths = levels(rows, sample, source, EXACT)
        file = io.BytesIO()
        kept = {each.name: getattr(growths[level], each.name) for each in fields(Growth)}
        np.savez(file, allow_pickle=False, **kept)
        file.seek(0)
        with np.load(file) as content:
            growth = Growth(**{name: content[name] for name in content.files})
        while not growth.finished:
            growth = grow.advance(growth, sample, source, rows.book, EXACT)
        assert same(growth, growths[-1])

    def test_becomes_a_tree_with_values_at_its_leaves(self) -> None:
        rows = node(3)
        growth = grown(rows, EXACT)
        g, h = rows.units.real(growth.totals)
        tree = grow.finish_tree(growth, rows.units, leaf(g, h, 1.0, ANY))
        inner = tree.child >= 0
        assert (tree.value[inner] == 0).all()
        assert tree.value[~inner] == pytest.approx((-g / (h + 1.0))[~inner])
        assert (tree.cover == h).all()
