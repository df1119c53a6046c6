"""Merging what several workers made of the same rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.paramserver.shards.merging import Read, Rule, merge_dense, merge_rows
from isthmus.paramserver.spec import Adagrad, Adam, Ftrl, Optimizer, RowwiseAdagrad, Sgd
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.window import DEFAULT, Float32s, Keys, Push
from tests.tiers import make_push, names_of

Row = dict[tuple[int, int], Float32s]

NO_DENSE = np.zeros((1, 0), np.float32)


def no_table(_: Keys) -> Float32s:
    raise AssertionError("the rows before do not matter here")


def reader(table: Row) -> Read:
    return lambda keys: np.stack([table[name] for name in names_of(keys)])


def push_of(window: int, rows: Row, *, relative: bool = False) -> Push:
    values = [row.tolist() for row in rows.values()]
    return make_push(window, list(rows), values, NO_DENSE, relative=relative)


def by_key(keys: Keys, rows: Float32s) -> Row:
    return dict(zip(names_of(keys), rows, strict=True))


def merged_plainly(table: Row, changes: list[Row], layout: Layout, rule: Rule) -> Row:
    """What the table in the module's docstring says, key by key and column by column."""
    result: Row = {}
    for name in {name for change in changes for name in change}:
        with_it = [change[name] for change in changes if name in change]
        row = table[name].astype(np.float64)
        for column in range(layout.width):
            is_mean = (
                isinstance(layout.optimizer, Adam)
                and layout.dimension <= column < 3 * layout.dimension
            )
            divisor: float = {
                "touch_mean": len(with_it),
                "touch_root": math.sqrt(len(with_it)),
                "mean": len(changes),
                "sum": 1,
            }[rule]
            if rule != "mean" and layout.sums[column]:
                divisor = 1
            if rule != "mean" and is_mean:
                divisor = len(with_it)
            row[column] += sum(float(change[column]) for change in with_it) / divisor
        result[name] = row.astype(np.float32)
    return result


OPTIMIZERS: list[Optimizer] = [Sgd(), Adagrad(), RowwiseAdagrad(), Adam(), Ftrl()]
RULES: list[Rule] = ["touch_mean", "touch_root", "mean", "sum"]


