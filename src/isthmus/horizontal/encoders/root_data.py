"""The root data set: computations of the master on samples of its own."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from msgspec import structs
from torch import Tensor
from torch.nn import functional

from isthmus.core import seeds
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.child import trainer
from isthmus.horizontal.encoders.inputs import to_inputs
from isthmus.horizontal.encoders.learner import learner
from isthmus.horizontal.encoders.objectives import losses
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion.validation_gradient import LossGradient
from isthmus.horizontal.fusion.weigher import Judge, Scores
from isthmus.horizontal.parameters import Layout, Parameters, Updates, Vector
from isthmus.nn import parameters

_MASTER = "master"
_AT_ONCE = 512  # rows that go through a network together


class RootData:
    """The master's own samples, and a learner in which parameters are tried."""

    def __init__(self, spec: Encoders, samples: Samples, seed: int) -> None:
        """Read the samples.

        Args:
            spec: What the job says.
            samples: Of the type of its network.
            seed: The job's.

        Raises:
            SpecError: They do not fit the network or the classes of the job.
        """
        found = to_inputs(spec.network, samples, spec.classes)
        rows = np.arange(len(found))
        starts = range(0, len(found), _AT_ONCE)
        self._spec = spec
        self._seed = seed
        self._size = len(found)
        self._blocks = [found.take(rows[start : start + _AT_ONCE]) for start in starts]
        # What hides single samples of a child does not cover the master's: docs/security.md.
        noiseless = structs.replace(spec, privacy=structs.replace(spec.privacy, sample_level=None))
        self._trainer = trainer(noiseless, samples, seed, _MASTER)
        self._learner = learner(spec)

    def update(self, before: Parameters, number: int) -> Vector:
        """The update that a child with these samples would send, without noise.

        Args:
            before: Parameters that the round starts from.
            number: Of the round.

        Returns:
            Shape (size,).
        """
        layout = Layout.of(before)
        trained, _ = self._trainer.train(before, number)
        return layout.to_vector(trained) - layout.to_vector(before)

    def loss_gradient(self, before: Parameters, number: int) -> LossGradient:
        """Gradient of the loss on all samples, around the parameters of a round.

        Args:
            before: Parameters that the round starts from.
            number: Of the round; the same parts are masked throughout it.

        Returns:
            From an update to the gradient with respect to the parameters after it is added.
        """
        layout = Layout.of(before)
        start = layout.to_vector(before)

        def gradient(update: Vector) -> Vector:
            parameters.put(layout.to_parameters(start + update), self._learner)
            self._learner.zero_grad()
            for each in self._losses(number):
                torch.autograd.backward(each.sum() / self._size)
            return layout.to_vector(parameters.gradients_of(self._learner))

        return gradient

    def judge(self, before: Parameters, number: int) -> Judge:
        """Scores of candidate updates to the parameters of a round.

        An objective without classes has no accuracy: exp(-loss) is used instead, which is about the
        chance to guess a sample right.

        Args:
            before: Parameters that the round starts from.
            number: Of the round; the same parts are masked throughout it.

        Returns:
            From updates to the scores of the parameters after each is added.
        """
        layout = Layout.of(before)
        start = layout.to_vector(before)
        score = self._by_class if self._spec.classes else lambda: self._by_loss(number)

        def scores(updates: Updates) -> Scores:
            found = np.empty((len(updates), 2))
            for row, update in enumerate(updates):
                parameters.put(layout.to_parameters(start + update), self._learner)
                with torch.no_grad():
                    found[row] = score()
            return Scores(*found.T)

        return scores

    def _losses(self, number: int) -> Iterator[Tensor]:
        """Losses of each sample, block by block."""
        generator = seeds.generator(self._seed, "judge", str(number))
        return (losses(self._spec, self._learner, it, generator) for it in self._blocks)

    def _by_loss(self, number: int) -> tuple[float, float]:
        loss = float(torch.cat(list(self._losses(number))).mean())
        return math.exp(-loss), loss

    def _by_class(self) -> tuple[float, float]:
        logits = torch.cat([self._learner(it.values) for it in self._blocks])
        due = torch.cat([it.labels for it in self._blocks])
        hits = (logits.argmax(dim=1) == due).float()
        return float(hits.mean()), float(functional.cross_entropy(logits, due))
