"""The network of a multi-task model: from vectors of features and amounts to a logit per task.

| model  | Source                                                                                |
|--------|---------------------------------------------------------------------------------------|
| mlp    | layers over the vectors, one after the other, and the amounts                         |
| deepfm | Guo et al. 2017: and, beside them, a factorization machine over the vectors           |
| dcn    | Wang et al. 2021, DCN-v2 stacked: and, below them, cross layers                       |

With deepfm a row has one number more than a vector: the first-order weight of its id. A task adds
to its logit the sum of these weights and each of the `dimension` numbers of the second-order term,
times weights of its own. They begin as 1: with one task the network begins as that of the paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.multitask.negatives import corrections
from isthmus.multitask.network.sharing import TaskLayers, experts
from isthmus.multitask.network.transfer import divide
from isthmus.multitask.spec import Amount, Multitask, sparse_features
from isthmus.nn.parameters import draw as draw_layers


@dataclass(frozen=True)
class FeatureOrder:
    """What goes into the network of a job, in this order."""

    single: tuple[str, ...]
    """Features with one id per sample."""

    lists: tuple[str, ...]
    """Features with several ids per sample, whose vectors are pooled to one."""

    amounts: tuple[str, ...]
    """Features that are amounts."""

    @property
    def vectors(self) -> int:
        """Number of vectors of a sample."""
        return len(self.single) + len(self.lists)


def order_of(spec: Multitask) -> FeatureOrder:
    """Returns the features of a job by what the network takes of them, each in the job's order."""
    sparse = sparse_features(spec)
    return FeatureOrder(
        tuple(name for name, feature in sparse.items() if feature.many is None),
        tuple(name for name, feature in sparse.items() if feature.many is not None),
        tuple(name for name, feature in spec.features.items() if isinstance(feature, Amount)),
    )


def row_dimension(spec: Multitask) -> int:
    """Returns how many numbers of a row are its value."""
    return spec.dimension + (spec.model == "deepfm")


class Network(nn.Module):
    """The shared layers, those of each task, and the uncertainty of each task's loss.

    In this order its parameters lie in the dense numbers of the parameter server.
    """

    def __init__(self, spec: Multitask) -> None:
        super().__init__()
        order = order_of(spec)
        inputs = order.vectors * spec.dimension + len(order.amounts)
        machine = row_dimension(spec) if spec.model == "deepfm" else 0
        self.factorized = spec.model == "deepfm"
        layers = spec.cross_layers if spec.model == "dcn" else 0
        self.cross = nn.ModuleList(nn.Linear(inputs, inputs) for _ in range(layers))
        self.experts = experts(spec, inputs)
        self.tasks = nn.ModuleList(TaskLayers(spec, inputs, machine) for _ in spec.tasks)
        # In a list, because a module's own parameters come before those of its parts.
        self.balance = nn.ParameterList([torch.zeros(len(spec.tasks))])
        self.in_order = tuple(self.parameters())  # looking for them in every batch takes its time

    @property
    def log_variances(self) -> Tensor:
        """Uncertainty of the loss of each task, shape (tasks,)."""
        return self.in_order[-1]

    def forward(
        self, vectors: Tensor, numbers: Tensor, tasks: Sequence[int] | None = None
    ) -> Tensor:
        """Compute the logits of some tasks.

        Args:
            vectors: The vector of every feature, shape (batch, features, numbers of a row).
            numbers: Amounts, shape (batch, amounts).
            tasks: Numbers of the tasks; None for all.

        Returns:
            Shape (batch, tasks).
        """
        if self.factorized:
            inputs, interactions = factorize(vectors, numbers)
        else:
            inputs = torch.cat([vectors.flatten(1), numbers], dim=1)
            interactions = inputs
        first = inputs
        for layer in self.cross:
            inputs = torch.addcmul(inputs, first, layer(inputs))
        shared = [expert(inputs) for expert in self.experts]
        wanted = range(len(self.tasks)) if tasks is None else tasks
        return torch.cat([self.tasks[task](inputs, shared, interactions) for task in wanted], dim=1)


class Predictor(nn.Module):
    """From vectors and amounts to the probability of every label, given those before it.

    Logits are shifted by what makes up for negatives that training left out.
    """

    def __init__(self, spec: Multitask, network: Network) -> None:
        super().__init__()
        self.network = network
        self.shifts = corrections(spec)

    def forward(self, vectors: Tensor, numbers: Tensor) -> Tensor:
        """Predict.

        Args:
            vectors: The vector of every feature, shape (batch, features, numbers of a row).
            numbers: Amounts, shape (batch, amounts).

        Returns:
            Shape (batch, tasks).
        """
        logits = self.network(vectors, numbers)
        return torch.sigmoid(
            logits + logits.new_tensor(self.shifts) if any(self.shifts) else logits
        )


