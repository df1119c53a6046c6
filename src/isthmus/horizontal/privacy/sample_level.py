# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# Opacus has no types; this is the only file that imports it, and it takes seconds to load.
"""Differential privacy of single samples: a child trains by DP-SGD."""

import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import torch
from opacus.grad_sample import GradSampleHooks
from opacus.optimizers import DPOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer

from isthmus.core.arrays import Integers
from isthmus.horizontal.privacy import accounting
from isthmus.horizontal.privacy.noise import gaussian, poisson_batches
from isthmus.horizontal.privacy.spec import SampleLevel
from isthmus.store.checkpoint import Arrays

SPENT = "sample_level.spent"
"""Name in the state of a child: what was spent so far."""


class PrivateDescent:
    """Steps of an optimiser with a bounded influence of each sample, and noise that hides it.

    Each step takes the gradient of every sample by itself, scales it down to the largest norm, adds
    them up, adds noise, and divides by the samples of a batch on average. No layer of the module
    may mix samples, and no loss may hang on more than one.

    Source:
        Abadi et al. 2016 (CCS), "Deep learning with differential privacy", algorithm 1.
    """

    def __init__(
        self, module: nn.Module, optimiser: Optimizer, asked: SampleLevel, samples: int, batch: int
    ) -> None:
        """Attach to a module; leave with `with`.

        Args:
            module: What is trained.
            optimiser: Of all its parameters.
            asked: What the job says.
            samples: How many there are to train on.
            batch: How many a batch has on average.
        """
        self._asked = asked
        self._samples = samples
        self._rate = accounting.rate_of(batch, samples)
        self._optimiser = optimiser
        self._hooks = GradSampleHooks(module, loss_reduction="sum")
        self._clipping = DPOptimizer(
            optimiser,
            noise_multiplier=0.0,  # noise is ours
            max_grad_norm=asked.largest_norm,
            expected_batch_size=None,
            loss_reduction="sum",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hooks.cleanup()

    def batches(self, steps: int, state: Arrays) -> Iterator[Integers]:
        """Batches to take a step on each.

        A child whose budget is too small for all rounds declines before the first one. So it ends
        here only where a master plays more of them than the job says, or one of them again.

        Args:
            steps: How many, if what the job allows to spend is enough.
            state: The state of the child between rounds; what is spent is added.

        Yields:
            Positions of samples; a batch may be empty, and takes a step all the same.
        """
        spent = state.get(SPENT, accounting.NOTHING_SPENT)
        taken = accounting.affordable(spent, self._asked, self._rate, steps)
        state[SPENT] = accounting.spend(spent, self._asked.noise, self._rate, taken)
        yield from poisson_batches(self._samples, self._rate, taken)

    def step(self, losses: Tensor) -> None:
        """Take a step.

        Args:
            losses: Of each sample of the batch, shape (batch,); of no size where it is empty.
        """
        self._clipping.zero_grad()
        if len(losses):
            with warnings.catch_warnings():
                # Inputs have no gradient; Opacus' hooks at the first layer need none.
                warnings.filterwarnings("ignore", message="Full backward hook is firing")
                torch.autograd.backward(losses.sum())
            self._clipping.clip_and_accumulate()
        deviation = self._asked.noise * self._asked.largest_norm
        for parameter in self._clipping.params:
            noise = torch.tensor(gaussian(parameter.numel(), deviation)).view_as(parameter)
            total = noise + vars(parameter)["summed_grad"] if len(losses) else noise
            parameter.grad = (total / (self._rate * self._samples)).to(parameter.dtype)
        self._optimiser.step()


def epsilon(asked: SampleLevel, state: Arrays) -> float:
    """Returns the epsilon that a child has spent so far; 0 if it has not trained."""
    spent = state.get(SPENT, accounting.NOTHING_SPENT)
    return accounting.epsilon(spent, asked.delta)
