"""Samples as arrays: what the reader makes of rows, queues hold, and a batch trains on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.window import Float32s, Int32s, Int64s


@dataclass(frozen=True)
class Lists:
    """A column whose cells hold any number of ids."""

    ids: Int64s
    """The ids of all cells, one cell after the other."""

    lengths: Int32s
    """Number of ids of each cell, shape (samples,)."""


@dataclass(frozen=True)
class Samples:
    """Rows of the data, encoded."""

    ids: Int64s
    """Ids of the features with one id per sample, shape (samples, features)."""

    lists: tuple[Lists, ...]
    """Of each feature with several ids per sample."""

    numbers: Float32s
    """Features that are amounts, scaled, shape (samples, amounts)."""

    labels: Float32s
    """0 or 1 per task, shape (samples, tasks); NaN where the label is missing."""

    weights: Float32s
    """What each label counts for in the loss, shape (samples, tasks)."""

    position: Int64s
    """Number of the row in the data, from 0, shape (samples,)."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class TaskBatch:
    """Samples of one training step, with the rows that they use: a `Batch` of a window."""

    task: int
    """Number of the task whose tower is trained; ALL for every task at once."""

    slots: Int32s
    """Of features with one id: sample by sample; then of each list feature, cell by cell."""

    lengths: tuple[Int32s, ...]
    """Of each list feature: the number of ids of each sample, shape (samples,)."""

    numbers: Float32s
    labels: Float32s
    weights: Float32s

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.labels)


ALL = -1
"""In place of the number of a task: all tasks."""


def concatenate(parts: Sequence[Samples]) -> Samples:
    """Returns the samples of all parts, in order; there is at least one part."""
    columns = zip(*(part.lists for part in parts), strict=True)
    return Samples(
        np.concatenate([part.ids for part in parts]),
        tuple(
            Lists(
                np.concatenate([each.ids for each in lists]),
                np.concatenate([each.lengths for each in lists]),
            )
            for lists in columns
        ),
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.position for part in parts]),
    )


def take(samples: Samples, chosen: NDArray[np.intp]) -> Samples:
    """Returns the samples at these positions."""
    return Samples(
        samples.ids[chosen],
        tuple(_take_cells(lists, chosen) for lists in samples.lists),
        samples.numbers[chosen],
        samples.labels[chosen],
        samples.weights[chosen],
        samples.position[chosen],
    )


def _take_cells(lists: Lists, chosen: NDArray[np.intp]) -> Lists:
    starts = np.concatenate([[0], np.cumsum(lists.lengths, dtype=np.int64)[:-1]])[chosen]
    lengths = lists.lengths[chosen]
    before: Int64s = np.cumsum(lengths, dtype=np.int64) - lengths
    within = np.arange(int(lengths.sum())) - np.repeat(before, lengths)
    return Lists(lists.ids[np.repeat(starts, lengths) + within], lengths)
