"""The second trainer of S4 for multi-task models: gradients of one batch, in PyTorch.

Shared layers and the towers of a batch's tasks are trained; all other layers stay as they are.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from isthmus.core.errors import SpecError
from isthmus.core.seeds import generator
from isthmus.multitask.network import networks
from isthmus.multitask.network.losses import Losses, projected
from isthmus.multitask.network.tally import tally
from isthmus.multitask.network.transfer import divide, to_device, to_host
from isthmus.multitask.samples import ALL, TaskBatch
from isthmus.multitask.spec import Multitask, sparse_features
from isthmus.nn import threads
from isthmus.paramserver.window import Float32s, Gradients
from isthmus.store import atomic

FILE = "trainer.json"
"""Name of the file with the description, in the folder of a run."""


class Description(msgspec.Struct, frozen=True):
    """All that a trainer is made from; a JSON file, so that another process can make it."""

    spec: Multitask
    seed: int


def write(path: Path, description: Description) -> None:
    """Write the description of a trainer, for `make`."""
    atomic.write(path, msgspec.json.format(msgspec.json.encode(description)) + b"\n")


def make(path: Path) -> "TorchTrainer":
    """Make a trainer from the file with its description."""
    return TorchTrainer(msgspec.json.decode(path.read_bytes(), type=Description))


class TorchTrainer:
    """Computes gradients and predictions, and changes nothing; threads may share one."""

    def __init__(self, description: Description) -> None:
        """Build the network.

        Args:
            description: What it is made from.

        Raises:
            SpecError: The job asks for CUDA, and there is none.
        """
        self._spec = spec = description.spec
        if spec.server.device == "cuda" and not torch.cuda.is_available():
            raise SpecError(
                '`multitask.server.device` is "cuda", but PyTorch finds no such device. Set it '
                'to "cpu", or install a PyTorch with CUDA and its driver.'
            )
        threads.use(spec.server.threads)
        self._seed = description.seed
        self._order = networks.order_of(spec)
        sparse = sparse_features(spec)
        self._pooling = [sparse[name].many for name in self._order.lists]
        self._losses = Losses(spec)
        self._device = torch.device(spec.server.device)
        self._own = _Own(spec)
        self._parts = networks.parts_of(self._own.network)

        self.dimension = networks.row_dimension(spec)
        """Numbers of a row that are its value: of deepfm one more than of a vector."""

        self.size = self._parts.size

    def first(self) -> Float32s:
        """Returns the first dense numbers, which the job's seed decides."""
        network = networks.Network(self._spec)
        networks.draw(network, generator(self._seed, "multitask", "layers"))
        return np.concatenate([it.detach().numpy().ravel() for it in network.in_order])

    def gradients(self, batch: TaskBatch, vectors: Float32s, dense: Float32s) -> Gradients:
        """Compute the gradients of one batch.

        Args:
            batch: The batch.
            vectors: The value of every slot of the batch, shape (slots, dimension).
            dense: The dense numbers, shape (size,).

        Returns:
            The gradients. A label that the whole batch lacks trains nothing.
        """
        tasks = self._labelled(batch)
        if not tasks:
            return Gradients(np.zeros_like(vectors), np.zeros_like(dense), (), 0.0)
        arrays = (vectors, dense, batch.numbers, batch.labels, batch.weights, *batch.lengths)
        leaf, flat, numbers, labels, weights, *lengths = to_device(arrays, self._device)
        network = networks.with_numbers(self._own.network, flat)
        needed = sorted({it for task in tasks for it in self._losses.chains[task]})
        leaf.requires_grad_()
        outputs = network(self._pooled(leaf, lengths, batch), numbers, needed)
        logits = dict(zip(needed, outputs.unbind(1), strict=True))
        losses = {
            task: self._losses.of_task(
                task,
                [logits[it] for it in self._losses.chains[task]],
                labels[:, task],
                weights[:, task],
            )
            for task in tasks
        }
        by_vectors, by_dense = self._differentiate(losses, leaf, network)
        loss = torch.stack(list(losses.values())).sum()
        scores = torch.sigmoid(outputs.detach()).T.contiguous()
        found = to_host((by_vectors, by_dense, loss, scores))
        of_tasks = {task: found[3][needed.index(task)] for task in tasks}
        return Gradients(
            found[0],
            found[1],
            self._trained(tasks, needed),
            float(found[2]),
            tally(of_tasks, batch.labels),
        )

    def predict(self, batch: TaskBatch, vectors: Float32s, dense: Float32s) -> Float32s:
        """Predict the probability of every label.

        Args:
            batch: Of any task; labels and weights are not used.
            vectors: The value of every slot of the batch, shape (slots, dimension).
            dense: The dense numbers, shape (size,).

        Returns:
            Shape (samples, tasks): that a label is 1, given that the labels before it are,
            corrected for negatives that training leaves out.
        """
        arrays = (vectors, dense, batch.numbers, *batch.lengths)
        leaf, flat, numbers, *lengths = to_device(arrays, self._device)
        predictor = networks.Predictor(self._spec, networks.with_numbers(self._own.network, flat))
        with torch.no_grad():
            return to_host([predictor(self._pooled(leaf, lengths, batch), numbers)])[0]

    def _labelled(self, batch: TaskBatch) -> list[int]:
        tasks = range(batch.labels.shape[1]) if batch.task == ALL else (batch.task,)
        return [task for task in tasks if not np.isnan(batch.labels[:, task]).all()]

    def _pooled(self, vectors: Tensor, lengths: Sequence[Tensor], batch: TaskBatch) -> Tensor:
        single = len(self._order.single)
        wide = (batch.samples, single, self.dimension)
        if not lengths:
            return vectors.view(wide)
        counts = [int(it.sum()) for it in batch.lengths]
        first, *lists = divide(vectors, [batch.samples * single, *counts])
        cells = [
            networks.pool(each, length, many)[:, None]
            for each, length, many in zip(lists, lengths, self._pooling, strict=True)
        ]
        return torch.cat([first.view(wide), *cells], dim=1)

    def _differentiate(
        self, losses: Mapping[int, Tensor], leaf: Tensor, network: networks.Network
    ) -> tuple[Tensor, Tensor]:
        leaves = (leaf, *network.in_order)
        if self._spec.balance == "pcgrad" and len(losses) > 1:
            return self._projected(list(losses.values()), leaves)
        total = self._losses.balanced(losses, network.log_variances)
        found = torch.autograd.grad(total, leaves, materialize_grads=True)
        return found[0], _flat(found[1:])

    def _projected(
        self, losses: Sequence[Tensor], leaves: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        found = [
            _flat(torch.autograd.grad(loss, leaves, retain_graph=True, materialize_grads=True))
            for loss in losses
        ]
        values = leaves[0].numel()
        shared = values + self._parts.shared.stop
        together = projected([gradient[:shared] for gradient in found])
        alone = torch.stack([gradient[shared:] for gradient in found]).sum(0)
        by_vectors, by_shared = divide(together, [values, shared - values])
        return by_vectors.view(leaves[0].shape), torch.cat([by_shared, alone])

    def _trained(self, tasks: Sequence[int], needed: Sequence[int]) -> list[slice]:
        slices = [self._parts.shared, *(self._parts.tasks[task] for task in needed)]
        if self._spec.balance == "uncertainty" and len(tasks) > 1:
            first = self._parts.balance.start
            slices += [slice(first + task, first + task + 1) for task in tasks]
        return slices


class _Own(threading.local):
    """The network of one thread: its parameters are the dense numbers of the latest batch."""

    def __init__(self, spec: Multitask) -> None:
        self.network = networks.Network(spec)


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
