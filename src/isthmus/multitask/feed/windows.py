"""Windows of samples: the unique keys in them, and the slots of each batch."""

from collections.abc import Sequence

import numpy as np

from isthmus.multitask.samples import Samples, TaskBatch
from isthmus.multitask.spec import Multitask, sparse_features
from isthmus.paramserver.tables.kernels.unique import unique
from isthmus.paramserver.window import Int64s, Keys, UInt16s, Window


class WindowMaker:
    """Makes windows of the samples of one job."""

    def __init__(self, spec: Multitask) -> None:
        """Number the sparse features of the job, from 0 in its order."""
        sparse = list(sparse_features(spec).values())
        self._features = len(sparse)
        numbered = list(enumerate(sparse))
        self._single = np.array([n for n, each in numbered if each.many is None], np.uint16)
        self._several = [number for number, each in numbered if each.many is not None]

    def make(self, number: int, batches: Sequence[tuple[int, Samples]]) -> Window:
        """Make a window.

        Args:
            number: Its number.
            batches: Each with the number of its task, or ALL.

        Returns:
            The window; its batches are `TaskBatch`es.
        """
        parts = [self._keys(samples) for _, samples in batches]
        used = Keys(
            np.concatenate([np.empty(0, np.uint16), *(part.feature for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.id for part in parts)]),
        )
        keys, slots, occurrences = unique(used, self._features, self._users(batches))
        ends = np.cumsum([0, *(len(part) for part in parts)])
        return Window(
            number,
            keys,
            occurrences,
            [
                TaskBatch(
                    task,
                    slots[begin:end],
                    tuple(each.lengths for each in samples.lists),
                    samples.numbers,
                    samples.labels,
                    samples.weights,
                )
                for (task, samples), begin, end in zip(batches, ends[:-1], ends[1:], strict=True)
            ],
        )

    def _keys(self, samples: Samples) -> Keys:
        """Returns the keys of a batch in the order of its slots."""
        features: list[UInt16s] = [np.tile(self._single, len(samples))]
        for feature, lists in zip(self._several, samples.lists, strict=True):
            features.append(np.full(len(lists.ids), feature, np.uint16))
        ids = [samples.ids.ravel(), *(lists.ids for lists in samples.lists)]
        return Keys(np.concatenate(features), np.concatenate(ids))

    def _users(self, batches: Sequence[tuple[int, Samples]]) -> Int64s | None:
        """Returns the sample that uses each slot; None if no sample can use a key twice."""
        if not self._several:
            return None
        parts, before = list[Int64s](), 0
        for _, samples in batches:
            rows = np.arange(before, before + len(samples))
            parts.append(np.repeat(rows, len(self._single)))
            parts += [np.repeat(rows, lists.lengths) for lists in samples.lists]
            before += len(samples)
        return np.concatenate([np.empty(0, np.int64), *parts])
