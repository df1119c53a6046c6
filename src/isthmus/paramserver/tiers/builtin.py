"""The built-in server: the rows of one window at the worker, updated after every batch.

It holds copies of the rows that the window uses, as the shards had them, brought up to date with
what the worker itself has trained since. After the window the worker gives back what became of
them, and keeps nothing.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.engine import NO_FEATURE, Plan, WindowReport
from isthmus.paramserver.shards.placement import part, positions, size_of
from isthmus.paramserver.tables.kernels.unique import unique
from isthmus.paramserver.tables.kernels.updating import gather, update, update_dense
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.window import (
    DEFAULT,
    Bools,
    Float32s,
    Gradients,
    Int32s,
    Keys,
    Push,
    Rows,
    Trainer,
    Window,
)


@dataclass(frozen=True)
class _Copies:
    """The rows of a window, and all dense numbers."""

    rows: Float32s
    """In the order of the window's keys, shape (keys, width)."""

    dense: Float32s
    """Values and state, shape (1 + states, size)."""

    serving: Int32s
    """Position of the row that serves each key: its own, or the DEFAULT row of its feature."""

    places: Sequence[NDArray[np.intp]]
    """Of each shard, the positions of its keys."""

    used: Bools
    """Which rows a batch has updated so far, shape (keys,)."""

    trained: Bools
    """Which dense numbers a batch has updated so far, shape (size,)."""


def train_window(
    trainer: Trainer,
    plan: Plan,
    window: Window,
    rows: Sequence[Rows],
    carried: Sequence[Sequence[Push]] = (),
) -> tuple[Sequence[Push], WindowReport]:
    """Train on the batches of a window, one after the other.

    Args:
        trainer: Computes gradients.
        plan: Of the run.
        window: The window.
        rows: Rows of the window's keys and dense numbers, by shard.
        carried: What this worker made of its windows that are missing in `rows`, oldest first, each
            by shard.

    Returns:
        What became of the rows and dense numbers, by shard; and the report. If something was not
        finite, the window is not trained on to its end, and the rows must not be used.
    """
    started = time.perf_counter()
    copies = _put_together(plan, window, rows, carried)
    relative = plan.server.workers > 1 and plan.server.staleness > 0
    before = (copies.rows.copy(), copies.dense.copy()) if relative else None
    loss, diverged, tally = _train(trainer, plan, window, copies)
    pushes = _pushes(window, copies, before)
    if diverged is None and not all(_finite(push.rows, push.dense) for push in pushes):
        loss, diverged = math.nan, _largest(window.keys, copies.rows)
    report = WindowReport(
        window.number,
        window.samples,
        loss,
        sum(size_of(each.rows, each.admitted, each.dense) for each in rows)
        + sum(
            size_of(each.keys.feature, each.keys.id, each.rows, each.dense, each.trained)
            for each in pushes
        ),
        time.perf_counter() - started,
        tuple(tally.tolist()),
        diverged,
    )
    return pushes, report


def _put_together(
    plan: Plan, window: Window, rows: Sequence[Rows], carried: Sequence[Sequence[Push]]
) -> _Copies:
    places = positions(window.keys, len(rows))
    together = np.empty((len(window.keys), rows[0].rows.shape[1]), np.float32)
    admitted: Bools = np.empty(len(window.keys), np.bool_)
    for place, given in zip(places, rows, strict=True):
        together[place] = given.rows
        admitted[place] = given.admitted
    dense = np.concatenate([given.dense for given in rows], axis=1)
    for pushes in carried:
        for shard, push in enumerate(pushes):
            _carry(dense[:, part(plan.size, len(rows), shard)], push)
    if carried:
        _carry_rows(window.keys, together, [push for pushes in carried for push in pushes])
    # The DEFAULT key of each feature is at the position of its number.
    own = np.arange(len(window.keys), dtype=np.int32)
    serving = np.where(admitted, own, window.keys.feature.astype(np.int32))
    used = np.zeros(len(window.keys), np.bool_)
    return _Copies(together, dense, serving, places, used, np.zeros(plan.size, np.bool_))


