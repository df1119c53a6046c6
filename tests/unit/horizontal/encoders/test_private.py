"""Differential privacy, of samples at a child and of children at the master."""

import numpy as np
import pytest
from msgspec.structs import replace

from isthmus.core.errors import JobError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.horizontal.encoders.child import trainer, trainer_factory
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.master import training
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion import spec as rules
from isthmus.horizontal.fusion.mean_step import budget_is_spent
from isthmus.horizontal.fusion.spec import FusionRule
from isthmus.horizontal.parameters import Layout, digest
from isthmus.horizontal.privacy.spec import ChildLevel, Privacy, SampleLevel, SecureAggregation
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.rounds.memory import ChildMemory
from isthmus.horizontal.rounds.protocol import child
from isthmus.horizontal.rounds.training import Contribution, Fused, MaskedContribution, SecureSum
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.nn.spec import Network
from tests.federation import Federation, Role
from tests.learning import NETWORKS, RANGED, TABULAR, encoders, samples

TINY = 1e-6
"""Noise that a test does not see."""


def private(network: Network, asked: SampleLevel, objective: str = "labels") -> Encoders:
    training = LocalTraining(steps=3, batch=10, rate=0.1)
    privacy = Privacy(sample_level=asked)
    network = RANGED if network == TABULAR else network
    return encoders(network, objective=objective, training=training, privacy=privacy)


class TestAChild:
    @pytest.mark.parametrize("objective", ["labels", "reconstruction"])
    @pytest.mark.parametrize("network", NETWORKS)
    def test_trains_every_network_by_bounded_steps(self, network: Network, objective: str) -> None:
        # Nobody counts for more than the norm, so that a step is at most rate x norm long.
        spec = private(network, SampleLevel(noise=TINY, largest_norm=0.01), objective)
        start = initial(spec, 1)
        trained, _ = trainer(spec, samples(network), 1, "ada").train(start, 1)
        layout = Layout.of(start)
        length = np.linalg.norm(layout.to_vector(trained) - layout.to_vector(start))
        assert 0 < length <= 3 * 0.1 * 0.01 * 1.01

    def test_without_bounds_and_noise_trains_as_ever(self) -> None:
        # Ten of ten samples are in each batch, and their mean gradient is what it always is.
        spec = private(NETWORKS[0], SampleLevel(noise=TINY, largest_norm=1000.0))
        plain = encoders(RANGED, training=spec.training)
        start = initial(spec, 1)
        expected, _ = trainer(plain, samples(), 1, "ada").train(start, 1)
        found, _ = trainer(spec, samples(), 1, "ada").train(start, 1)
        for name, array in found.items():
            np.testing.assert_allclose(array, expected[name], atol=2e-3)

    def test_tells_what_it_has_spent_and_nothing_of_its_losses(self) -> None:
        spec = private(NETWORKS[0], SampleLevel(noise=2.0))
        taught = trainer(spec, samples(), 1, "ada")
        start = initial(spec, 1)
        (_, first), (_, second) = taught.train(start, 1), taught.train(start, 2)
        assert first.keys() == second.keys() == {"epsilon"}
        assert 0 < first["epsilon"] < second["epsilon"]

    def test_stops_before_it_passes_the_epsilon_of_the_job(self) -> None:
        free = trainer(private(NETWORKS[0], SampleLevel(noise=2.0)), samples(), 1, "ada")
        start = initial(encoders(), 1)
        limit = free.train(start, 1)[1]["epsilon"]
        spec = private(NETWORKS[0], SampleLevel(noise=2.0, epsilon=limit * 1.01))
        bound = trainer(spec, samples(), 1, "ada")
        assert digest(bound.train(start, 1)[0]) != digest(start)
        after, metrics = bound.train(start, 2)
        assert digest(after) == digest(start)
        assert metrics["epsilon"] == pytest.approx(limit)

    def test_that_cannot_afford_all_rounds_is_gone_on_without(self) -> None:
        # Of ten samples a batch takes all, of a thousand one in a hundred.
        asked = SampleLevel(noise=2.0, epsilon=3.0)
        spec = replace(private(NETWORKS[0], asked), rounds=Rounds(count=3, quorum=1))
        rows, told = {"ada": 1000, "bo": 10}, list[Event]()

        def role(name: str) -> Role:
            own = trainer_factory(spec, samples(rows=rows[name]), 1, name)
            return lambda line: child(line, "tabular", own, Telemetry(told.append), ChildMemory())

        federation = Federation.of({name: role(name) for name in rows})
        trained = federation.play(spec.rounds, training=training(spec, list(rows), 1))
        assert not federation.raised
        assert [list(it.taken) for it in trained.rounds] == [["ada"]] * 3
        why = "privacy budget too small for all rounds"
        assert trained.rounds[0].left_out == {"bo": f"declined: {why}"}
        assert [it.note for it in told if it.note] == [f"we do not train: {why}"]
        assert trained.holders == ("ada", "bo")

    def test_that_is_taken_up_again_still_trains(self) -> None:
        # What it spent before it was cut off is part of what the whole job may cost.
        alone = trainer(private(NETWORKS[0], SampleLevel(noise=2.0)), samples(), 1, "ada")
        start = initial(encoders(), 1)
        limit = [alone.train(start, number)[1]["epsilon"] for number in (1, 2)][-1]
        asked = SampleLevel(noise=2.0, epsilon=limit)
        spec = replace(private(NETWORKS[0], asked), rounds=Rounds(count=2))
        first = trainer_factory(spec, samples(), 1, "ada")("tabular")
        assert isinstance(first, LocalTrainer)
        first.train(start, 1)
        again = trainer_factory(spec, samples(), 1, "ada")("tabular")
        assert isinstance(again, LocalTrainer)
        again.state.update(first.state)
        assert digest(again.train(start, 2)[0]) != digest(start)

    def test_draws_noise_that_the_seed_of_the_job_does_not_tell(self) -> None:
        spec = private(NETWORKS[0], SampleLevel())
        start = initial(spec, 1)
        first, again = (trainer(spec, samples(), 1, "ada").train(start, 1)[0] for _ in range(2))
        assert digest(first) != digest(again)


