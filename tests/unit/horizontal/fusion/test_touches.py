"""The mean of tables over the children that touched a row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isthmus.horizontal.fusion.averages import count_weights, weighted_sum
from isthmus.horizontal.fusion.touches import touch_mean
from isthmus.horizontal.parameters import Layout
from isthmus.horizontal.tables import Tables

LAYOUT = Layout((("bias", (1,)), ("vectors", (3, 2))))
TABLES = Tables(LAYOUT, ("vectors",))


def update(bias: float, *rows: float) -> list[float]:
    """An update whose rows of the table hold the same number twice."""
    return [bias, *(number for row in rows for number in (row, row))]


def fused(counts: list[int], *updates: list[float]) -> list[float]:
    weights = count_weights(np.array(counts))
    found: list[float] = touch_mean(np.array(updates, np.float32), weights, TABLES).tolist()
    return found


class TestTouchMean:
    def test_of_a_row_is_over_those_who_touched_it_and_of_all_else_by_samples(self) -> None:
        found = fused([30, 10], update(1.0, 4.0, 2.0, 0.0), update(5.0, 0.0, 6.0, 0.0))
        assert found == update(2.0, 4.0, 4.0, 0.0)

    def test_of_one_row_that_one_child_touched_is_its_own(self) -> None:
        found = fused([1, 99, 99], update(0.0, 0.0, 3.5, 0.0), *[update(0.0, 0.0, 0.0, 0.0)] * 2)
        assert found == update(0.0, 0.0, 3.5, 0.0)

    def test_of_a_row_that_nobody_touched_is_zero(self) -> None:
        assert (
            fused([1, 1], update(1.0, 0.0, 0.0, 0.0), update(1.0, 0.0, 0.0, 0.0))[1:] == [0.0] * 6
        )

    @given(st.integers(0, 2**32), st.integers(1, 6))
    def test_equals_the_closed_form(self, seed: int, children: int) -> None:
        draw = np.random.default_rng(seed)
        bias, rows = draw.normal(size=(children, 1)), draw.normal(size=(children, 3, 2))
        rows[draw.random((children, 3)) < 0.5] = 0
        counts = draw.integers(1, 100, children)
        touches = np.any(rows != 0, axis=2).sum(axis=0)
        due = rows.sum(axis=0) / np.maximum(touches, 1)[:, None]
        updates = np.hstack([bias, rows.reshape(children, 6)]).astype(np.float32)
        found = touch_mean(updates, count_weights(counts), TABLES)
        np.testing.assert_allclose(found[:1], counts @ bias / counts.sum(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found[1:], due.ravel(), rtol=1e-5, atol=1e-6)

    def test_is_the_plain_mean_where_there_are_no_tables(self) -> None:
        updates = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
        weights = count_weights(np.array([1, 2, 3]))
        found = touch_mean(updates, weights, Tables(LAYOUT))
        np.testing.assert_allclose(found, weighted_sum(updates, weights), rtol=1e-6)
