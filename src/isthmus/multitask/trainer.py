"""The second trainer of S4 for multi-task models: gradients of one batch, in PyTorch."""

from pathlib import Path

import msgspec

from isthmus.multitask.samples import TaskBatch
from isthmus.multitask.spec import Multitask
from isthmus.paramserver.window import Float32s, Gradients
from isthmus.store import atomic


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
        self.dimension = 0
        """Numbers of a row that are its value: of deepfm one more than of a vector."""

        self.size = 0
        self._description = description

    def first(self) -> Float32s:
        """Returns the first dense numbers, which the job's seed decides."""
        raise NotImplementedError

    def gradients(self, batch: TaskBatch, vectors: Float32s, dense: Float32s) -> Gradients:
        """Compute the gradients of one batch.

        Args:
            batch: The batch.
            vectors: The value of every slot of the batch, shape (slots, dimension).
            dense: The dense numbers, shape (size,).

        Returns:
            The gradients.
        """
        raise NotImplementedError

    def predict(self, batch: TaskBatch, vectors: Float32s, dense: Float32s) -> Float32s:
        """Predict the probability of every label.

        Args:
            batch: Of any task; labels and weights are not used.
            vectors: The value of every slot of the batch, shape (slots, dimension).
            dense: The dense numbers, shape (size,).

        Returns:
            Shape (samples, tasks): that a label is 1, given that the labels before it are.
        """
        raise NotImplementedError
