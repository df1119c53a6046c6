"""Which rows and codes a tree is grown on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import JobError
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import sampling
from tests.unit.vertical.boosting.small import book

GRADIENT = np.linspace(-1.0, 0.5, 100)


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestRows:
    def test_are_all_unless_the_job_says_otherwise(self) -> None:
        drawn = sampling.draw_rows(GRADIENT, Boosting(), chance())
        assert drawn.rows.tolist() == list(range(100))
        assert (drawn.factor == 1).all()

    def test_are_a_share_without_repetition(self) -> None:
        spec = Boosting(sampling="uniform", row_share=0.3)
        drawn = sampling.draw_rows(GRADIENT, spec, chance())
        assert len(drawn.rows) == 30
        assert (np.diff(drawn.rows) > 0).all()

    def test_of_a_forest_count_as_often_as_they_were_drawn(self) -> None:
        spec = Boosting(forest=True, row_share=0.8)
        drawn = sampling.draw_rows(GRADIENT, spec, chance())
        assert drawn.factor.sum() == 80
        assert drawn.factor.max() > 1
        assert (np.diff(drawn.rows) > 0).all()

    @given(seed=st.integers(0, 2**32))
    def test_of_goss_are_the_steepest_and_some_that_stand_for_the_rest(self, seed: int) -> None:
        spec = Boosting(sampling="goss", top_share=0.2, other_share=0.1)
        drawn = sampling.draw_rows(GRADIENT, spec, chance(seed))
        top = drawn.rows[drawn.factor == 1]
        assert len(drawn.rows) == 30
        assert set(top) == set(np.argsort(-np.abs(GRADIENT))[:20])
        assert drawn.factor.sum() == pytest.approx(100)

    def test_of_goss_sum_to_the_gradient_of_all_on_average(self) -> None:
        spec = Boosting(sampling="goss")
        draws = [sampling.draw_rows(GRADIENT, spec, chance(seed)) for seed in range(2000)]
        sums = [GRADIENT[drawn.rows] @ drawn.factor for drawn in draws]
        assert np.mean(sums) == pytest.approx(GRADIENT.sum(), abs=4 * np.std(sums) / 2000**0.5)

    def test_of_goss_are_drawn_by_chance_among_equals(self) -> None:
        spec = Boosting(sampling="goss", top_share=0.1, other_share=0.01)
        drawn = sampling.draw_rows(np.ones(1000), spec, chance())
        assert drawn.rows.mean() == pytest.approx(500, abs=120)

    @pytest.mark.parametrize(
        "spec",
        [
            Boosting(),
            Boosting(sampling="uniform", row_share=0.33),
            Boosting(sampling="goss", top_share=0.123, other_share=0.877),
            Boosting(sampling="goss", top_share=1e-9, other_share=1e-9),
        ],
        ids=["all", "uniform", "goss", "least goss"],
    )
    def test_are_as_many_as_reckoned_with(self, spec: Boosting) -> None:
        drawn = sampling.draw_rows(GRADIENT, spec, chance())
        assert len(drawn.rows) == sampling.tree_rows(100, spec)

    def test_of_a_forest_are_about_as_many_as_reckoned_with(self) -> None:
        spec = Boosting(forest=True, row_share=0.8)
        draws = [sampling.draw_rows(GRADIENT, spec, chance(seed)) for seed in range(200)]
        drawn = np.mean([len(each.rows) for each in draws])
        assert drawn == pytest.approx(sampling.tree_rows(100, spec), abs=1)


class TestCodes:
    def test_are_a_share_in_their_order(self) -> None:
        codes = sampling.draw_codes(book([3] * 10), Boosting(code_share=0.5), chance(), local=False)
        assert len(codes) == 5
        assert (np.diff(codes) > 0).all()

    def test_are_at_least_one(self) -> None:
        spec = Boosting(code_share=0.01)
        assert len(sampling.draw_codes(book([3, 3]), spec, chance(), local=False)) == 1

    def test_of_local_trees_are_the_active_partys(self) -> None:
        facts = book([3] * 4, owner=[1, 0, 2, 0])
        assert sampling.draw_codes(facts, Boosting(), chance(), local=True).tolist() == [1, 3]

    def test_of_local_trees_are_missed_where_the_active_party_has_none(self) -> None:
        with pytest.raises(JobError, match="Set it to 0"):
            sampling.draw_codes(book([3], owner=[1]), Boosting(), chance(), local=True)


class TestHoldOut:
    def test_keeps_back_a_share(self) -> None:
        assert sampling.hold_out(50, 0.2, chance()).sum() == 10
        assert sampling.hold_out(50, 0.0, chance()).sum() == 0
