"""The small networks of an actor-critic, their training and their state."""
# Some of torch's functions have no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

NetworkState = NDArray[np.float32]
"""Parameters of a network and Adam's two moments of them, shape (3, size)."""


def tensor(array: NDArray[Any]) -> Tensor:
    """An array as a tensor, without a copy."""
    return torch.from_numpy(array)


@contextmanager
def one_thread() -> Generator[None]:
    """For networks so small that threads cost more than they bring.

    Nor do results then depend on how many there are.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Perceptron:
    """A network of one hidden layer; its parameters lie in one vector outside of it."""

    inputs: int
    outputs: int
    hidden: int

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Numbers of its weights and biases, first layer first."""
        return self.inputs * self.hidden, self.hidden, self.hidden * self.outputs, self.outputs

    def initial(self, draw: np.random.Generator, *, zero: bool = False) -> NetworkState:
        """The initial state of its learner.

        Args:
            draw: Draws the parameters.
            zero: Whether all outputs are 0 at first.

        Returns:
            Parameters, and moments of 0.
        """
        bounds = [1 / math.sqrt(self.inputs)] * 2 + [
            0.0 if zero else 1 / math.sqrt(self.hidden)
        ] * 2
        layers = [draw.uniform(-b, b, n) for b, n in zip(bounds, self.sizes, strict=True)]
        vector = np.concatenate(layers).astype(np.float32)
        return np.stack([vector, np.zeros_like(vector), np.zeros_like(vector)])

    def __call__(self, vector: Tensor, x: Tensor) -> Tensor:
        """Outputs, shape (..., outputs), for inputs of shape (..., inputs)."""
        weights1, bias1, weights2, bias2 = torch.split(vector, list(self.sizes))
        hidden = functional.linear(x, weights1.view(self.hidden, self.inputs), bias1).relu()
        return functional.linear(hidden, weights2.view(self.outputs, self.hidden), bias2)


class Learner:
    """Parameters that Adam changes, and the moments that it keeps."""

    def __init__(self, state: NetworkState, steps: int, rate: float) -> None:
        vector, first, second = torch.from_numpy(state.copy())
        self.vector = vector.requires_grad_()
        self._adam = torch.optim.Adam([self.vector], lr=rate)
        self._adam.state[self.vector] = {
            "step": torch.tensor(float(steps)),
            "exp_avg": first,
            "exp_avg_sq": second,
        }

    @property
    def state(self) -> NetworkState:
        """The state to continue from; the number of steps is not in it."""
        memory = self._adam.state[self.vector]
        parts = self.vector.detach(), memory["exp_avg"], memory["exp_avg_sq"]
        return torch.stack(parts).numpy()

    @property
    def steps(self) -> int:
        """Number of steps so far."""
        return int(self._adam.state[self.vector]["step"])

    def descend(self, loss: Tensor) -> None:
        """Take one step down the gradient of a loss."""
        (self.vector.grad,) = torch.autograd.grad(loss, self.vector)
        self._adam.step()
