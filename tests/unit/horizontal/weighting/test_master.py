import numpy as np
import pytest

from isthmus.core.errors import JobError
from isthmus.data.samples import Samples
from isthmus.horizontal.fusion.spec import ActorCritic, Count, Fusion
from isthmus.horizontal.rounds.training import Contribution, Training
from isthmus.horizontal.spec import LocalTraining
from isthmus.horizontal.weighting.master import training
from isthmus.horizontal.weighting.spec import Stop, Weighting
from isthmus.nn.spec import Tabular
from isthmus.store.checkpoint import Arrays

CHILDREN = ("ada", "bo", "cy")


def samples() -> Samples:
    inputs = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    labels = tuple("yes" if row[0] > 0 else "no" for row in inputs)
    return Samples("tabular", inputs, ("x", "y"), labels=labels)


def job(stop: Stop, fusion: Fusion) -> Weighting:
    return Weighting(
        network=Tabular(columns=("x", "y"), hidden=(4,), size=3),
        classes=("no", "yes"),
        training=LocalTraining(steps=2),
        fusion=fusion,
        stop=stop,
    )


def rounds_of(taught: Training, most: int = 6) -> int:
    """Rounds until the master says that it is enough, of children that change nothing."""
    parameters, kept = taught.initial, Arrays()
    nothing = {name: np.zeros_like(it) for name, it in parameters.items()}
    brought = [Contribution(child, 10, nothing, {}) for child in CHILDREN]
    for number in range(1, most + 1):
        fused = taught.fuse(parameters, brought, kept)
        if fused.done:
            return number
        parameters, kept = fused.parameters, fused.state
    return most + 1


class TestTraining:
    @pytest.mark.parametrize(
        ("stop", "rounds"),
        [(Stop(), 7), (Stop(samples=61), 3), (Stop(plateau=2), 3), (Stop(accuracy=0.01), 1)],
    )
    def test_stops_where_the_job_says(self, stop: Stop, rounds: int) -> None:
        assert rounds_of(training(job(stop, Count()), CHILDREN, 1, samples())) == rounds

    def test_weighs_by_an_actor_critic_where_the_job_does(self) -> None:
        taught = training(job(Stop(samples=90), ActorCritic()), CHILDREN, 1, samples())
        assert rounds_of(taught) == 3

    def test_needs_samples_of_its_own_to_stop_by_accuracy(self) -> None:
        with pytest.raises(JobError, match="`stop` of the job looks at accuracy"):
            training(job(Stop(plateau=3), Count()), CHILDREN, 1)

    def test_counts_samples_without_any_of_its_own(self) -> None:
        assert rounds_of(training(job(Stop(samples=30), Count()), CHILDREN, 1)) == 1
