"""Which columns are left out: by information, correlation and variance inflation."""

from typing import Any

import numpy as np
import pytest

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto import radix
from isthmus.vertical.preparation import selection
from isthmus.vertical.preparation.columns import Number
from isthmus.vertical.preparation.spec import Selection


def integers(columns: Floats) -> Integers:
    standardised = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    return radix.quantise(standardised, selection.bits(len(columns))).integers()


def three() -> Floats:
    """Two columns, and a third that is nearly the sum of both."""
    generator = np.random.default_rng(2)
    x = generator.normal(size=(2_000, 3))
    x[:, 2] = x[:, 0] + x[:, 1] + 0.2 * x[:, 2]
    return x


class TestCorrelations:
    def test_are_those_of_the_columns_but_for_rounding(self) -> None:
        found = selection.moments(integers(three())).correlations()
        assert found == pytest.approx(np.corrcoef(three().T), abs=1e-4)

    def test_of_two_parties_are_those_of_one_place(self) -> None:
        columns = integers(three())
        ours, theirs = columns[:, :2], columns[:, 2:]
        both = selection.moments(ours).beside(selection.moments(theirs), ours.T @ theirs)
        assert (both.correlations() == selection.moments(columns).correlations()).all()

    def test_need_no_more_bits_than_there_are(self) -> None:
        for rows in (2, 10**6, 10**9):
            bits = selection.bits(rows)
            assert bits >= 7
            assert 2 * bits + (rows - 1).bit_length() <= 47


class TestInflation:
    def test_is_one_over_what_the_others_leave(self) -> None:
        x = three()
        found = selection.inflation(np.array(np.corrcoef(x.T)))
        rest = x[:, 2] - x[:, 2].mean()
        others = x[:, :2] - x[:, :2].mean(axis=0)
        fitted = others @ np.linalg.lstsq(others, rest, rcond=None)[0]
        assert found[2] == pytest.approx((rest @ rest) / ((rest - fitted) @ (rest - fitted)))

    def test_is_huge_where_columns_repeat_each_other(self) -> None:
        assert selection.inflation(np.ones((2, 2))).min() > 1e6


class TestComparison:
    COLUMNS = (Number("a"), Number("b"), Number("c"))

    def compare(self, columns: Floats, others: int = 0, **said: Any) -> list[str]:
        found = selection.moments(integers(columns))
        ours = self.COLUMNS[: columns.shape[1] - others]
        prepared = selection.by_comparison(ours, found, Selection(**said), others)
        return [column.name for column in prepared.columns]

    def test_leaves_out_the_later_one_of_two_that_repeat_each_other(self) -> None:
        x = three()
        x[:, 1] = -x[:, 0]
        assert self.compare(x, correlation=0.9) == ["a", "c"]

    def test_leaves_out_ours_where_it_repeats_another_partys(self) -> None:
        x = three()
        x[:, 2] = x[:, 0]
        assert self.compare(x, others=1, correlation=0.9) == ["b"]

    def test_leaves_out_what_the_others_explain(self) -> None:
        assert self.compare(three(), inflation=10.0) == ["a", "b"]

    def test_stops_as_soon_as_no_factor_is_above_the_limit(self) -> None:
        x = three()
        x[:, 1] = x[:, 0] + 1e-3 * x[:, 1]
        assert self.compare(x[:, :2], inflation=10.0) == ["a"]

    def test_keeps_all_below_the_limits(self) -> None:
        assert self.compare(three(), correlation=0.99, inflation=1e3) == ["a", "b", "c"]
