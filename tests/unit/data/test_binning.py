"""Columns as bins, found on training rows."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data import binning
from isthmus.data.binning import Binning, Categorical, Numeric
from isthmus.data.table import Table

COLUMN = arrays.arrays(
    np.float64,
    st.integers(2, 60),
    elements=st.one_of(
        st.just(float("nan")), st.integers(-5, 5).map(float), st.floats(-1e100, 1e100)
    ),
).filter(lambda values: np.unique(values[~np.isnan(values)]).size > 1)


def table(values: Floats, categories: tuple[str, ...] | None = None) -> Table:
    names = {} if categories is None else {"x": categories}
    return Table([b""] * len(values), values[:, None], ("x",), categories=names)


def numeric(values: Floats, bins: int) -> tuple[Numeric, list[int]]:
    rows = table(values)
    (found,) = binning.fit(rows, bins)
    assert isinstance(found, Numeric)
    return found, binning.encode([found], rows)[:, 0].tolist()


class TestNumbers:
    def test_that_are_few_have_a_bin_each(self) -> None:
        found, bins = numeric(np.array([3.0, 1.0, 2.0, 1.0]), bins=32)
        assert bins == [2, 0, 1, 0]
        assert found.ends == [1.5, 2.5]

    def test_that_are_many_fill_bins_evenly(self) -> None:
        _, bins = numeric(np.random.default_rng(0).normal(size=1000), bins=10)
        assert np.bincount(bins).tolist() == [100] * 10

    def test_that_are_frequent_cost_the_others_no_bins(self) -> None:
        often = np.concatenate([np.zeros(900), np.arange(1, 101)])
        found, bins = numeric(often, bins=11)
        assert found.bins == 12
        assert np.bincount(bins).tolist() == [900] + [10] * 10

    def test_before_a_frequent_one_keep_a_bin_of_their_own(self) -> None:
        _, bins = numeric(np.concatenate([[-1.0, -2.0], np.zeros(60), np.arange(1, 39)]), bins=8)
        assert bins[:3] == [0, 0, 1]

    def test_that_are_missing_are_in_the_last_bin(self) -> None:
        found, bins = numeric(np.array([1.0, np.nan, 2.0]), bins=2)
        assert bins == [0, found.bins - 1, 1]
        assert found.bins == 3

    def test_that_are_neighbouring_floats_are_told_apart(self) -> None:
        _, bins = numeric(np.array([1.0, np.nextafter(1.0, 2.0)]), bins=2)
        assert bins == [0, 1]

    def test_of_other_rows_find_a_bin_however_far_out(self) -> None:
        found, _ = numeric(np.array([1.0, 2.0]), bins=2)
        assert found(np.array([-1e100, 1e100])).tolist() == [0, 1]

    @given(values=COLUMN, bins=st.integers(2, binning.MAX_BINS))
    def test_keep_their_order(self, values: Floats, bins: int) -> None:
        found, place = numeric(values, bins)
        known = ~np.isnan(values)
        order = np.argsort(values[known])
        assert (np.diff(np.array(place)[known][order]) >= 0).all()
        assert found.bins <= bins + 1
        assert set(np.array(place)[known]) == set(range(found.bins - 1))


class TestCategories:
    def test_have_a_bin_each_from_the_most_frequent_down(self) -> None:
        rows = table(np.array([2.0, 0.0, 2.0, 1.0]), ("ant", "bee", "cow"))
        (found,) = binning.fit(rows, 32)
        assert found == Categorical("x", {"cow": 0, "ant": 1, "bee": 2})
        assert binning.encode([found], rows)[:, 0].tolist() == [0, 1, 0, 2]

    def test_that_are_rare_share_a_bin(self) -> None:
        rows = table(np.array([0.0, 0.0, 1.0, 2.0, 3.0]), ("a", "b", "c", "d"))
        (found,) = binning.fit(rows, 2)
        assert found == Categorical("x", {"a": 0, "b": 1, "c": 1, "d": 1})

    def test_never_seen_in_training_are_as_good_as_missing(self) -> None:
        (found,) = binning.fit(table(np.array([0.0, 1.0]), ("a", "b")), 32)
        later = table(np.array([0.0, 1.0, np.nan]), ("z", "b"))
        assert binning.encode([found], later)[:, 0].tolist() == [2, 1, 2]

    def test_that_no_training_row_has_are_not_remembered(self) -> None:
        (found,) = binning.fit(table(np.array([0.0, 2.0]), ("a", "b", "c")), 32)
        assert found == Categorical("x", {"a": 0, "c": 1})


class TestColumns:
    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ([7.0, 7.0], "column 'x' has one single value on all 2 aligned training rows"),
            ([np.nan, np.nan], "column 'x' is empty in all 2 aligned training rows"),
            ([], "column 'x' is empty in all 0 aligned training rows"),
        ],
    )
    def test_that_tell_nothing_are_refused(self, values: list[float], sentence: str) -> None:
        with pytest.raises(SpecError, match=sentence):
            binning.fit(table(np.array(values)), 32)

    def test_of_one_value_tell_something_where_some_are_missing(self) -> None:
        _, bins = numeric(np.array([7.0, np.nan, 7.0]), bins=32)
        assert bins == [0, 1, 0]

    def test_that_the_model_does_not_know_are_refused(self) -> None:
        with pytest.raises(SpecError, match="not the 1 that the model was trained on"):
            binning.encode([Numeric("age", [1.0])], table(np.array([1.0])))

    def test_may_be_none_at_all(self) -> None:
        labels_only = Table([b"a", b"b"], np.empty((2, 0)), ())
        assert binning.encode(binning.fit(labels_only, 32), labels_only).shape == (2, 0)

    def test_keep_their_bins_through_a_file(self) -> None:
        kept: list[Binning] = [Numeric("x", [0.1 + 0.2]), Categorical("y", {"a": 0, "b": 1})]
        assert msgspec.json.decode(msgspec.json.encode(kept), type=list[Binning]) == kept
