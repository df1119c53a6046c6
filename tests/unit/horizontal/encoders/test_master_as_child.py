from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from isthmus.core.errors import SpecError
from isthmus.data.samples import Samples
from isthmus.horizontal.actor_critic.modes import weigher
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.master import training
from isthmus.horizontal.encoders.master_as_child import MasterAsChild
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion.rules import Gathered
from isthmus.horizontal.fusion.spec import ActorCritic, ValidationGradient
from isthmus.horizontal.parameters import Layout, Parameters, Vector
from isthmus.horizontal.rounds.training import Contribution
from isthmus.horizontal.spec import LocalTraining
from isthmus.nn.spec import Tabular

CHILDREN = ["ada", "bo", "cy"]

SPEC = Encoders(
    network=Tabular(columns=("x", "y"), hidden=(4,), size=3),
    objective="labels",
    classes=("no", "yes"),
    training=LocalTraining(steps=5),
    fusion=ActorCritic(),
)


def samples(count: int) -> Samples:
    inputs = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    labels = tuple("yes" if row[0] > 0 else "no" for row in inputs)
    return Samples("tabular", inputs, ("x", "y"), labels=labels)


@pytest.fixture(scope="module")
def start() -> Parameters:
    return initial(SPEC, 1)


@pytest.fixture(scope="module")
def gathered(start: Parameters) -> Gathered:
    size = Layout.of(start).size
    return Gathered(
        updates=np.ones((3, size), np.float32),
        children=np.array([0, 1, 3]),
        enrolled=4,
        counts=np.array([5, 6, 7]),
    )


class TestMasterAsChild:
    def test_comes_after_the_children(self, gathered: Gathered, start: Parameters) -> None:
        joined = MasterAsChild(SPEC, samples(40), 1).joined(gathered, start, 1)
        assert joined.counts is not None
        assert joined.counts.tolist() == [5, 6, 7, 40]
        assert joined.children.tolist() == [0, 1, 3, 4]
        assert joined.enrolled == 5
        assert joined.updates[-1].any()

    def test_takes_turns_with_its_halves(self, gathered: Gathered, start: Parameters) -> None:
        # Whoever has only the first half knows the updates of even rounds and judges odd ones.
        whole = samples(40)
        assert whole.labels is not None
        mixed = ("yes" if row % 4 == 1 else it for row, it in enumerate(whole.labels))
        other = replace(whole, labels=tuple(mixed))
        ours, theirs = MasterAsChild(SPEC, whole, 1), MasterAsChild(SPEC, other, 1)
        nothing = np.zeros((1, gathered.updates.shape[1]), np.float32)
        for number, same in ((2, True), (3, False)):
            updates = [it.joined(gathered, start, number).updates[-1] for it in (ours, theirs)]
            losses = [it.judge(start, number)(nothing).loss[0] for it in (ours, theirs)]
            slopes = [self.slope(it.joined(gathered, start, number)) for it in (ours, theirs)]
            assert (updates[0] == updates[1]).all() == same
            assert (losses[0] == losses[1]) != same
            assert (slopes[0] == slopes[1]).all() != same

    def slope(self, joined: Gathered) -> Vector:
        assert joined.loss_gradient is not None
        return joined.loss_gradient(np.zeros(joined.updates.shape[1], np.float32))

    def test_refuses_samples_too_few_to_part(self) -> None:
        with pytest.raises(SpecError, match="3 samples of its own"):
            MasterAsChild(SPEC, samples(3), 1)


class TestMaster:
    def brought(self, start: Parameters) -> list[Contribution]:
        draw = np.random.default_rng(1)
        return [
            Contribution(
                child,
                10,
                {
                    name: draw.normal(0, 0.1, it.shape).astype(np.float32)
                    for name, it in start.items()
                },
                {},
            )
            for child in CHILDREN
        ]

    def test_fuses_with_the_master_as_a_child_and_records_what_it_saw(
        self, start: Parameters
    ) -> None:
        brought, chooses = self.brought(start), weigher(ActorCritic(), 3, 1)
        taught = training(SPEC, CHILDREN, 1, samples(40), chooses)
        first = taught.fuse(taught.initial, brought, {})
        again = taught.fuse(first.parameters, brought, first.state)
        assert again.weights.keys() == set(CHILDREN)
        assert 0 < sum(again.weights.values()) < 1  # the rest is the master's own
        assert again.evidence["bo"].keys() == {"cosine", "length", "loss_change"}

    @pytest.mark.parametrize("asked", [True, False])
    def test_descends_with_the_master_as_a_child_where_the_job_asks_for_it(
        self, *, asked: bool, start: Parameters
    ) -> None:
        spec = structs.replace(SPEC, fusion=ValidationGradient(master_as_child=asked))
        taught = training(spec, CHILDREN, 1, samples(40))
        weights = taught.fuse(taught.initial, self.brought(start), {}).weights
        assert (sum(weights.values()) < 0.99) == asked