def bounded(
    rule: FusionRule, asked: ChildLevel, secure: SecureAggregation | None = None
) -> Encoders:
    return encoders(fusion=rule, privacy=Privacy(child_level=asked, secure_aggregation=secure))


class TestAMaster:
    """Two children whose updates are 1 and -3 everywhere, the second too long."""

    asked = ChildLevel(noise=TINY, largest_norm=0.5)

    def taken(self, spec: Encoders) -> list[Contribution]:
        layout = Layout.of(initial(spec, 1))
        ones = np.ones(layout.size, np.float32)
        short, long = 0.5 * ones / layout.size**0.5, -30 * ones
        return [
            Contribution("ada", 30, layout.to_parameters(short), {}),
            Contribution("bo", 10, layout.to_parameters(long), {}),
        ]

    @pytest.mark.parametrize(
        ("rule", "weights"),
        [
            (rules.Count(), (0.75, 0.25)),
            (rules.Uniform(), (0.5, 0.5)),
            (rules.FedProx(), (0.75, 0.25)),
        ],
    )
    def test_scales_updates_down_before_it_fuses_them(
        self, rule: FusionRule, weights: tuple[float, float]
    ) -> None:
        spec = bounded(rule, self.asked)
        found = training(spec, ["ada", "bo"], 1)
        layout = Layout.of(found.initial)
        fused = found.fuse(found.initial, self.taken(spec), {})
        moved = layout.to_vector(fused.parameters) - layout.to_vector(found.initial)
        expected = (weights[0] - weights[1]) * 0.5 / layout.size**0.5
        np.testing.assert_allclose(moved, expected, atol=1e-5)
        assert tuple(fused.weights.values()) == weights

    def test_adds_noise_as_large_as_the_job_says(self) -> None:
        spec = bounded(rules.Uniform(), ChildLevel(noise=1000.0, largest_norm=0.5))
        found = training(spec, ["ada", "bo"], 1)
        layout = Layout.of(found.initial)
        fused = found.fuse(found.initial, self.taken(spec), {})
        moved = layout.to_vector(fused.parameters) - layout.to_vector(found.initial)
        assert moved.std() == pytest.approx(1000 * 0.5 * 0.5, rel=0.5)

    def test_adds_it_to_a_sum_as_well(self) -> None:
        secure = SecureAggregation(largest_norm=0.5)
        asked = ChildLevel(noise=1000.0, largest_norm=0.5)
        found = training(bounded(rules.Count(), asked, secure), ["ada", "bo"], 1)
        assert found.secure_rule is not None
        nothing = {name: np.zeros_like(it) for name, it in found.initial.items()}
        summed = SecureSum(nothing, {"ada": 0.5, "bo": 0.5}, [MaskedContribution("ada", 1, "", {})])
        layout = Layout.of(found.initial)
        fused = found.secure_rule.fuse(found.initial, summed, {})
        moved = layout.to_vector(fused.parameters) - layout.to_vector(found.initial)
        assert moved.std() == pytest.approx(1000 * 0.5 * 0.5, rel=0.5)

    def test_ends_training_before_it_passes_the_epsilon_of_the_job(self) -> None:
        asked = ChildLevel(noise=10.0, epsilon=1.0)
        spec = bounded(rules.Count(), asked)
        found = training(spec, ["ada", "bo"], 1)
        fused, rounds = Fused(found.initial), 0
        while not fused.done:
            fused = found.fuse(found.initial, self.taken(spec), fused.state)
            rounds += 1
        assert rounds > 1
        assert budget_is_spent(asked, rounds)
        assert not budget_is_spent(asked, rounds - 1)

    def test_says_where_not_even_one_round_is_allowed(self) -> None:
        asked = ChildLevel(noise=0.1, epsilon=0.1)
        with pytest.raises(JobError, match=r"within the epsilon 0.1 of the job"):
            training(bounded(rules.Count(), asked), ["ada", "bo"], 1)
