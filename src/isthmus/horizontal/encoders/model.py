"""A trained encoder, with a head on it or without, and its outputs on samples."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.inputs import to_inputs
from isthmus.horizontal.encoders.scaling import Scaling
from isthmus.horizontal.parameters import Parameters
from isthmus.nn import build, parameters
from isthmus.nn.spec import Network

_AT_ONCE = 512  # rows that go through a network together


@dataclass(frozen=True)
class Model:
    """An encoder, and what its holder has added to it."""

    network: Network
    encoder: Parameters
    """Parameters by the names of the module."""

    scaling: Scaling | None = None
    """Of the holder's columns; none where a network takes no columns, or nobody has trained."""

    classes: tuple[str, ...] = ()
    """Names of the classes of the head."""

    head: Parameters = field(default_factory=Parameters)
    """Parameters of a linear layer, `weight` (classes, size) and `bias`; empty without a head."""


def encoder(model: Model) -> nn.Module:
    """The encoder as a module: inputs as `to_inputs` returns them, embeddings (batch, size)."""
    module = build.encoder(model.network)
    parameters.put(model.encoder, module)
    return module.eval()


def embeddings(model: Model, samples: Samples) -> NDArray[np.float32]:
    """The embeddings of samples.

    Args:
        model: The encoder; its head is not used.
        samples: Of the type of its network.

    Returns:
        Shape (rows, size).

    Raises:
        SpecError: The samples do not fit the network.
    """
    return torch.cat(list(_embedded(model, samples))).numpy()


def predicted(model: Model, samples: Samples) -> list[str]:
    """The likeliest class of each sample.

    Args:
        model: With a head.
        samples: Of the type of its network.

    Returns:
        Names of classes, in the order of the samples.

    Raises:
        SpecError: The samples do not fit the network.
    """
    head = build.head(model.network, len(model.classes))
    parameters.put(model.head, head)
    with torch.no_grad():
        best = [head(it).argmax(dim=1) for it in _embedded(model, samples)]
    return [model.classes[int(number)] for number in torch.cat(best)]


def accuracy(model: Model, samples: Samples) -> float:
    """Share of labelled samples whose likeliest class is their label.

    Args:
        model: With a head.
        samples: At least one, with labels.

    Returns:
        From 0 to 1.

    Raises:
        SpecError: The samples do not fit the network.
    """
    labels = samples.labels or ()
    pairs = zip(predicted(model, samples), labels, strict=True)
    return sum(guess == label for guess, label in pairs) / len(labels)


def _embedded(model: Model, samples: Samples) -> Iterator[Tensor]:
    module = encoder(model)
    found = to_inputs(model.network, samples, scaling=model.scaling)
    rows = np.arange(len(found))
    for start in range(0, len(found), _AT_ONCE):
        with torch.no_grad():
            yield module(found.take(rows[start : start + _AT_ONCE]).values)
