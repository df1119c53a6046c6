"""Parameters of a transformer: the first ones, and those of a file."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from isthmus.core.errors import SpecError
from isthmus.text.modern_bert import Transformer

_SPREAD = 0.02  # standard deviation of first parameters


def begin(transformer: Transformer, generator: np.random.Generator) -> None:
    """Set the first parameters; the same generator gives the same ones."""
    deep = 1 / math.sqrt(2 * len(transformer.network.model.layers))
    with torch.no_grad():
        for name, parameter in transformer.network.named_parameters():
            if parameter.ndim == 1:  # norms begin as the identity, and the others are biases
                parameter.fill_(float("norm" in name))
                continue
            spread = _SPREAD * (deep if name.endswith("Wo.weight") else 1)
            parameter.copy_(_drawn(tuple(parameter.shape), spread, generator))
        transformer.table[transformer.specials.pad] = 0


def begin_with(transformer: Transformer, table: Tensor) -> None:
    """Set the first vectors of the pieces to those of a static encoder.

    Args:
        transformer: The transformer, whose other parameters stay.
        table: The vectors, shape (pieces, size); they are scaled to what is usual.
    """
    with torch.no_grad():
        transformer.table.copy_(table * (_SPREAD / table.square().mean().sqrt()))
        transformer.table[transformer.specials.pad] = 0


def take(
    transformer: Transformer,
    parameters: Mapping[str, Tensor],
    generator: np.random.Generator | None,
) -> None:
    """Set the parameters to those of a file.

    Args:
        transformer: The transformer.
        parameters: By name; those of the head may be missing.
        generator: Draws those that are missing; None to leave them as they are.

    Raises:
        SpecError: One is missing, or is of another shape.
    """
    if generator is not None:
        begin(transformer, generator)
    network = transformer.network
    own = network.state_dict()
    missing = [name for name in own if name.startswith("model.") and name not in parameters]
    if missing:
        raise SpecError(f"lacks {len(missing):,} parameters, such as {missing[0]}.")
    known = {name: tensor.float() for name, tensor in parameters.items() if name in own}
    for name, tensor in known.items():
        if tensor.shape != own[name].shape:
            raise SpecError(
                f"holds {name} of shape {tuple(tensor.shape)}, and the files beside it are about "
                f"{tuple(own[name].shape)}. Copy the whole folder again."
            )
    network.load_state_dict(known, strict=False)


def _drawn(shape: tuple[int, ...], spread: float, generator: np.random.Generator) -> Tensor:
    drawn = generator.standard_normal(shape, np.float32)
    return torch.as_tensor(np.clip(drawn, -2, 2) * np.float32(spread))
