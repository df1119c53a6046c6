"""Parameters of a module as arrays by name: reading, writing, and seeded initialisation."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Arrays = dict[str, NDArray[np.float32]]
"""Arrays by name of the parameter, as in `state_dict`."""

_EMBEDDING = 0.02  # standard deviation of the initial entries of an embedding table


def arrays_of(module: nn.Module) -> Arrays:
    """Returns a copy of every parameter, by name."""
    return {name: it.detach().cpu().numpy().copy() for name, it in module.named_parameters()}


def gradients_of(module: nn.Module) -> Arrays:
    """Returns the gradient of every parameter, by name; zeros if it has none."""
    return {
        name: np.zeros(it.shape, np.float32) if it.grad is None else it.grad.cpu().numpy()
        for name, it in module.named_parameters()
    }


def put(arrays: Mapping[str, NDArray[np.float32]], module: nn.Module) -> None:
    """Copy arrays into the parameters of a module.

    Args:
        arrays: An array for every parameter, by name, in its shape.
        module: The module.
    """
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(torch.tensor(arrays[name]))


def draw(module: nn.Module, generator: np.random.Generator) -> None:
    """Initialise the parameters of a module; the same generator gives the same parameters.

    Weights are uniform within 1 / sqrt(inputs), as in PyTorch; norms start as the identity.

    Args:
        module: The module.
        generator: From the job's seed. PyTorch's global generator, which threads share, is not
            used.
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
