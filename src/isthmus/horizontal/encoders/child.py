"""How a child trains a shared encoder on its own samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from isthmus.core import seeds
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.controls import joined, parted
from isthmus.horizontal.encoders.examples import Examples, examples
from isthmus.horizontal.encoders.fusion.corrections import (
    proximal_gradient,
    scaffold_control,
    scaffold_gradient,
)
from isthmus.horizontal.encoders.fusion.spec import FedProx, Scaffold
from isthmus.horizontal.encoders.learner import Learner, learner
from isthmus.horizontal.encoders.local import Correct, practise, practise_privately, steps_of
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.lesson import Lesson, Prepare
from isthmus.horizontal.messages import Reason
from isthmus.horizontal.parameters import Layout, Parameters, Vector, single
from isthmus.nn import parameters
from isthmus.nn.spec import type_of
from isthmus.store.checkpoint import Arrays


def prepare(spec: Encoders, samples: Samples | None, seed: int, party: str) -> Prepare:
    """How a child finds out whether it trains, and on what.

    Args:
        spec: What the job says.
        samples: The child's own, if it has any.
        seed: The job's.
        party: Name of the child.

    Returns:
        From the type of an encoder to a lesson in it, or to the reason why there is none; it raises
        `SpecError` where the samples are of the type and do not fit the job.
    """

    def prepared(encoder: str) -> Lesson | Reason:
        if encoder != type_of(spec.network):
            return "type not known"
        if samples is None or samples.type != encoder:
            return "no samples of this type"
        if len(samples) < spec.least_samples:
            return "too few samples"
        if not affords_all_rounds(spec, len(samples)):
            return "privacy budget too small for all rounds"
        return lesson(spec, samples, seed, party)

    return prepared


def affords_all_rounds(spec: Encoders, samples: int) -> bool:
    """Whether training on so many samples in every round of a job stays within its epsilon."""
    asked, training = spec.privacy.sample_level, spec.training
    if asked is None or asked.epsilon is None:
        return True
    from isthmus.horizontal.privacy import accounting  # noqa: PLC0415 - it takes seconds to load

    # What a child that is taken up again has spent by now is a part of this.
    steps = spec.rounds.count * steps_of(training, samples)
    rate = accounting.rate_of(training.batch, samples)
    return accounting.affordable(accounting.NOTHING_SPENT, asked, rate, steps) == steps


def lesson(spec: Encoders, samples: Samples, seed: int, party: str) -> Lesson:
    """A lesson in the encoder of a job.

    Args:
        spec: What the job says.
        samples: To train on, of the type of the encoder.
        seed: The job's.
        party: Name of whose they are.

    Returns:
        The lesson; without noise, the same round over the same parameters gives the same numbers.

    Raises:
        SpecError: The samples do not fit the network or the classes of the job.
    """
    found = examples(spec.network, samples, spec.classes)
    trainee = _Trainee(spec, found, seed, party, learner(spec))
    return Lesson(len(samples), trainee.layout, trainee.train, trainee.state, privacy=spec.privacy)


@dataclass
class _Trainee:
    spec: Encoders
    examples: Examples
    seed: int
    party: str
    learner: Learner
    state: Arrays = field(default_factory=Arrays)

    @property
    def layout(self) -> Layout:
        """Of the parameters that a round starts from."""
        own = parameters.arrays_of(self.learner)
        if isinstance(self.spec.fusion, Scaffold):
            own = joined(own, np.zeros(Layout.of(own).size, np.float32))
        return Layout.of(own)

    def train(self, start: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
        """Train in one round."""
        received, control = parted(start)
        parameters.put(received, self.learner)
        generator = seeds.generator(self.seed, "train", self.party, str(number))
        metrics = self._practise(generator, self._correction(received, control))
        trained = parameters.arrays_of(self.learner)
        if isinstance(self.spec.fusion, Scaffold):
            trained = joined(trained, self._controlled(received, trained, control))
        return trained, metrics

    def _practise(
        self, generator: np.random.Generator, correct: Correct | None
    ) -> dict[str, float]:
        if self.spec.privacy.sample_level is not None:
            return practise_privately(self.spec, self.learner, self.examples, generator, self.state)
        return practise(self.spec, self.learner, self.examples, generator, correct)

    def _correction(self, received: Parameters, control: Vector) -> Correct | None:
        match self.spec.fusion:
            case FedProx(proximal=proximal):
                start = Layout.of(received).to_vector(received)
                return lambda gradient, at: proximal_gradient(gradient, at, start, proximal)
            case Scaffold():
                own = self._own_control(control)
                return lambda gradient, _: scaffold_gradient(gradient, own, control)
            case _:
                return None

    def _controlled(self, received: Parameters, trained: Parameters, control: Vector) -> Vector:
        """Take our control on by one round; give the master's control plus the change of ours."""
        layout = Layout.of(received)
        update = layout.to_vector(trained) - layout.to_vector(received)
        training, own = self.spec.training, self._own_control(control)
        length = steps_of(training, len(self.examples)) * training.rate
        change = scaffold_control(own, control, update, length) - own
        sent = single(control + change)
        self.state[_OWN_CONTROL] = own + (sent - control)  # as the master will see it
        return sent

    def _own_control(self, control: Vector) -> Vector:
        found = self.state.get(_OWN_CONTROL)
        return np.zeros(len(control), np.float32) if found is None else found


_OWN_CONTROL = "own control"
