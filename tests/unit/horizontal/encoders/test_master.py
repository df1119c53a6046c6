"""What a master lets its children train, and how it fuses what they send."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from isthmus.core.errors import JobError, SpecError
from isthmus.horizontal.actor_critic.modes import weigher
from isthmus.horizontal.encoders.child import trainer
from isthmus.horizontal.encoders.head import alone
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.master import training
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion import spec as rules
from isthmus.horizontal.fusion.rules import Gathered
from isthmus.horizontal.fusion.spec import FusionRule
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.validation_gradient import Logits
from isthmus.horizontal.fusion.weigher import Chosen, Judge
from isthmus.horizontal.parameters import Layout, digest
from isthmus.horizontal.privacy.spec import Privacy, SecureAggregation
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.rounds.training import (
    Contribution,
    Fused,
    MaskedContribution,
    SecureSum,
    Training,
)
from tests.learning import contribution, encoders, play, samples

CHILDREN = "ada", "bo", "cy", "dee", "eva"
SECURE = Privacy(secure_aggregation=SecureAggregation())


class Judging:
    """An actor-critic that prefers whoever scores best, and counts its rounds."""

    def start(self) -> State:
        return rounds_of(0)

    def choose(self, gathered: Gathered, judge: Judge, state: State) -> Chosen[State]:
        scores = judge(gathered.updates)
        weights = np.zeros(len(gathered.updates))
        weights[np.argmin(scores.loss)] = 1.0
        seen = int(state.arrays()["logits"][0])
        return Chosen(weights, rounds_of(seen + 1), {"loss": scores.loss})


def rounds_of(number: int) -> State:
    return Logits(np.array([float(number)]))


RULES: tuple[FusionRule, ...] = (
    rules.Count(),
    rules.Uniform(),
    rules.TouchMean(tables=("encoder.0.weight",)),
    rules.FedAvgM(),
    rules.FedAdam(),
    rules.FedYogi(),
    rules.FedProx(),
    rules.Scaffold(),
    rules.Median(),
    rules.TrimmedMean(faulty=1),
    rules.MultiKrum(faulty=1),
    rules.FLTrust(),
    rules.ValidationGradient(),
    rules.ActorCritic(),
)


def trained_by(rule: FusionRule, **changes: Any) -> Training:
    spec = encoders(fusion=rule, **changes)
    weigher = Judging() if isinstance(rule, rules.ActorCritic) else None
    return training(spec, CHILDREN, 1, samples(rows=8, seed=9), weigher)


def trainers(spec: Encoders) -> dict[str, LocalTrainer]:
    return {
        name: trainer(spec, samples(rows=5 + it, seed=it), 1, name)
        for it, name in enumerate(CHILDREN)
    }


class TestTraining:
    def test_begins_with_the_same_parameters_at_every_master(self) -> None:
        first, again = (training(encoders(), CHILDREN, 1) for _ in range(2))
        assert first.encoder == "tabular"
        assert digest(first.initial) == digest(again.initial)
        assert digest(first.initial) != digest(training(encoders(), CHILDREN, 2).initial)

    @pytest.mark.parametrize(
        "rule", [rules.FLTrust(), rules.ValidationGradient(), rules.ActorCritic()]
    )
    def test_that_needs_samples_of_the_master_says_so(self, rule: FusionRule) -> None:
        with pytest.raises(JobError, match="needs samples of the master's own"):
            training(encoders(fusion=rule), CHILDREN, 1)

    def test_without_its_actor_critic_is_refused(self) -> None:
        with pytest.raises(ValueError, match="actor-critic has to be given"):
            training(encoders(fusion=rules.ActorCritic()), CHILDREN, 1, samples())


class TestEveryRule:
    @pytest.mark.parametrize("rule", RULES)
    def test_fuses_what_children_send(self, rule: FusionRule) -> None:
        found = trained_by(rule)
        spec = encoders(fusion=rule)
        fused = play(found, trainers(spec), range(1, 3))
        assert Layout.of(fused.parameters) == Layout.of(found.initial)
        assert digest(fused.parameters) != digest(found.initial)
        assert not fused.weights or sum(fused.weights.values()) == pytest.approx(1)

    @pytest.mark.parametrize("rule", RULES)
    def test_goes_on_after_a_cut_to_the_same_bits(self, rule: FusionRule) -> None:
        spec = encoders(fusion=rule)
        whole = play(trained_by(rule), trainers(spec), range(1, 5))
        before = trainers(spec)
        half = play(trained_by(rule), before, range(1, 3))
        resumed = trainers(spec)
        for name, it in before.items():
            resumed[name].state.update(it.state)
        rest = play(trained_by(rule), resumed, range(3, 5), half.parameters, half.state)
        assert digest(rest.parameters) == digest(whole.parameters)
        assert rest.state.keys() == whole.state.keys()
        assert all(np.array_equal(rest.state[it], whole.state[it]) for it in whole.state)

    def test_does_not_go_on_from_the_state_of_another(self) -> None:
        half = play(trained_by(rules.FedAdam()), trainers(encoders()), range(1, 2))
        with pytest.raises(SpecError, match="holds no Momentum"):
            play(
                trained_by(rules.FedAvgM()),
                trainers(encoders()),
                range(2, 3),
                half.parameters,
                half.state,
            )


class TestCount:
    def test_is_the_mean_over_all_samples(self) -> None:
        found = training(encoders(), ["ada", "bo"], 1)
        layout = Layout.of(found.initial)
        ones, start = np.ones(layout.size, np.float32), layout.to_vector(found.initial)
        taken = [
            Contribution("ada", 30, layout.to_parameters(ones), {}),
            Contribution("bo", 10, layout.to_parameters(-3 * ones), {}),
        ]
        fused = found.fuse(found.initial, taken, {})
        assert fused.weights == {"ada": 0.75, "bo": 0.25}
        np.testing.assert_allclose(layout.to_vector(fused.parameters), start)  # .75 - .25 * 3 = 0

    def test_of_one_child_is_training_alone(self) -> None:
        spec = encoders()
        found = training(spec, ["ada"], 1)
        fused = play(found, {"ada": trainer(spec, samples(), 1, "ada")}, range(1, 6))
        expected = alone(spec, samples(), 1, "ada", rounds=5)
        for name, array in fused.parameters.items():
            np.testing.assert_allclose(array, expected[name], atol=1e-6)


class TestExamine:
    def refused(self, found: Training, child: str, samples: int, value: float) -> str:
        update = {name: np.full_like(it, value) for name, it in found.initial.items()}
        return found.examine(Contribution(child, samples, update, {}))

    def test_takes_what_the_job_allows(self) -> None:
        assert not self.refused(training(encoders(), CHILDREN, 1), "ada", 10, 0.1)

    def test_refuses_what_it_does_not(self) -> None:
        limits = rules.Limits(largest_count=20, largest_norm=5.0)
        found = training(encoders(limits=limits), CHILDREN, 1)
        assert "`largest_count` is 20" in self.refused(found, "ada", 21, 0.1)
        assert "`largest_norm` is 5" in self.refused(found, "ada", 10, 10.0)
        assert "not finite" in self.refused(found, "ada", 10, np.nan)
        assert "not one of the children" in self.refused(found, "eve", 10, 0.1)

    def test_looks_at_a_change_of_control_as_well(self) -> None:
        limits = rules.Limits(largest_norm=5.0)
        found = training(encoders(limits=limits, fusion=rules.Scaffold()), CHILDREN, 1)
        update = {
            name: np.full_like(it, 10.0 if name.startswith("control.") else 0.0)
            for name, it in found.initial.items()
        }
        assert "`largest_norm`" in found.examine(Contribution("ada", 10, update, {}))


class TestActorCritic:
    def test_sees_the_scores_of_each_update_on_the_masters_samples(self) -> None:
        rule = rules.ActorCritic()
        found, taught = trained_by(rule), trainers(encoders(fusion=rule))
        taken = [contribution(it, taught[it], found.initial, 1) for it in CHILDREN]
        fused = found.fuse(found.initial, taken, {})
        best = min(CHILDREN, key=lambda it: fused.evidence[it]["loss"])
        assert fused.weights[best] == 1

    def test_remembers(self) -> None:
        rule = rules.ActorCritic()
        fused = play(trained_by(rule), trainers(encoders(fusion=rule)), range(1, 4))
        assert fused.state["weigher.logits"].tolist() == [3]


class TestBlindFusion:
    """A master that sees sums makes of them what it would make of the updates."""

    def sums(self, rule: FusionRule) -> Fused:
        spec = encoders(fusion=rule, privacy=SECURE)
        found, taught = training(spec, CHILDREN, 1), trainers(spec)
        secure_rule = found.secure_rule
        assert secure_rule is not None
        fused = Fused(found.initial)
        for number in (1, 2):
            taken = [contribution(it, taught[it], fused.parameters, number) for it in CHILDREN]
            counts = {it.child: it.samples for it in taken}
            weights = secure_rule.weigh(counts, fused.state)
            fused = secure_rule.fuse(fused.parameters, summed(taken, weights), fused.state)
        return fused

    @pytest.mark.parametrize(
        "rule", [rules.Count(), rules.Uniform(), rules.FedAvgM(), rules.FedAdam(), rules.FedYogi()]
    )
    def test_equals_open_fusion(self, rule: FusionRule) -> None:
        spec = encoders(fusion=rule)
        expected = play(training(spec, CHILDREN, 1), trainers(spec), range(1, 3))
        found = self.sums(rule)
        assert found.weights == pytest.approx(expected.weights)
        for name, array in expected.parameters.items():
            np.testing.assert_allclose(found.parameters[name], array, atol=1e-6)

    def test_lets_an_actor_critic_plan_weights_and_learn_from_their_sum(self) -> None:
        rule = rules.ActorCritic(mode="sum_only", caps=rules.WeightCaps())
        spec = encoders(fusion=rule, privacy=SECURE)
        planner = weigher(rule, len(CHILDREN), 1)
        found, taught = training(spec, CHILDREN, 1, samples(seed=9), planner), trainers(spec)
        assert found.secure_rule is not None
        taken = [contribution(it, taught[it], found.initial, 1) for it in CHILDREN]
        counts = {it.child: it.samples for it in taken}
        weights = found.secure_rule.weigh(counts, {})
        assert weights == found.secure_rule.weigh(counts, {})
        assert sum(weights.values()) == pytest.approx(1)
        assert max(weights.values()) <= 0.3
        first = found.secure_rule.fuse(found.initial, summed(taken, weights), {})
        again = found.secure_rule.fuse(found.initial, summed(taken, weights), {})
        assert first.state.keys() == again.state.keys()
        assert all(np.array_equal(first.state[it], again.state[it]) for it in first.state)
        assert any(name.startswith("weigher.") for name in first.state)

    def test_is_there_only_where_the_job_asks_for_it(self) -> None:
        assert training(encoders(), CHILDREN, 1).secure_rule is None


def summed(taken: list[Contribution], weights: Mapping[str, float]) -> SecureSum:
    update = {
        name: np.einsum("i,i...->...", list(weights.values()), [it.update[name] for it in taken])
        for name in taken[0].update
    }
    single = {name: it.astype(np.float32) for name, it in update.items()}
    return SecureSum(
        single, weights, [MaskedContribution(it.child, it.samples, "", {}) for it in taken]
    )


def test_initial_parameters_are_those_of_the_learner() -> None:
    assert digest(training(encoders(), CHILDREN, 5).initial) == digest(initial(encoders(), 5))
