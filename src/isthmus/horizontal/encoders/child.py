"""Trains a shared encoder on the samples of a child."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core import seeds
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.inputs import Inputs, check_texts, inputs_to_train
from isthmus.horizontal.encoders.learner import Learner, learner, tables_of
from isthmus.horizontal.encoders.local import Correct, steps_of, train_round, train_round_privately
from isthmus.horizontal.encoders.spec import Encoders, sample_type
from isthmus.horizontal.fusion.corrections import (
    proximal_gradient,
    scaffold_control,
    scaffold_gradient,
)
from isthmus.horizontal.fusion.scaffold_controls import split_control, with_control
from isthmus.horizontal.fusion.spec import FedProx, Scaffold
from isthmus.horizontal.messages import Reason
from isthmus.horizontal.parameters import Layout, Parameters, Vector, single
from isthmus.horizontal.rounds.local_training import LocalTrainer, MakeTrainer
from isthmus.nn import parameters
from isthmus.nn.spec import type_of
from isthmus.store.checkpoint import Arrays

if TYPE_CHECKING:  # the extra `multilingual`
    from isthmus.text.tokenizer import Tokenizer


def trainer_factory(
    spec: Encoders,
    samples: Samples | None,
    seed: int,
    party: str,
    vocabulary: "Tokenizer | None" = None,
    prepared: Callable[[Samples], LocalTrainer] | None = None,
) -> MakeTrainer:
    """Make the function by which a child finds out whether it trains, and on what.

    Args:
        spec: What the job says.
        samples: The child's own, if it has any.
        seed: The job's.
        party: Name of the child.
        vocabulary: Of a static network.
        prepared: Makes the trainer, where something is to be agreed on before.

    Returns:
        From the type of an encoder to its trainer, or to the reason why there is none; it raises
        `SpecError` where the samples are of the type and do not fit the job.
    """

    def make(encoder: str) -> LocalTrainer | Reason:
        if encoder != type_of(spec.network):
            return "type not known"
        if samples is None or samples.type != sample_type(spec.network):
            return "no samples of this type"
        if len(samples) < spec.least_samples:
            return "too few samples"
        if not affords_all_rounds(spec, len(samples)):
            return "privacy budget too small for all rounds"
        if prepared is not None:
            return prepared(samples)
        return trainer(spec, samples, seed, party, vocabulary)

    return make


def affords_all_rounds(spec: Encoders, samples: int) -> bool:
    """Whether training on so many samples in every round of a job stays within its epsilon."""
    asked, training = spec.privacy.sample_level, spec.training
    if asked is None or asked.epsilon is None:
        return True
    from isthmus.horizontal.privacy import accounting  # noqa: PLC0415 - it takes seconds to load

    # What a resumed child has spent by now is a part of this.
    steps = spec.rounds.count * steps_of(training, samples)
    rate = accounting.rate_of(training.batch, samples)
    return accounting.affordable(accounting.NOTHING_SPENT, asked, rate, steps) == steps


def trainer(
    spec: Encoders,
    samples: Samples,
    seed: int,
    party: str,
    vocabulary: "Tokenizer | None" = None,
) -> LocalTrainer:
    """The trainer of the encoder of a job.

    Args:
        spec: What the job says.
        samples: To train on, of the type of the encoder.
        seed: The job's.
        party: Name of the party whose samples they are.
        vocabulary: Of a static network.

    Returns:
        The trainer; without noise, the same round from the same parameters gives the same result.

    Raises:
        SpecError: The samples do not fit the network or the classes of the job.
    """
    check_texts(spec.objective, samples)
    found = inputs_to_train(spec, samples, vocabulary)
    pieces = 0 if vocabulary is None else vocabulary.size
    trainee = _Trainee(spec, found, seed, party, learner(spec, pieces))
    return LocalTrainer(
        len(samples),
        trainee.layout,
        trainee.train,
        trainee.state,
        tables=tables_of(spec),
        privacy=spec.privacy,
        vocabulary="" if vocabulary is None else vocabulary.digest,
    )


@dataclass
class _Trainee:
    spec: Encoders
    inputs: Inputs
    seed: int
    party: str
    learner: Learner
    state: Arrays = field(default_factory=Arrays)

    @property
    def layout(self) -> Layout:
        """Layout of the parameters that a round starts from."""
        own = parameters.arrays_of(self.learner)
        if isinstance(self.spec.fusion, Scaffold):
            own = with_control(own, np.zeros(Layout.of(own).size, np.float32))
        return Layout.of(own)

    def train(self, start: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
        """Train in one round."""
        received, control = split_control(start)
        parameters.put(received, self.learner)
        generator = seeds.generator(self.seed, "train", self.party, str(number))
        metrics = self._train_round(generator, self._correction(received, control))
        trained = parameters.arrays_of(self.learner)
        if isinstance(self.spec.fusion, Scaffold):
            trained = with_control(trained, self._controlled(received, trained, control))
        return trained, metrics

    def _train_round(
        self, generator: np.random.Generator, correct: Correct | None
    ) -> dict[str, float]:
        if self.spec.privacy.sample_level is not None:
            return train_round_privately(
                self.spec, self.learner, self.inputs, generator, self.state
            )
        return train_round(self.spec, self.learner, self.inputs, generator, correct)

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
        """Update our control after a round; returns the master's plus the change of ours."""
        layout = Layout.of(received)
        update = layout.to_vector(trained) - layout.to_vector(received)
        training, own = self.spec.training, self._own_control(control)
        length = steps_of(training, len(self.inputs)) * training.rate
        change = scaffold_control(own, control, update, length) - own
        sent = single(control + change)
        self.state[_OWN_CONTROL] = own + (sent - control)  # as the master will see it
        return sent

    def _own_control(self, control: Vector) -> Vector:
        found = self.state.get(_OWN_CONTROL)
        return np.zeros(len(control), np.float32) if found is None else found


_OWN_CONTROL = "own control"
