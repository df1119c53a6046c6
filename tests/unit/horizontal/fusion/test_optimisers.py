"""Steps of the master's optimisers, worked out by hand for one parameter."""

import numpy as np
import pytest

from isthmus.horizontal.fusion import optimisers
from isthmus.horizontal.fusion.optimisers import Moments, Momentum
from isthmus.horizontal.fusion.spec import FedAdam, FedAvgM, FedYogi
from isthmus.horizontal.parameters import Vector


def vector(*values: float) -> Vector:
    return np.array(values, np.float32)


class TestFedAvgM:
    def test_adds_up_rounds_with_older_ones_less(self) -> None:
        rule = FedAvgM(step=0.5, momentum=0.5)
        first, state = optimisers.fedavgm(vector(8), optimisers.no_momentum(1), rule)
        second, state = optimisers.fedavgm(vector(4), state, rule)
        assert (first, second) == (vector(4), vector(4))  # half of 8, half of 8 / 2 + 4
        assert state.momentum == vector(8)

    def test_without_momentum_is_the_mean(self) -> None:
        update, _ = optimisers.fedavgm(vector(3, -2), Momentum(vector(7, 7)), FedAvgM(momentum=0.0))
        assert update.tolist() == [3, -2]


class TestFedAdam:
    def test_divides_the_running_mean_by_the_root_of_the_running_square(self) -> None:
        rule = FedAdam(step=2, first_decay=0.5, second_decay=0.75, adaptivity=1)
        # first = .5 * 2 + .5 * 6 = 4; second = .75 * 0 + .25 * 36 = 9; 2 * 4 / (3 + 1) = 2.
        update, state = optimisers.fedadam(vector(6), Moments(vector(2), vector(0)), rule)
        assert (update, state.first, state.second) == (vector(2), vector(4), vector(9))

    def test_starts_from_the_square_of_the_adaptivity(self) -> None:
        assert optimisers.first_moments(1, 0.5).second == vector(0.25)

    def test_does_not_move_where_no_child_does(self) -> None:
        update, _ = optimisers.fedadam(vector(0), optimisers.first_moments(1, 1e-3), FedAdam())
        assert update == vector(0)


class TestFedYogi:
    rule = FedYogi(step=2, first_decay=0.5, second_decay=0.75, adaptivity=1)

    def test_adds_a_share_of_a_larger_square(self) -> None:
        # second = 0 - .25 * 36 * sign(0 - 36) = 9, and so the step is that of Adam.
        update, state = optimisers.fedyogi(vector(6), Moments(vector(2), vector(0)), self.rule)
        assert (update, state.second) == (vector(2), vector(9))

    def test_takes_away_a_share_of_a_smaller_square_whatever_it_was(self) -> None:
        # second = 100 - .25 * 36 = 91, where Adam has .75 * 100 + 9 = 84.
        _, state = optimisers.fedyogi(vector(6), Moments(vector(2), vector(100)), self.rule)
        assert state.second == vector(91)


class TestState:
    @pytest.mark.parametrize("rounds", [1, 5])
    def test_keeps_single_precision_and_stays_positive(self, rounds: int) -> None:
        state = optimisers.first_moments(3, 1e-3)
        for _ in range(rounds):
            update, state = optimisers.fedyogi(vector(1e-4, 0, -1e3), state, FedYogi())
            assert {update.dtype, state.first.dtype, state.second.dtype} == {np.dtype(np.float32)}
            assert (state.second > 0).all()
            assert np.isfinite(update).all()
