from dataclasses import replace

import numpy as np
import pytest

from isthmus.horizontal.actor_critic.candidates import scored
from isthmus.horizontal.actor_critic.residual import Residual
from isthmus.horizontal.fusion.averages import count_weights
from isthmus.horizontal.fusion.spec import ActorCritic
from isthmus.horizontal.fusion.weigher import Scores
from isthmus.horizontal.parameters import Updates
from tests.unit.horizontal.actor_critic.rounds import TARGET, gathered, judge


def loss(weights: np.ndarray, updates: Updates) -> float:
    return float(judge((weights @ updates).astype(np.float32)[None]).loss[0])


class TestResidual:
    def test_keeps_weights_by_sample_count_where_nothing_is_to_be_gained(self) -> None:
        same = replace(gathered(0), updates=np.tile(TARGET, (6, 1)), counts=np.arange(1, 7))
        chooses = Residual(ActorCritic(), 6, 1)
        chosen = chooses.choose(same, judge, chooses.start())
        assert chosen.weights == pytest.approx(np.arange(1, 7) / 21)

    def test_is_never_worse_than_weights_by_sample_count_on_the_masters_samples(self) -> None:
        chooses = Residual(ActorCritic(), 6, 1)
        state = chooses.start()
        for number in range(10):
            brought = gathered(number, flipped=[number % 3])
            chosen = chooses.choose(brought, judge, state)
            state = chosen.state
            assert brought.counts is not None
            by_count = loss(count_weights(brought.counts), brought.updates)
            assert loss(chosen.weights, brought.updates) <= by_count

    def test_hardly_counts_half_of_the_children_that_turn_their_sign(self) -> None:
        chooses = Residual(ActorCritic(), 6, 1)
        state = chooses.start()
        for number in range(15):
            chosen = chooses.choose(gathered(number, flipped=[0, 2, 4]), judge, state)
            state = chosen.state
        assert chosen.weights[[0, 2, 4]].sum() < 0.05

    def test_sees_who_turns_its_sign(self) -> None:
        chooses = Residual(ActorCritic(), 6, 1)
        evidence = chooses.choose(gathered(0, flipped=[3]), judge, chooses.start()).evidence
        assert np.flatnonzero(evidence["cosine"] < 0).tolist() == [3]
        assert np.flatnonzero(evidence["loss_change"] > 0).tolist() == [3]

    def test_knows_at_once_a_newcomer_that_does_what_others_did(self) -> None:
        # The network sees what a child does, not who it is.
        chooses = Residual(ActorCritic(), 7, 1)
        state = chooses.start()
        for number in range(40):
            state = chooses.choose(gathered(number, flipped=[0, 1]), judge, state).state
        both = gathered(41, flipped=[0, 6], children=7)
        known = chooses.choose(both, judge, state)
        strange = chooses.choose(both, judge, chooses.start())
        assert known.weights[6] < strange.weights[6]

    def test_remembers_a_child_that_misses_rounds(self) -> None:
        chooses = Residual(ActorCritic(), 6, 1)
        state = chooses.choose(gathered(0, flipped=[0]), judge, chooses.start()).state
        before = state.arrays()["moves"][0]
        here = np.arange(1, 6)
        whole = gathered(1)
        few = replace(whole, updates=whole.updates[here], children=here, counts=np.full(5, 10))
        state = chooses.choose(few, judge, state).state
        assert state.arrays()["moves"][0] == before


class TestScored:
    def test_judges_each_fused_update(self) -> None:
        updates = gathered(0).updates
        weights = np.random.default_rng(0).dirichlet(np.ones(6), 5)
        found = scored(judge, updates, weights)
        assert found.loss == pytest.approx([loss(it, updates) for it in weights])

    def test_judges_few_at_once_where_updates_are_large(self) -> None:
        sizes = list[int]()

        def counted(updates: Updates) -> Scores:
            sizes.append(len(updates))
            return judge(updates[:, :4])

        large = np.zeros((2, 2**25), np.float32)
        large[:, :4] = gathered(0).updates[:2]
        found = scored(counted, large, np.random.default_rng(0).dirichlet(np.ones(2), 3))
        assert sizes == [2, 1]
        assert len(found.loss) == 3