def draw(network: Network, generator: np.random.Generator) -> None:
    """Give the parameters of a network their first values; the same generator gives the same."""
    for part in (network.cross, network.experts, network.tasks):
        draw_layers(part, generator)
    with torch.no_grad():
        for task in network.tasks:
            machine = cast(TaskLayers, task).interactions
            if machine is not None:
                machine.weight.fill_(1)
        network.log_variances.zero_()


def with_numbers(network: Network, flat: Tensor) -> Network:
    """Let dense numbers be the parameters of a network; nothing is copied.

    Args:
        network: It is changed.
        flat: The numbers, in the order of the parameters.

    Returns:
        The same network.
    """
    parts = divide(flat, [parameter.numel() for parameter in network.in_order])
    for parameter, part in zip(network.in_order, parts, strict=True):
        parameter.data = part.view(parameter.shape)
    return network


@dataclass(frozen=True)
class Parts:
    """Where the parameters of a network lie among its dense numbers."""

    shared: slice
    tasks: tuple[slice, ...]
    balance: slice
    """The log-variances of the tasks' losses."""

    @property
    def size(self) -> int:
        """Number of dense numbers."""
        return cast(int, self.balance.stop)


def parts_of(network: Network) -> Parts:
    """Returns where the parameters of a network lie."""
    shared = _count(network.cross) + _count(network.experts)
    ends = shared + np.cumsum([0, *(_count(task) for task in network.tasks)])
    tasks = tuple(slice(int(begin), int(end)) for begin, end in pairwise(ends))
    return Parts(slice(0, shared), tasks, slice(int(ends[-1]), int(ends[-1]) + len(tasks)))


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def factorize(vectors: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Prepare the two inputs of DeepFM.

    Args:
        vectors: Shape (batch, features, dimension + 1); the last number is the first-order weight.
        numbers: Amounts, shape (batch, amounts).

    Returns:
        The inputs of the layers, shape (batch, features * dimension + amounts), and the terms of
        the factorization machine, shape (batch, dimension + 1): the second-order ones, then the
        first-order one.
    """
    if not torch.is_grad_enabled():
        inputs = torch.cat([vectors[..., :-1].flatten(1), numbers], dim=1)
        return inputs, _terms(vectors, vectors.sum(1))
    both: tuple[Tensor, Tensor] = cast(Any, _Factorize).apply(vectors, numbers)
    return both


def _terms(vectors: Tensor, sums: Tensor) -> Tensor:
    # The sum over all pairs of features of the products of their numbers (Rendle 2010, lemma 3.1).
    pairs = (sums.square() - vectors.square().sum(1)) / 2
    return torch.cat([pairs[:, :-1], sums[:, -1:]], dim=1)


class _Factorize(torch.autograd.Function):
    """`factorize` with its gradient in one pass over the vectors, where autograd takes five."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        batch, features, width = vectors.shape
        dimension = width - 1
        inputs = vectors.new_empty(batch, features * dimension + numbers.shape[1])
        wide = inputs[:, : features * dimension]
        wide.view(batch, features, dimension).copy_(vectors[..., :-1])
        inputs[:, features * dimension :] = numbers
        sums = vectors.sum(1)
        ctx.save_for_backward(vectors, sums)
        return inputs, _terms(vectors, sums)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        inputs, terms = gradients
        vectors, sums = ctx.saved_tensors
        gradient = torch.empty_like(vectors)
        inner = gradient[..., :-1]
        wide = inputs[:, : inner[0].numel()]
        torch.sub(sums[:, None, :-1], vectors[..., :-1], out=inner)
        inner.mul_(terms[:, None, :-1])
        inner.add_(wide.reshape(inner.shape))
        gradient[..., -1] = terms[:, -1:]
        return gradient, None


def pool(vectors: Tensor, lengths: Tensor, how: str | None) -> Tensor:
    """Pool the vectors of each cell to one.

    Args:
        vectors: Those of all cells, one cell after the other, shape (ids, numbers of a row).
        lengths: Number of ids of each cell, shape (batch,).
        how: `"sum"` or `"mean"`; the mean of an empty cell is zeros too.

    Returns:
        Shape (batch, numbers of a row).
    """
    sums = torch.segment_reduce(vectors, "sum", lengths=lengths, axis=0, unsafe=True, initial=0)
    return sums if how == "sum" else sums / lengths.clamp(min=1)[:, None]
