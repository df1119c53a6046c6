"""Models to compare with: the known probabilities, and a logistic regression of the same features.

Boosted trees are in `boosted`.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.multitask.compare.measuring import measured_rows
from isthmus.multitask.feed.reading import FinalBlock
from isthmus.multitask.feed.windows import WindowMaker
from isthmus.multitask.samples import ALL, Samples, take
from isthmus.multitask.spec import Multitask, sparse_features
from isthmus.paramserver.spec import Ftrl
from isthmus.paramserver.tables.kernels.updating import gather, update
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import FeatureRule, Table
from isthmus.paramserver.window import Float32s, Int32s, Int64s, Keys

_FTRL = Ftrl(rate=0.1, beta=1.0, l1=0.0, l2=1e-3)
_BATCH = 128
"""Samples of a step: few, as in the paper each is a step of its own."""


def known_columns(spec: Multitask) -> tuple[str, ...]:
    """Returns the names of the columns with known probabilities, to read beside the samples."""
    return tuple(task.known for task in spec.tasks.values() if task.known is not None)


def known(spec: Multitask, block: FinalBlock) -> Floats | None:
    """Returns the known probabilities, shape (rows, tasks), NaN where a task has none.

    Args:
        spec: The `[multitask]` table.
        block: Test rows, read with `known_columns`.

    Returns:
        The probabilities; None if no task has any.
    """
    if not known_columns(spec):
        return None
    missing = np.full(len(block.samples), np.nan)
    columns = [
        missing if task.known is None else block.extra[task.known] for task in spec.tasks.values()
    ]
    return np.stack(columns, axis=1)


class Linear:
    """Hashed logistic regressions, one per task, learned by FTRL in one pass (McMahan et al. 2013).

    Their weights are rows of a parameter server's table. Every id has a weight; so has every
    amount, times its value.
    """

    def __init__(self, spec: Multitask, seed: int) -> None:
        sparse = list(sparse_features(spec).values())
        self._spec = spec
        self._windows = WindowMaker(spec)
        self._single = [n for n, each in enumerate(sparse) if each.many is None]
        self._several = [n for n, each in enumerate(sparse) if each.many is not None]
        self._means = [sparse[n].many == "mean" for n in self._several]
        self._sparse = len(sparse)
        amounts = len(spec.features) - len(sparse)
        self._own = Keys(  # of the constant, and of each amount
            (len(sparse) + np.arange(1 + amounts)).astype(np.uint16),
            np.zeros(1 + amounts, np.int64),
        )
        layout = Layout(1, _FTRL, scale=0.0)
        rules = [FeatureRule()] * (len(sparse) + 1 + amounts)
        self._tables = [Table(layout, rules, seed) for _ in spec.tasks]
        self._rule = layout.rule
        self._seen = 0

    def learn(self, samples: Samples) -> None:
        """Learn from samples, in their order; each task from those that have its label."""
        for number, table in enumerate(self._tables):
            rows = np.flatnonzero(measured_rows(self._spec, samples.labels, number))
            if len(rows):
                self._learn(table, number, take(samples, rows))
        self._seen += len(samples)

    def predict(self, samples: Samples) -> Floats:
        """Returns probabilities, shape (samples, tasks)."""
        keys, slots, values, rows = self._used(samples)
        found = np.empty((len(samples), len(self._tables)))
        for number, table in enumerate(self._tables):
            weights, _ = table.read(keys)
            found[:, number] = _sigmoid(_sums(weights, slots, values, rows, len(samples)))
        return found

    def _learn(self, table: Table, number: int, samples: Samples) -> None:
        keys, slots, values, rows = self._used(samples)
        weights, _ = table.pull(keys, np.ones(len(keys), np.int32), self._seen, 0)
        order = np.argsort(rows, kind="stable")
        slots, values, rows = slots[order], values[order], rows[order]
        labels = samples.labels[:, number]
        ends = np.searchsorted(rows, np.arange(0, len(samples) + _BATCH, _BATCH))
        for batch, (begin, end) in enumerate(pairwise(ends)):
            first = batch * _BATCH
            some = slice(begin, end)
            label = labels[first : first + _BATCH]
            local = rows[some] - first
            scores = _sums(weights, slots[some], values[some], local, len(label))
            error = (_sigmoid(scores) - label).astype(np.float32)
            update(weights, slots[some], (error[local] * values[some])[:, None], self._rule)
        table.push(keys, weights, self._seen, 0)

    def _used(self, samples: Samples) -> tuple[Keys, Int32s, Float32s, Int64s]:
        """Returns the weights that samples use: their keys, and for each use which, times what."""
        window = self._windows.make(0, [(ALL, samples)])
        count, extra = len(samples), len(self._own)
        keys = Keys(
            np.concatenate([window.keys.feature, self._own.feature]),
            np.concatenate([window.keys.id, self._own.id]),
        )
        each = np.arange(count)
        own = np.tile(np.arange(extra, dtype=np.int32) + len(window.keys), count)
        rows: list[Int64s] = [np.repeat(each, len(self._single))]
        values: list[NDArray[np.floating]] = [np.ones(count * len(self._single))]
        for lists, mean in zip(samples.lists, self._means, strict=True):
            rows.append(np.repeat(each, lists.lengths))
            share = 1 / np.maximum(lists.lengths, 1) if mean else np.ones(count)
            values.append(np.repeat(share, lists.lengths))
        rows.append(np.repeat(each, extra))
        values.append(np.column_stack([np.ones(count), samples.numbers]).ravel())
        return (
            keys,
            np.concatenate([window.batches[0].slots, own]),
            np.concatenate(values).astype(np.float32),
            np.concatenate(rows),
        )


def _sums(weights: Float32s, slots: Int32s, values: Float32s, rows: Int64s, count: int) -> Floats:
    """Returns the sum of weight times value of each row, shape (count,)."""
    chosen = gather(weights, slots, 1)[:, 0]
    sums: Floats = np.bincount(rows, weights=chosen * values, minlength=count).astype(np.float64)
    return sums


def _sigmoid(scores: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
