"""The module that children train together: an encoder, and what its objective adds."""

import torch
from torch import Tensor, nn

from isthmus.core import seeds
from isthmus.horizontal.encoders.spec import Encoders, Static
from isthmus.horizontal.fusion.spec import TouchMean
from isthmus.horizontal.parameters import Parameters
from isthmus.nn import build, parameters
from isthmus.text.static import StaticEncoder

_ENCODER, _TASK = "encoder.", "task."


class Learner(nn.Module):
    """An encoder, and a decoder, a projection or a head on it."""

    def __init__(self, encoder: nn.Module, task: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.task = task

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns the output of the task on embeddings: logits, if it is a head."""
        found: Tensor = self.task(self.encoder(inputs))
        return found


def learner(spec: Encoders, pieces: int = 0) -> Learner:
    """Make the learner of a job.

    Args:
        spec: What the job says.
        pieces: Size of the vocabulary of a static network.

    Returns:
        The module; its parameters are arbitrary.
    """
    network = spec.network
    if isinstance(network, Static):
        return Learner(StaticEncoder(pieces, network.size), nn.Identity())
    match spec.objective:
        case "pairs" | "switched":
            task: nn.Module = nn.Identity()
        case "reconstruction":
            task = build.decoder(network)
        case "contrastive":
            task = build.projection(network)
        case "labels":
            task = build.head(network, len(spec.classes))
    return Learner(build.encoder(network), task)


def initial(spec: Encoders, seed: int, pieces: int = 0) -> Parameters:
    """The parameters before the first round, the same ones from the same seed.

    Args:
        spec: What the job says.
        seed: The job's.
        pieces: Size of the vocabulary of a static network.

    Returns:
        By name; those of the encoder have the names that `encoder_of` knows.
    """
    with torch.device("meta"):
        module = learner(spec, pieces)
    module = module.to_empty(device="cpu")
    generator = seeds.generator(seed, "initial parameters")
    if isinstance(module.encoder, StaticEncoder):
        module.encoder.begin(generator)
    else:
        parameters.draw(module, generator)
    return parameters.arrays_of(module)


def tables_of(spec: Encoders) -> tuple[str, ...]:
    """Returns the names of the arrays whose rows are averaged over who touched them, if any."""
    if not isinstance(spec.fusion, TouchMean):
        return ()
    return spec.fusion.tables or tuple(f"{_ENCODER}{name}" for name in spec.network.tables)


def encoder_of(found: Parameters) -> Parameters:
    """Returns the encoder's part of a learner's parameters, by the names of its own module."""
    return _below(_ENCODER, found)


def task_of(found: Parameters) -> Parameters:
    """Returns the part of the decoder, projection or head, likewise."""
    return _below(_TASK, found)


def _below(prefix: str, found: Parameters) -> Parameters:
    return {
        name.removeprefix(prefix): array for name, array in found.items() if name.startswith(prefix)
    }
