"""How a child trains on its own samples."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.encoders.child import trainer, trainer_factory
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.fusion.scaffold_controls import split_control, with_control
from isthmus.horizontal.fusion.spec import Count, FedProx, Scaffold
from isthmus.horizontal.parameters import Layout, Parameters, Vector, digest
from isthmus.horizontal.privacy import accounting
from isthmus.horizontal.privacy.spec import Privacy, SampleLevel
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.nn.spec import Network, type_of
from tests.learning import NETWORKS, RANGED, encoders, samples


def vector(parameters: Parameters) -> Vector:
    return Layout.of(parameters).to_vector(parameters)


def controlled(start: Parameters, value: float) -> Parameters:
    return with_control(start, np.full(Layout.of(start).size, value, np.float32))


class TestTrainerFactory:
    def test_declines_a_type_that_the_job_does_not_name(self) -> None:
        assert trainer_factory(encoders(), samples(), 1, "ada")("image") == "type not known"

    def test_declines_without_samples_of_the_type(self) -> None:
        assert trainer_factory(encoders(), None, 1, "ada")("tabular") == "no samples of this type"
        other = samples(NETWORKS[1])
        assert trainer_factory(encoders(), other, 1, "ada")("tabular") == "no samples of this type"

    def test_declines_with_fewer_samples_than_the_job_wants(self) -> None:
        spec = encoders(least_samples=11)
        assert trainer_factory(spec, samples(rows=10), 1, "ada")("tabular") == "too few samples"

    def test_declines_where_its_privacy_budget_ends_before_the_rounds(self) -> None:
        # Three steps a round: the budget is what twelve of them cost.
        spent = accounting.spend(accounting.NOTHING_SPENT, noise=2.0, rate=0.4, steps=12)
        asked = SampleLevel(noise=2.0, epsilon=accounting.epsilon(spent, SampleLevel().delta))
        four, five = (
            encoders(RANGED, privacy=Privacy(sample_level=asked), rounds=Rounds(count=count))
            for count in (4, 5)
        )
        assert isinstance(
            trainer_factory(four, samples(rows=10), 1, "ada")("tabular"), LocalTrainer
        )
        found = trainer_factory(five, samples(rows=10), 1, "ada")("tabular")
        assert found == "privacy budget too small for all rounds"

    def test_trains_whatever_it_costs_where_the_job_sets_no_budget(self) -> None:
        asked = SampleLevel(noise=0.01)
        spec = encoders(RANGED, privacy=Privacy(sample_level=asked), rounds=Rounds(count=100_000))
        assert isinstance(trainer_factory(spec, samples(), 1, "ada")("tabular"), LocalTrainer)

    @pytest.mark.parametrize("network", NETWORKS)
    def test_confirms_with_the_number_of_samples(self, network: Network) -> None:
        found = trainer_factory(encoders(network), samples(network), 1, "ada")(type_of(network))
        assert isinstance(found, LocalTrainer)
        assert found.samples == 10
        assert found.layout == Layout.of(initial(encoders(network), 1))

    def test_says_what_is_wrong_with_samples_of_the_type(self) -> None:
        unlabelled = replace(samples(), labels=None)
        with pytest.raises(SpecError, match="no labels"):
            trainer_factory(encoders(), unlabelled, 1, "ada")("tabular")


class TestARound:
    @pytest.mark.parametrize("network", NETWORKS)
    @pytest.mark.parametrize("objective", ["reconstruction", "contrastive", "labels"])
    def test_gives_the_same_numbers_again(self, network: Network, objective: str) -> None:
        spec = encoders(network, objective=objective)
        start = initial(spec, 1)
        first = trainer(spec, samples(network), 1, "ada")
        first.train(start, 1)  # another round leaves nothing behind
        again = trainer(spec, samples(network), 1, "ada")
        assert digest(first.train(start, 2)[0]) == digest(again.train(start, 2)[0])

    def test_differs_by_seed_party_and_number(self) -> None:
        spec = encoders()
        start = initial(spec, 1)
        found = {
            digest(trainer(spec, samples(), seed, party).train(start, number)[0])
            for seed, party, number in ((1, "ada", 1), (2, "ada", 1), (1, "bo", 1), (1, "ada", 2))
        }
        assert len(found) == 4

    def test_leaves_the_received_parameters_as_they_are(self) -> None:
        start = initial(encoders(), 1)
        before = digest(start)
        trainer(encoders(), samples(), 1, "ada").train(start, 1)
        assert digest(start) == before

    def test_tells_its_loss(self) -> None:
        _, metrics = trainer(encoders(), samples(), 1, "ada").train(initial(encoders(), 1), 1)
        assert metrics.keys() == {"loss", "first_loss"}


class TestFedProx:
    def trained(self, fusion: Count | FedProx) -> Vector:
        spec = encoders(fusion=fusion, training=LocalTraining(steps=20, batch=10))
        start = initial(spec, 1)
        return vector(trainer(spec, samples(), 1, "ada").train(start, 1)[0]) - vector(start)

    def test_stays_nearer_to_where_the_round_started(self) -> None:
        free, held = self.trained(Count()), self.trained(FedProx(proximal=5.0))
        assert np.linalg.norm(held) < 0.6 * np.linalg.norm(free)

    def test_does_not_change_the_first_step(self) -> None:
        # There is nothing to pull back before it.
        spec = encoders(training=LocalTraining(steps=1, batch=4))
        held = encoders(training=spec.training, fusion=FedProx(proximal=5.0))
        start = initial(spec, 1)
        first, second = (trainer(it, samples(), 1, "ada").train(start, 1)[0] for it in (spec, held))
        np.testing.assert_allclose(vector(first), vector(second), rtol=1e-6)


class TestScaffold:
    """Algorithm 1 of the paper: own control and that of all start at zero."""

    spec = encoders(fusion=Scaffold(), training=LocalTraining(steps=4, batch=5, rate=0.1))

    def test_without_controls_trains_as_ever(self) -> None:
        plain = encoders(training=self.spec.training)
        start = initial(plain, 1)
        expected, _ = trainer(plain, samples(), 1, "ada").train(start, 1)
        found, _ = trainer(self.spec, samples(), 1, "ada").train(controlled(start, 0), 1)
        assert digest(split_control(found)[0]) == digest(expected)

    def test_sends_the_mean_gradient_that_it_saw_as_its_change(self) -> None:
        start = controlled(initial(self.spec, 1), 0)
        trained, _ = trainer(self.spec, samples(), 1, "ada").train(start, 1)
        (before, _), (after, change) = split_control(start), split_control(trained)
        expected = -(vector(after) - vector(before)) / (4 * 0.1)
        np.testing.assert_allclose(change, expected, rtol=1e-5)

    def test_moves_every_step_by_the_difference_of_the_controls(self) -> None:
        start = initial(self.spec, 1)
        one_step = encoders(fusion=Scaffold(), training=LocalTraining(steps=1, batch=5, rate=0.1))
        plain, _ = trainer(one_step, samples(), 1, "ada").train(controlled(start, 0), 1)
        moved, _ = trainer(one_step, samples(), 1, "ada").train(controlled(start, 0.5), 1)
        np.testing.assert_allclose(
            vector(split_control(moved)[0]), vector(split_control(plain)[0]) - 0.05, atol=1e-6
        )

    def test_goes_on_from_its_own_control(self) -> None:
        first = trainer(self.spec, samples(), 1, "ada")
        trained, _ = first.train(controlled(initial(self.spec, 1), 0), 1)
        resumed = trainer(self.spec, samples(), 1, "ada")
        resumed.state.update({name: array.copy() for name, array in first.state.items()})
        fresh = trainer(self.spec, samples(), 1, "ada")
        second, after, without = (it.train(trained, 2)[0] for it in (first, resumed, fresh))
        assert digest(second) == digest(after)
        assert digest(second) != digest(without)
