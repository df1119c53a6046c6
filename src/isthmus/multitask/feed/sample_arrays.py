"""Samples cut and stored: slices without copies, and arrays for a checkpoint."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.multitask.samples import Lists, Samples
from isthmus.multitask.spec import Amount, Multitask, sparse_features

Arrays = Mapping[str, NDArray[Any]]


def none(spec: Multitask) -> Samples:
    """Returns no samples, with the columns of a job."""
    sparse = list(sparse_features(spec).values())
    several = sum(each.many is not None for each in sparse)
    amounts = sum(isinstance(each, Amount) for each in spec.features.values())
    return Samples(
        np.empty((0, len(sparse) - several), np.int64),
        tuple(Lists(np.empty(0, np.int64), np.empty(0, np.int32)) for _ in range(several)),
        np.empty((0, amounts), np.float32),
        np.empty((0, len(spec.tasks)), np.float32),
        np.empty((0, len(spec.tasks)), np.float32),
        np.empty(0, np.int64),
    )


def cut(samples: Samples, begin: int, end: int) -> Samples:
    """Returns the samples from one to before another, without copying."""
    chosen = slice(begin, end)
    return Samples(
        samples.ids[chosen],
        tuple(_cut_cells(lists, begin, end) for lists in samples.lists),
        samples.numbers[chosen],
        samples.labels[chosen],
        samples.weights[chosen],
        samples.position[chosen],
    )


def to_arrays(name: str, samples: Samples) -> dict[str, NDArray[Any]]:
    """Returns copies of the arrays of samples, each under a name that begins with `name`."""
    found: dict[str, NDArray[Any]] = {
        f"{name}.ids": samples.ids.copy(),
        f"{name}.numbers": samples.numbers.copy(),
        f"{name}.labels": samples.labels.copy(),
        f"{name}.weights": samples.weights.copy(),
        f"{name}.position": samples.position.copy(),
    }
    for number, lists in enumerate(samples.lists):
        found[f"{name}.lists{number}.ids"] = lists.ids.copy()
        found[f"{name}.lists{number}.lengths"] = lists.lengths.copy()
    return found


def of_arrays(name: str, arrays: Arrays, lists: int) -> Samples:
    """Make samples of their arrays.

    Args:
        name: What `to_arrays` called them.
        arrays: Theirs, and others.
        lists: Number of features with several ids.

    Returns:
        The samples.
    """
    return Samples(
        arrays[f"{name}.ids"],
        tuple(
            Lists(arrays[f"{name}.lists{number}.ids"], arrays[f"{name}.lists{number}.lengths"])
            for number in range(lists)
        ),
        arrays[f"{name}.numbers"],
        arrays[f"{name}.labels"],
        arrays[f"{name}.weights"],
        arrays[f"{name}.position"],
    )


def _cut_cells(lists: Lists, begin: int, end: int) -> Lists:
    first = int(lists.lengths[:begin].sum())
    last = first + int(lists.lengths[begin:end].sum())
    return Lists(lists.ids[first:last], lists.lengths[begin:end])
