"""Keys, windows and gradients: all that passes between feeder, trainers and shards, as arrays.

| type      | from -> to             | what it is                                             |
|-----------|------------------------|--------------------------------------------------------|
| Window    | feeder -> worker       | batches to train on, and the unique keys in them       |
| Pull      | feeder -> shard        | keys of a window that lie on the shard                 |
| Rows      | shard -> worker        | their rows, and the shard's part of the dense numbers  |
| Push      | worker -> shard        | the rows after training on the window, or the changes  |
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
UInt16s = NDArray[np.uint16]
Bools = NDArray[np.bool_]

DEFAULT = -1
"""The id of the row that all ids of a feature without a row of their own share."""


@dataclass(frozen=True)
class Keys:
    """Names of rows: an id alone names a row only within its feature."""

    feature: UInt16s
    """Number of the feature, shape (keys,)."""

    id: Int64s
    """Shape (keys,): 0 or more, or DEFAULT."""

    def __len__(self) -> int:
        return len(self.id)

    def take(self, chosen: NDArray[Any]) -> "Keys":
        """Returns the keys at these positions, or where a mask is true."""
        return Keys(self.feature[chosen], self.id[chosen])


class Batch(Protocol):
    """The samples of one training step; a trainer knows more of it than this."""

    @property
    def slots(self) -> Int32s:
        """Every row that the samples use, in their order, as a position in `Window.keys`."""
        ...

    @property
    def samples(self) -> int:
        """Number of samples."""
        ...


@dataclass(frozen=True)
class Window:
    """Consecutive batches that one worker trains on between two exchanges."""

    number: int
    """0 for the first window of the run; window n belongs to worker n % workers."""

    keys: Keys
    """Unique keys, in the order in which the batches first use them.

    The DEFAULT key of every feature comes first, feature by feature, whether it is used or not.
    """

    occurrences: Int32s
    """How many samples of the window use each key, shape (keys,); 0 for DEFAULT keys."""

    batches: Sequence[Any]
    """Each is a `Batch`."""

    @property
    def samples(self) -> int:
        """Number of samples in all batches."""
        return sum(batch.samples for batch in self.batches)


@dataclass(frozen=True)
class Pull:
    """A worker's question to one shard."""

    window: int
    keys: Keys
    occurrences: Int32s


@dataclass(frozen=True)
class Rows:
    """A shard's answer to a `Pull`."""

    rows: Float32s
    """Values and optimizer state, shape (keys, width); zeros where there is no row."""

    admitted: Bools
    """Whether the key has a row of its own; otherwise the DEFAULT row of its feature serves."""

    dense: Float32s
    """The shard's part of the dense numbers and their state, shape (1 + states, part)."""


@dataclass(frozen=True)
class Push:
    """What a worker made of the rows of one shard in one window."""

    window: int
    keys: Keys
    """Only those with a row."""

    rows: Float32s
    """The rows after the window, shape (keys, width), or the changes if `relative`."""

    dense: Float32s
    """Likewise the shard's part of the dense numbers and their state."""

    trained: Bools
    """Which dense numbers the window trained, shape (part,)."""

    relative: bool
    """Whether `rows` and `dense` are changes."""


@dataclass(frozen=True)
class Gradients:
    """What a trainer returns for one batch."""

    vectors: Float32s
    """Gradient of the loss by the vector of every slot, shape (slots, dimension)."""

    dense: Float32s
    """Gradient by the dense numbers, shape (dense,)."""

    trained: Sequence[slice]
    """Which parts of the dense numbers the batch trains; all others stay as they are."""

    loss: float
    """Mean loss of the batch's samples."""

    tally: Float32s = field(default_factory=lambda: np.empty(0, np.float32))
    """Counts that the loop adds up, always as many, and hands to `RunSettings.metrics`."""


class Trainer(Protocol):
    """The second trainer: computes gradients, and changes nothing."""

    dimension: int
    """Numbers of a row that are its value."""

    size: int
    """Number of dense numbers: all layers, flat."""

    def first(self) -> Float32s:
        """Returns the first dense numbers, which the job's seed decides."""
        ...

    def gradients(self, batch: Any, vectors: Float32s, dense: Float32s) -> Gradients:
        """Compute the gradients of one batch.

        Args:
            batch: The batch.
            vectors: The value of every slot of the batch, shape (slots, dimension).
            dense: The dense numbers, shape (size,).

        Returns:
            The gradients.
        """
        ...
