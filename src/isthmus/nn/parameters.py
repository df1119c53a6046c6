"""Parameters of a module as arrays by name, out and in; and the first ones, drawn by a seed."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Arrays = dict[str, NDArray[np.float32]]
"""By name of the parameter, as `state_dict` has it."""

_EMBEDDING = 0.02  # deviation of the entries of a table


def arrays_of(module: nn.Module) -> Arrays:
    """A copy of every parameter, by name."""
    return {name: it.detach().cpu().numpy().copy() for name, it in module.named_parameters()}


def gradients_of(module: nn.Module) -> Arrays:
    """The gradient of every parameter, by name; zeros where nothing came back to it."""
    return {
        name: np.zeros(it.shape, np.float32) if it.grad is None else it.grad.cpu().numpy()
        for name, it in module.named_parameters()
    }


def put(arrays: Mapping[str, NDArray[np.float32]], module: nn.Module) -> None:
    """Copy arrays into a module.

    Args:
        arrays: By name of the parameter: all of them, in their shapes.
        module: Where they go.
    """
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(torch.tensor(arrays[name]))


def draw(module: nn.Module, generator: np.random.Generator) -> None:
    """Draw first parameters, the same ones from the same generator.

    Weights are uniform within 1 / sqrt(inputs), as PyTorch has them; norms begin as identities.

    Args:
        module: Where they go.
        generator: From the job's seed; torch's own, which threads share, is not touched.
    """
    with torch.no_grad():
        for part in module.modules():
            for name, parameter in part.named_parameters(recurse=False):
                parameter.copy_(_first(part, name, parameter, generator))


def _first(part: nn.Module, name: str, now: Tensor, generator: np.random.Generator) -> Tensor:
    match part:
        case nn.LayerNorm() | nn.GroupNorm():
            return torch.full_like(now, float(name == "weight"))
        case nn.Embedding():
            drawn = generator.normal(0, _EMBEDDING, now.shape)
        case nn.Linear() | nn.Conv2d():
            bound = 1 / math.sqrt(part.weight[0].numel())
            drawn = generator.uniform(-bound, bound, now.shape)
        case _:
            raise TypeError(f"nobody has said how the parameters of {type(part).__name__} begin")
    return torch.tensor(drawn, dtype=torch.float32)
