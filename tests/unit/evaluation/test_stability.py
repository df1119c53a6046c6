"""Whether rows to score are like those that were trained on."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.evaluation.stability import (
    groups,
    of_columns,
    population_stability,
    sampling_noise,
    shift,
)
from isthmus.evaluation.validation import FAR, Groups

values = st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=1, max_size=20).map(np.array)


class TestPopulationStability:
    def test_is_nothing_for_the_same_rows(self) -> None:
        rows = np.random.default_rng(0).normal(size=500)
        assert population_stability(rows, rows) == pytest.approx(0.0)

    def test_is_that_of_the_formula(self) -> None:
        trained = np.repeat([0.0, 1.0], [600, 400])
        scored = np.repeat([0.0, 1.0], [300, 700])
        found = population_stability(trained, scored, categorical=True)
        assert found == pytest.approx(0.3 * np.log(0.6 / 0.3) + 0.3 * np.log(0.7 / 0.4), rel=0.01)

    def test_is_far_for_rows_of_another_kind(self) -> None:
        chance = np.random.default_rng(0)
        assert population_stability(chance.normal(size=999), 1 + chance.normal(size=999)) > FAR

    def test_sees_cells_that_are_empty_and_categories_that_are_new(self) -> None:
        rows = np.arange(100.0) % 4
        assert population_stability(rows, np.where(rows == 3, np.nan, rows)) > FAR
        assert population_stability(rows, rows + (rows == 3), categorical=True) > FAR

    def test_is_about_what_chance_brings_for_rows_of_the_same_kind(self) -> None:
        chance = np.random.default_rng(0)
        found = [
            population_stability(chance.normal(size=800), chance.normal(size=200))
            for _ in range(200)
        ]
        assert np.mean(found) == pytest.approx(sampling_noise(800, 200), rel=0.2)

    @given(values, values, st.booleans())
    def test_is_a_number_for_all_shapes(
        self,
        trained: np.ndarray,
        scored: np.ndarray,
        categorical: bool,  # noqa: FBT001 - hypothesis gives it
    ) -> None:
        found = population_stability(trained, scored, categorical=categorical)
        assert np.isfinite(found)
        assert found >= -1e-12

    def test_needs_rows_on_both_sides(self) -> None:
        with pytest.raises(SpecError, match="3 rows were trained on and 0 are scored"):
            population_stability(np.arange(3.0), np.empty(0))


class TestShift:
    @pytest.mark.parametrize("categorical", [False, True])
    def test_of_stored_groups_is_that_of_the_rows_to_the_last_digit(
        self,
        categorical: bool,  # noqa: FBT001 - pytest gives it
    ) -> None:
        chance = np.random.default_rng(0)
        trained, scored = chance.normal(size=500).round(1), 0.3 + chance.normal(size=300).round(1)
        trained[:20] = np.nan
        found = groups(trained, categorical=categorical)
        stored = msgspec.json.decode(msgspec.json.encode(found), type=Groups)
        at_once = population_stability(trained, scored, categorical=categorical)
        assert shift(stored, scored) == at_once


class TestOfColumns:
    def test_takes_columns_by_their_names(self) -> None:
        rows = np.random.default_rng(0).normal(size=(400, 2)) * [1.0, 50.0]
        before = {"age": groups(rows[:, 0]), "income": groups(rows[:, 1])}
        turned = of_columns(before, ["income", "age"], rows[:, ::-1])
        assert turned == {"age": pytest.approx(0.0), "income": pytest.approx(0.0)}

    def test_names_the_column_that_moved_most_first(self) -> None:
        trained = np.random.default_rng(0).normal(size=(400, 2))
        scored = trained + np.array([0.0, 2.0])
        before = {"age": groups(trained[:, 0]), "income": groups(trained[:, 1])}
        found = of_columns(before, ["age", "income"], scored)
        assert list(found) == ["income", "age"]
        assert found["age"] == pytest.approx(0.0)
