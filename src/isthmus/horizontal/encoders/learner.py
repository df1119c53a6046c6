"""What children train together: an encoder, and on it what its objective needs."""

import torch
from torch import Tensor, nn

from isthmus.core import seeds
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.parameters import Parameters
from isthmus.nn import build, parameters

_ENCODER, _TASK = "encoder.", "task."


class Learner(nn.Module):
    """An encoder, and a decoder, a projection or a head on it."""

    def __init__(self, encoder: nn.Module, task: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.task = task

    def forward(self, inputs: Tensor) -> Tensor:
        """What the task makes of embeddings: logits, where it is a head."""
        found: Tensor = self.task(self.encoder(inputs))
        return found


def learner(spec: Encoders) -> Learner:
    """The learner of a job; its parameters are arbitrary."""
    match spec.objective:
        case "reconstruction":
            task = build.decoder(spec.network)
        case "contrastive":
            task = build.projection(spec.network)
        case "labels":
            task = build.head(spec.network, len(spec.classes))
    return Learner(build.encoder(spec.network), task)


def initial(spec: Encoders, seed: int) -> Parameters:
    """The parameters before the first round, the same ones from the same seed.

    Args:
        spec: What the job says.
        seed: The job's.

    Returns:
        By name; those of the encoder have the names that `encoder_of` knows.
    """
    with torch.device("meta"):
        module = learner(spec)
    module = module.to_empty(device="cpu")
    parameters.draw(module, seeds.generator(seed, "initial parameters"))
    return parameters.arrays_of(module)


def encoder_of(found: Parameters) -> Parameters:
    """The part of a learner's parameters that is the encoder, by the names it has by itself."""
    return _below(_ENCODER, found)


def task_of(found: Parameters) -> Parameters:
    """The part that is the decoder, the projection or the head, likewise."""
    return _below(_TASK, found)


def _below(prefix: str, found: Parameters) -> Parameters:
    return {
        name.removeprefix(prefix): array for name, array in found.items() if name.startswith(prefix)
    }
