"""Weight of evidence: bins with rows enough, their weights, and information values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.preparation import evidence
from isthmus.vertical.preparation.columns import Evidence
from isthmus.vertical.preparation.evidence import Edges
from isthmus.vertical.preparation.spec import WeightOfEvidence

NAN = np.nan


def table(values: Floats, categories: tuple[str, ...] = ()) -> Table:
    named = {"x": categories} if categories else {}
    rows = [b"%d" % row for row in range(len(values))]
    return Table(rows, values[:, None], ("x",), categories=named)


def weighed(
    values: Floats,
    label: Floats,
    spec: WeightOfEvidence,
    edges: Edges | None = None,
    categories: tuple[str, ...] = (),
) -> Evidence:
    (grouped,) = evidence.group(table(values, categories), spec, edges or {})
    (events,) = evidence.label_sums([grouped], label)
    return evidence.weigh(grouped, events, spec)


def alternating(rows: int) -> Floats:
    return np.arange(float(rows)) % 2


class TestWeights:
    """Of 8 rows below 0 one is an event, of 4 above 0 three are."""

    VALUES = np.array([-1.0] * 8 + [1.0] * 4)
    LABEL = np.array([1.0] + [0.0] * 7 + [1.0] * 3 + [0.0])
    SPEC = WeightOfEvidence(bins=2, least_rows=4, smoothing=1e-9)

    def test_are_logarithms_of_the_ratio_of_shares(self) -> None:
        found = weighed(self.VALUES, self.LABEL, self.SPEC)
        assert found.weights == pytest.approx(
            [np.log((1 / 4) / (7 / 8)), np.log((3 / 4) / (1 / 8))]
        )
        assert (found.rows, found.events) == ([8, 4], [1, 3])

    def test_information_is_the_sum_of_differences_of_shares_times_weights(self) -> None:
        found = weighed(self.VALUES, self.LABEL, self.SPEC)
        expected = (1 / 4 - 7 / 8) * found.weights[0] + (3 / 4 - 1 / 8) * found.weights[1]
        assert found.information == pytest.approx(expected)

    def test_are_finite_where_a_bin_has_no_event(self) -> None:
        spec = WeightOfEvidence(bins=2, least_rows=4)
        found = weighed(self.VALUES, np.array([0.0] * 8 + [1.0] * 4), spec)
        assert np.isfinite(found.weights).all()
        assert found.weights[0] < 0 < found.weights[1]

    def test_stand_in_the_place_of_values_in_training_and_later(self) -> None:
        found = weighed(self.VALUES, self.LABEL, self.SPEC)
        assert found(np.array([-9.0, 0.5, NAN]), ()).tolist() == [
            found.weights[0],
            found.weights[1],
            found.weights[0],  # no training row was empty: the largest bin
        ]


class TestBins:
    def test_end_where_the_data_set_says(self) -> None:
        values = np.arange(20.0)
        found = weighed(
            values, values % 2, WeightOfEvidence(bins=4, least_rows=2), {"x": (2.0, 9.0)}
        )
        assert found.rows == [3, 7, 10]

    def test_beyond_those_of_the_job_are_refused(self) -> None:
        values = np.arange(20.0)
        spec = WeightOfEvidence(bins=2, least_rows=2)
        with pytest.raises(SpecError, match="has 2 `edges` in your party file, which make 3 bins"):
            weighed(values, values % 2, spec, {"x": (2.0, 9.0)})

    def test_of_empty_cells_are_one_of_their_own_where_they_are_enough(self) -> None:
        values = np.concatenate([np.arange(20.0), np.full(5, NAN)])
        found = weighed(values, alternating(25), WeightOfEvidence(bins=2, least_rows=5))
        assert found.rows == [10, 10, 5]

    def test_of_few_empty_cells_join_the_largest(self) -> None:
        values = np.concatenate([np.arange(20.0), np.full(4, NAN)])
        found = weighed(values, alternating(24), WeightOfEvidence(bins=2, least_rows=5))
        assert found.rows == [14, 10]

    def test_of_categories_join_where_they_are_rare(self) -> None:
        values = np.repeat([0.0, 1.0, 2.0, 3.0], [10, 6, 2, 2])
        spec = WeightOfEvidence(bins=10, least_rows=4)
        found = weighed(values, alternating(20), spec, None, ("a", "b", "c", "d"))
        assert found.rows == [10, 6, 4]
        assert evidence.bins_in_words(found) == ["a or empty or unknown", "b", "c or d"]

    def test_in_words_are_ranges(self) -> None:
        values = np.concatenate([np.arange(20.0), np.full(5, NAN)])
        found = weighed(values, alternating(25), WeightOfEvidence(bins=2, least_rows=5))
        assert evidence.bins_in_words(found) == ["up to 9.5", "over 9.5", "empty"]

    def test_that_were_joined_are_one_range_in_words(self) -> None:
        values = np.arange(20.0)
        spec = WeightOfEvidence(bins=4, least_rows=5)
        found = weighed(values, alternating(20), spec, {"x": (9.5, 17.5)})
        assert found.rows == [10, 10]
        assert evidence.bins_in_words(found) == ["up to 9.5 or empty", "over 9.5"]

    def test_are_two_at_least(self) -> None:
        values = np.concatenate([np.zeros(20), np.ones(3)])
        with pytest.raises(
            SpecError, match="column 'x' has no two bins of 5 aligned training rows"
        ):
            weighed(values, alternating(23), WeightOfEvidence(bins=2, least_rows=5))

    @given(
        st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, NAN]), min_size=30, max_size=80),
        st.integers(1, 15),
        st.integers(2, 6),
    )
    def test_hold_enough_rows_whatever_the_values(
        self, cells: list[float], least: int, bins: int
    ) -> None:
        values = np.array(cells)
        spec = WeightOfEvidence(bins=bins, least_rows=least)
        try:
            found = weighed(values, alternating(len(values)), spec)
        except SpecError:
            return
        assert min(found.rows) >= least
        assert sum(found.rows) == len(values)
        assert 2 <= len(found.rows) <= bins + 1
