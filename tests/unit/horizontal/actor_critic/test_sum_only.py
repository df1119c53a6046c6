import numpy as np
import pytest

from isthmus.core.errors import JobError
from isthmus.horizontal.actor_critic.sum_only import SumOnly
from isthmus.horizontal.fusion.averages import weighted_sum
from isthmus.horizontal.fusion.spec import ActorCritic, WeightCaps
from tests.unit.horizontal.actor_critic.rounds import gathered, judge

COUNTS = np.array([10, 20, 0, 30, 20, 20])
CAPS = WeightCaps(largest=0.4, effective_children=3)
CAPPED = ActorCritic(mode="sum_only", caps=CAPS)


class TestPlan:
    def test_gives_weight_to_who_takes_part_alone(self) -> None:
        planner = SumOnly(CAPPED, 6, 1)
        weights = planner.plan(COUNTS, planner.start())
        assert weights[2] == 0
        assert (np.delete(weights, 2) > 0).all()
        assert weights.sum() == pytest.approx(1)

    def test_is_the_same_again_for_the_same(self) -> None:
        planner = SumOnly(CAPPED, 6, 1)
        first, second = (planner.plan(COUNTS, planner.start()).tobytes() for _ in range(2))
        assert first == second

    def test_differs_from_round_to_round_so_that_there_is_something_to_learn(self) -> None:
        planner = SumOnly(ActorCritic(mode="sum_only"), 6, 1)
        state, seen = planner.start(), set[bytes]()
        for number in range(6):
            weights = planner.plan(np.full(6, 10), state)
            fused = weighted_sum(gathered(number).updates, weights)
            state = planner.learn(weights, fused, judge, state)
            seen.add(weights.tobytes())
        assert len(seen) > 3

    def test_refuses_fewer_children_than_the_caps_need(self) -> None:
        planner = SumOnly(CAPPED, 6, 1)
        with pytest.raises(JobError, match=r"2 children .* need 3"):
            planner.plan(np.array([1, 1, 0, 0, 0, 0]), planner.start())


class TestLearn:
    def test_sees_the_sum_and_nothing_else(self) -> None:
        # As with secure aggregation: the updates go into the sum, the master gets that.
        rule = ActorCritic(mode="sum_only")
        masked, plain = SumOnly(rule, 6, 1), SumOnly(rule, 6, 1)
        state, other = masked.start(), plain.start()
        for number in range(10):
            brought = gathered(number, flipped=[0])
            weights = masked.plan(np.full(6, 10), state)
            fused = weighted_sum(brought.updates, weights)
            state = masked.learn(weights, fused, judge, state)
            chosen = plain.choose(brought, judge, other)
            other = chosen.state
            assert chosen.weights == pytest.approx(weights)
        assert state.rewarded == pytest.approx(other.rewarded)

    def test_goes_on_where_children_drop_out_of_a_sum(self) -> None:
        planner = SumOnly(CAPPED, 6, 1)
        left = np.array([0.5, 0.5, 0, 0, 0, 0])
        state = planner.learn(left, gathered(0).updates[0], judge, planner.start())
        assert np.isfinite(planner.plan(COUNTS, state)).all()
