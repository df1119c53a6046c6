"""Training of one learner on the samples of one party, in one round."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from isthmus.core.arrays import Integers
from isthmus.horizontal.encoders.inputs import Inputs
from isthmus.horizontal.encoders.learner import Learner
from isthmus.horizontal.encoders.objectives import losses
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.parameters import Layout, Vector
from isthmus.horizontal.spec import LocalTraining
from isthmus.nn import parameters
from isthmus.store.checkpoint import Arrays

Correct = Callable[[Vector, Vector], Vector]
"""From a gradient and the parameters where it was taken to the gradient to descend by."""


def steps_of(training: LocalTraining, samples: int) -> int:
    """Returns the number of batches of one round."""
    return training.steps or training.epochs * -(-samples // training.batch)


def batches(
    training: LocalTraining, samples: int, generator: np.random.Generator
) -> Iterator[Integers]:
    """Positions of the samples of each batch of one round.

    Args:
        training: How many, and of how many samples.
        samples: How many there are.
        generator: Draws their order, anew in each pass over them.

    Yields:
        As many positions as a batch has samples; fewer at the end of a pass.
    """
    left = steps_of(training, samples)
    while left > 0:
        order = generator.permutation(samples)
        for start in range(0, samples, training.batch)[:left]:
            yield order[start : start + training.batch]
            left -= 1


def train_round(
    spec: Encoders,
    learner: Learner,
    inputs: Inputs,
    generator: np.random.Generator,
    correct: Correct | None = None,
) -> dict[str, float]:
    """Train a learner in place, for one round.

    Args:
        spec: Objective, batches and optimiser.
        learner: What is trained.
        inputs: On what it is trained.
        generator: Draws the order of the samples and what is masked.
        correct: Changes each gradient, if given.

    Returns:
        `loss` and `first_loss`: the mean over the samples of all batches, and of the first batch.
    """
    chosen = (inputs.take(rows) for rows in batches(spec.training, len(inputs), generator))
    return descend(spec, learner, chosen, generator, correct)


def descend(
    spec: Encoders,
    learner: Learner,
    chosen: Iterable[Inputs],
    generator: np.random.Generator,
    correct: Correct | None = None,
) -> dict[str, float]:
    """Train a learner in place, batch by batch.

    Args:
        spec: Objective and optimiser, which starts anew.
        learner: What is trained.
        chosen: The batches.
        generator: Draws what is masked.
        correct: Changes each gradient, if given.

    Returns:
        As `train_round`.
    """
    optimiser = _optimiser(spec.training, learner)
    found = list[Tensor]()
    for batch in chosen:
        optimiser.zero_grad()
        each = losses(spec, learner, batch, generator)
        torch.autograd.backward(each.mean())
        if correct is not None:
            _correct(learner, correct)
        optimiser.step()
        found.append(each.detach())
    return {"loss": float(torch.cat(found).mean()), "first_loss": float(found[0].mean())}


def train_round_privately(
    spec: Encoders,
    learner: Learner,
    inputs: Inputs,
    generator: np.random.Generator,
    state: Arrays,
) -> dict[str, float]:
    """Train a learner in place, for one round, with differential privacy of each sample.

    Batches and noise are drawn from a secure random source, and losses are not reported: noise on
    gradients could hide neither.

    Args:
        spec: Objective, batches, optimiser and noise.
        learner: What is trained.
        inputs: On what it is trained.
        generator: Draws what is masked.
        state: The state of the child between rounds; what this round spends is added.

    Returns:
        `epsilon`, of all rounds so far.
    """
    from isthmus.horizontal.privacy import sample_level  # noqa: PLC0415 - it takes seconds to load

    asked, training = spec.privacy.sample_level, spec.training
    assert asked is not None  # noqa: S101 - who calls this has looked
    optimiser, size = _optimiser(training, learner), len(inputs)
    with sample_level.PrivateDescent(learner, optimiser, asked, size, training.batch) as descent:
        for rows in descent.batches(steps_of(training, size), state):
            if len(rows):
                descent.step(losses(spec, learner, inputs.take(rows), generator))
            else:
                descent.step(torch.empty(0))
    return {"epsilon": sample_level.epsilon(asked, state)}


def _optimiser(training: LocalTraining, learner: Learner) -> torch.optim.Optimizer:
    match training.optimiser:
        case "sgd":
            return torch.optim.SGD(learner.parameters(), training.rate, training.momentum)
        case "adam":
            return torch.optim.Adam(learner.parameters(), training.rate)


def _correct(learner: Learner, correct: Correct) -> None:
    gradients = parameters.gradients_of(learner)
    layout = Layout.of(gradients)
    at = layout.to_vector(parameters.arrays_of(learner))
    corrected = layout.to_parameters(correct(layout.to_vector(gradients), at))
    for name, parameter in learner.named_parameters():
        parameter.grad = torch.tensor(corrected[name])