def _carry(dense: Float32s, push: Push) -> None:
    if push.relative:
        dense += push.dense
    else:
        dense[:, push.trained] = push.dense[:, push.trained]


def _carry_rows(keys: Keys, rows: Float32s, pushes: Sequence[Push]) -> None:
    """Bring rows up to date with earlier pushes, oldest first."""
    features = int(np.count_nonzero(keys.id == DEFAULT))
    _, found, _ = unique(
        Keys(
            np.concatenate([keys.feature, *(push.keys.feature for push in pushes)]),
            np.concatenate([keys.id, *(push.keys.id for push in pushes)]),
        ),
        features,
    )
    # The window's keys are unique and begin with those of DEFAULT: so they find themselves.
    start = len(keys)
    for push in pushes:
        place = found[start : start + len(push.keys)]
        start += len(push.keys)
        here = place < len(keys)
        if push.relative:
            rows[place[here]] += push.rows[here]
        else:
            rows[place[here]] = push.rows[here]


def _train(
    trainer: Trainer, plan: Plan, window: Window, copies: _Copies
) -> tuple[float, int | None, Float32s]:
    """Returns the mean loss, the feature that made the window diverge, if it did, and counts."""
    row_rule = Layout(plan.dimension, plan.server.rows).rule
    dense_rule = Layout(1, plan.server.dense).rule
    total, tally = 0.0, np.zeros(0, np.float32)
    last: tuple[Int32s, Float32s] | None = None
    for batch in window.batches:
        slots = copies.serving[batch.slots]
        vectors = gather(copies.rows, slots, plan.dimension)
        given = trainer.gradients(batch, vectors, copies.dense[0])
        if not (math.isfinite(given.loss) and _finite(given.vectors, given.dense)):
            return math.nan, _guilty(window.keys, copies.rows, (slots, given), last), tally
        update(copies.rows, slots, given.vectors, row_rule)
        update_dense(copies.dense, given.dense, given.trained, dense_rule)
        copies.used[slots] = True
        for each in given.trained:
            copies.trained[each] = True
        total += given.loss * batch.samples
        tally = added(tally, given.tally)
        last = slots, given.vectors
    return total / max(window.samples, 1), None, tally


def added(tally: Float32s, more: Float32s) -> Float32s:
    """Returns the sum of two counts; one of nothing has no numbers."""
    return tally + more if tally.size and more.size else tally if tally.size else more


def _pushes(
    window: Window, copies: _Copies, before: tuple[Float32s, Float32s] | None
) -> Sequence[Push]:
    rows, dense = copies.rows, copies.dense
    if before is not None:
        rows, dense = rows - before[0], dense - before[1]
    shards = len(copies.places)
    return [
        Push(
            window.number,
            window.keys.take(chosen := place[copies.used[place]]),
            rows[chosen],
            np.ascontiguousarray(dense[:, part(dense.shape[1], shards, shard)]),
            copies.trained[part(dense.shape[1], shards, shard)],
            before is not None,
        )
        for shard, place in enumerate(copies.places)
    ]


def _guilty(
    keys: Keys,
    rows: Float32s,
    now: tuple[Int32s, Gradients],
    last: tuple[Int32s, Float32s] | None,
) -> int:
    """Returns the feature whose gradients grew until something was not finite.

    It is the one feature whose gradients are not finite, if there is just one; else the one with
    the largest gradient in the batch before, or with the largest number in a row if there is none.
    """
    slots, given = now
    broken = np.unique(keys.feature[slots[~np.isfinite(given.vectors).all(axis=1)]])
    if len(broken) == 1:
        return int(broken[0])
    if last is None:
        return _largest(keys, rows)
    return _largest(keys.take(last[0]), last[1])


def _largest(keys: Keys, numbers: Float32s) -> int:
    """Returns the feature with the largest number; what is not a number counts as larger."""
    if not numbers.size:
        return NO_FEATURE
    largest = np.nan_to_num(np.abs(numbers).max(axis=1), nan=np.inf)
    return int(keys.feature[np.argmax(largest)])


def _finite(*arrays: Float32s) -> bool:
    """Returns whether all numbers are finite, and not so large that their squares are not."""
    return all(math.isfinite(np.vdot(array, array)) for array in arrays)
