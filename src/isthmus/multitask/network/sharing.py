"""Layers that the tasks of a model share, and the layers of each task alone.

| sharing | shared layers      | a task's own layers                                            |
|---------|--------------------|----------------------------------------------------------------|
| bottom  | one expert         | a tower (Caruana 1997)                                         |
| mmoe    | several experts    | a gate that mixes them, a tower (Ma et al. 2018)               |
| ple     | several experts    | experts, a gate that mixes both, a tower (Tang et al. 2020, with |
|         |                    | one extraction layer)                                          |
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from isthmus.multitask.spec import Multitask


class Layers(nn.Sequential):
    """Fully connected layers with ReLU: (batch, inputs) to (batch, outputs)."""

    def __init__(self, inputs: int, units: Sequence[int]) -> None:
        super().__init__(
            *(
                layer
                for each in pairwise((inputs, *units))
                for layer in (nn.Linear(*each), nn.ReLU())
            )
        )
        self.outputs = (inputs, *units)[-1]


def experts(spec: Multitask, inputs: int) -> nn.ModuleList:
    """Returns the layers that all tasks share; each maps (batch, inputs) to (batch, outputs)."""
    count = 1 if spec.sharing == "bottom" else spec.experts
    return nn.ModuleList(Layers(inputs, spec.hidden) for _ in range(count))


class TaskLayers(nn.Module):
    """The sub-network of one task: its experts and gate, if it has any, and its tower.

    Args:
        spec: The table of the job.
        inputs: Numbers of a sample that go into the experts.
        interactions: Numbers of a sample that a factorization machine adds; 0 for none.
    """

    def __init__(self, spec: Multitask, inputs: int, interactions: int) -> None:
        super().__init__()
        own = spec.own_experts if spec.sharing == "ple" else 0
        outputs = (inputs, *spec.hidden)[-1]
        self.experts = nn.ModuleList(Layers(inputs, spec.hidden) for _ in range(own))
        self.gate = None if spec.sharing == "bottom" else nn.Linear(inputs, own + spec.experts)
        self.tower = Layers(outputs, spec.tower)
        self.last = nn.Linear(self.tower.outputs, 1)
        self.interactions = nn.Linear(interactions, 1, bias=False) if interactions else None

    def forward(self, inputs: Tensor, shared: Sequence[Tensor], interactions: Tensor) -> Tensor:
        """Compute the logit of the task.

        Args:
            inputs: What went into the experts, shape (batch, inputs).
            shared: What came out of each shared expert, shape (batch, outputs).
            interactions: Terms of the factorization machine; without one they are not used.

        Returns:
            Shape (batch, 1).
        """
        logit: Tensor = self.last(self.tower(self._mixed(inputs, shared)))
        return logit if self.interactions is None else logit + self.interactions(interactions)

    def _mixed(self, inputs: Tensor, shared: Sequence[Tensor]) -> Tensor:
        if self.gate is None:
            return shared[0]
        outputs = torch.stack([*(expert(inputs) for expert in self.experts), *shared], dim=1)
        shares = torch.softmax(self.gate(inputs), dim=1)
        mixed: Tensor = torch.bmm(shares[:, None], outputs)[:, 0]
        return mixed
