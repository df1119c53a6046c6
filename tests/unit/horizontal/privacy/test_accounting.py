"""How much privacy noise has cost."""

import math

import pytest
from opacus.accountants import RDPAccountant

from isthmus.core.arrays import Floats
from isthmus.horizontal.privacy.accounting import (
    NOTHING_SPENT,
    affordable,
    epsilon,
    spend,
    spent_by_master,
)
from isthmus.horizontal.privacy.spec import ChildLevel, SampleLevel


def spent(noise: float, rate: float, steps: int) -> Floats:
    return spend(NOTHING_SPENT, noise, rate, steps)


class TestEpsilon:
    def test_of_nothing_is_nothing(self) -> None:
        assert epsilon(NOTHING_SPENT, 1e-5) == 0.0

    def test_of_noise_on_everything_is_within_the_closed_form(self) -> None:
        # Renyi divergence of order a is a / (2 noise^2) per step; best a of Mironov 2017, prop. 3.
        noise, steps, delta = 4.0, 10, 1e-5
        rho = steps / (2 * noise**2)
        closed = rho + 2 * math.sqrt(rho * math.log(1 / delta))
        assert 0.8 * closed < epsilon(spent(noise, 1.0, steps), delta) <= closed

    @pytest.mark.filterwarnings("ignore:Optimal order")
    def test_of_batches_is_no_more_than_opacus_says_and_close(self) -> None:
        theirs = RDPAccountant()
        theirs.history = [(1.1, 0.02, 500)]
        ours = epsilon(spent(1.1, 0.02, 500), 1e-5)
        assert ours == pytest.approx(theirs.get_epsilon(1e-5), rel=0.01)

    def test_grows_with_steps_and_falls_with_noise(self) -> None:
        assert epsilon(spent(1.0, 0.1, 10), 1e-5) < epsilon(spent(1.0, 0.1, 20), 1e-5)
        assert epsilon(spent(2.0, 0.1, 10), 1e-5) < epsilon(spent(1.0, 0.1, 10), 1e-5)


class TestSpend:
    def test_counts_equal_steps_together(self) -> None:
        both = spend(spend(NOTHING_SPENT, 1.0, 0.1, 3), 1.0, 0.1, 4)
        assert both.tolist() == [[1.0, 0.1, 7.0]]

    def test_adds_up_steps_of_different_kinds(self) -> None:
        both = spend(spent(1.0, 0.1, 3), 2.0, 0.1, 4)
        assert both.tolist() == [[1.0, 0.1, 3.0], [2.0, 0.1, 4.0]]
        assert epsilon(both, 1e-5) > epsilon(spent(1.0, 0.1, 3), 1e-5)

    def test_by_a_master_is_one_step_a_round_that_every_child_may_be_in(self) -> None:
        assert spent_by_master(ChildLevel(noise=2.0), 7).tolist() == [[2.0, 1.0, 7.0]]


class TestAffordable:
    def test_is_all_where_the_job_sets_no_limit(self) -> None:
        assert affordable(NOTHING_SPENT, ChildLevel(), 1.0, 1000) == 1000

    @pytest.mark.parametrize("limit", [3.0, 4.0, 8.0])
    def test_is_as_much_as_stays_within_the_limit(self, limit: float) -> None:
        asked = SampleLevel(noise=1.0, epsilon=limit)
        before = spent(1.0, 0.05, 20)
        most = affordable(before, asked, 0.05, 100_000)
        assert 0 < most < 100_000
        assert epsilon(spend(before, 1.0, 0.05, most), 1e-5) <= limit
        assert epsilon(spend(before, 1.0, 0.05, most + 1), 1e-5) > limit

    def test_is_nothing_once_the_limit_is_passed(self) -> None:
        asked = ChildLevel(noise=0.5, epsilon=1.0)
        assert affordable(NOTHING_SPENT, asked, 1.0, 10) == 0