class TestMergeRows:
    @pytest.mark.parametrize("rule", RULES)
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    @given(seed=st.integers(0, 2**32 - 1), workers=st.integers(1, 4), relative=st.booleans())
    def test_agrees_with_the_table_of_rules(
        self, optimizer: Optimizer, rule: Rule, seed: int, workers: int, *, relative: bool
    ) -> None:
        random = np.random.default_rng(seed)
        layout = Layout(2, optimizer)
        names = [(0, DEFAULT), (0, 5), (1, 5), (1, 2**62)]
        table = {name: random.standard_normal(layout.width).astype(np.float32) for name in names}
        changes: list[Row] = [
            {
                name: random.standard_normal(layout.width).astype(np.float32)
                for name in names
                if random.random() < 0.6
            }
            for _ in range(workers)
        ]
        pushes = [
            push_of(
                window,
                change if relative else {name: table[name] + row for name, row in change.items()},
                relative=relative,
            )
            for window, change in enumerate(changes)
            if change
        ]
        if not pushes:
            return
        changes = [change for change in changes if change]
        found = by_key(*merge_rows(pushes, reader(table), layout, rule))
        expected = merged_plainly(table, changes, layout, rule)
        assert found.keys() == expected.keys()
        for name, row in expected.items():
            np.testing.assert_allclose(found[name], row, rtol=1e-5, atol=1e-5)

    def test_takes_the_rows_of_a_single_worker_as_they_are(self) -> None:
        push = push_of(0, {(0, 1): np.array([0.1, 0.2], np.float32)})
        keys, rows = merge_rows([push], no_table, Layout(1, Adagrad()), "touch_mean")
        assert keys is push.keys
        assert rows is push.rows

    @pytest.mark.parametrize("rule", ["touch_mean", "touch_root", "sum"])
    def test_sets_a_row_exactly_that_one_worker_alone_changed(self, rule: Rule) -> None:
        after = np.array([0.1, 0.3], np.float32)
        table = {(0, 1): np.array([1e8, 1e8], np.float32), (0, 2): np.zeros(2, np.float32)}
        pushes = [push_of(0, {(0, 1): after}), push_of(1, {(0, 2): after})]
        found = by_key(*merge_rows(pushes, reader(table), Layout(2, Sgd()), rule))
        assert found[0, 1].tobytes() == after.tobytes()

    def test_adds_up_in_the_order_of_windows(self) -> None:
        # In 32 bits, (1 + 1e8) - 1e8 is 0 and (1e8 - 1e8) + 1 is 1.
        rows = [np.array([value], np.float32) for value in (1, 1e8, -1e8)]
        table = {(0, 1): np.zeros(1, np.float32)}
        layout = Layout(1, Sgd())
        pushes = [push_of(at, {(0, 1): row}, relative=True) for at, row in enumerate(rows)]
        _, merged = merge_rows(pushes, reader(table), layout, "sum")
        assert merged.tolist() == [[0]]
        _, merged = merge_rows(pushes[1:] + pushes[:1], reader(table), layout, "sum")
        assert merged.tolist() == [[1]]

    def test_by_the_root_takes_a_new_row_as_far_as_one_worker_with_all_steps(self) -> None:
        def after(steps: int) -> Float32s:
            """Value and sum of squares of Adagrad, when each gradient was -1."""
            return np.array([(1 / np.sqrt(np.arange(1, steps + 1))).sum(), steps], np.float32)

        table = {(0, 1): np.zeros(2, np.float32)}
        pushes = [push_of(worker, {(0, 1): after(500)}) for worker in range(4)]
        found = by_key(*merge_rows(pushes, reader(table), Layout(1, Adagrad()), "touch_root"))
        assert found[0, 1] == pytest.approx(after(2000), rel=0.02)

    def test_tells_features_with_the_same_id_apart(self) -> None:
        one, two = np.array([1.0], np.float32), np.array([2.0], np.float32)
        table = {(0, 1): np.zeros(1, np.float32), (3, 1): np.zeros(1, np.float32)}
        pushes = [push_of(0, {(0, 1): one}), push_of(1, {(3, 1): two})]
        found = by_key(*merge_rows(pushes, reader(table), Layout(1, Sgd()), "touch_mean"))
        assert found == {(0, 1): one, (3, 1): two}


class TestMergeDense:
    def test_averages_over_the_workers_that_trained_a_number(self) -> None:
        before = np.array([[1, 1, 1], [0, 0, 0]], np.float32)
        pushes = [
            make_push(0, [], [], before + np.float32(2), trained=[True, True, False]),
            make_push(1, [], [], before + np.float32(4), trained=[True, False, False]),
        ]
        assert merge_dense(before, pushes).tolist() == [[4, 3, 1], [3, 2, 0]]

    def test_adds_averaged_changes_to_what_has_come_meanwhile(self) -> None:
        before = np.array([[10, 10, 10]], np.float32)
        pushes = [
            make_push(
                number,
                [],
                [],
                np.full((1, 3), change, np.float32),
                trained=[True, number == 0, False],
                relative=True,
            )
            for number, change in enumerate([2, 4])
        ]
        assert merge_dense(before, pushes).tolist() == [[13, 12, 10]]

    def test_sets_a_number_exactly_that_one_worker_trained(self) -> None:
        before = np.array([[1e8]], np.float32)
        after = np.array([[0.1]], np.float32)
        assert merge_dense(before, [make_push(0, [], [], after)]).tobytes() == after.tobytes()
        assert before.tolist() == [[1e8]]
