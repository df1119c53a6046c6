"""Merging what several workers made of the same rows in one round.

The merged row is the row before plus the changes of all workers, added up in the order of their
windows and divided by a number that depends on the rule and on what the column is:

| column                     | touch_mean      | touch_root      | mean    | sum             |
|----------------------------|-----------------|-----------------|---------|-----------------|
| state that is a sum        | 1               | 1               | windows | 1               |
| means of Adam              | workers with it | workers with it | windows | workers with it |
| value, and all other state | workers with it | their root      | windows | 1               |

"Workers with it" changed the row; "windows" are those of the round, one per worker. Why a root: a
step of Adagrad is divided by the root of the sum of squares, so the steps of n workers that start
together are, on a new row, sqrt(n) times as long as if one worker had taken them in turn. A row
that one worker alone changed is set exactly as it left it, wherever nothing is divided and pushes
hold whole rows: so one worker trains as without any server between. Dense numbers are averaged over
the workers that trained them.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from isthmus.paramserver.spec import Adam
from isthmus.paramserver.tables.kernels.unique import unique
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.window import Bools, Float32s, Int32s, Keys, Push

Rule = Literal["touch_mean", "touch_root", "mean", "sum"]
Read = Callable[[Keys], Float32s]
"""From keys to the rows that a table has of them."""


def merge_rows(
    pushes: Sequence[Push], read: Read, layout: Layout, rule: Rule
) -> tuple[Keys, Float32s]:
    """Merge the rows of one round.

    Args:
        pushes: Of each worker, in the order of their windows; at least one.
        read: Reads the rows as they were before; not called where they do not matter.
        layout: What the columns of a row are.
        rule: How changes are merged.

    Returns:
        Every key of the pushes once, and the rows to set.
    """
    if len(pushes) == 1 and not pushes[0].relative:
        return pushes[0].keys, pushes[0].rows
    keys, places = _joined([push.keys for push in pushes])
    before = read(keys)
    touches: Int32s = np.zeros(len(keys), np.int32)
    change: Float32s = np.zeros_like(before)
    for push, place in zip(pushes, places, strict=True):
        touches[place] += 1
        change[place] += push.rows if push.relative else push.rows - before[place]
    change /= _divisors(touches, len(pushes), layout, rule)
    merged: Float32s = before + change
    if rule != "mean":
        for push, place in zip(pushes, places, strict=True):
            if not push.relative:
                alone = touches[place] == 1
                merged[place[alone]] = push.rows[alone]
    return keys, merged


def merge_dense(before: Float32s, pushes: Sequence[Push]) -> Float32s:
    """Average dense numbers over the workers that trained them.

    Args:
        before: A shard's part of the dense numbers and their state, shape (1 + states, part).
        pushes: Of each worker, in the order of their windows.

    Returns:
        The part after the round, a new array.
    """
    trainers: Int32s = np.stack([push.trained for push in pushes]).sum(axis=0, dtype=np.int32)
    change: Float32s = np.zeros_like(before)
    for push in pushes:
        given = push.dense if push.relative else push.dense - before
        change[:, push.trained] += given[:, push.trained]
    change /= np.maximum(trainers, 1).astype(np.float32)
    merged: Float32s = before + change
    for push in pushes:
        if not push.relative:
            alone = push.trained & (trainers == 1)
            merged[:, alone] = push.dense[:, alone]
    return merged


def _joined(parts: Sequence[Keys]) -> tuple[Keys, Sequence[Int32s]]:
    """Returns every key once, and of each part the positions of its keys among them."""
    keys = Keys(
        np.concatenate([part.feature for part in parts]),
        np.concatenate([part.id for part in parts]),
    )
    features = int(keys.feature.max(initial=0)) + 1
    distinct, places, _ = unique(keys, features)
    used = np.zeros(len(distinct), np.bool_)  # DEFAULT keys come first, used or not
    used[places] = True
    new = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return distinct.take(used), np.split(new[places], np.cumsum([len(part) for part in parts])[:-1])


def _divisors(touches: Int32s, windows: int, layout: Layout, rule: Rule) -> Float32s:
    """Returns by what the changes are divided, shape (keys, width)."""
    by_touch = touches.astype(np.float32)[:, None]
    divisors = np.empty((len(touches), layout.width), np.float32)
    divisors[:] = {
        "touch_mean": by_touch,
        "touch_root": np.sqrt(by_touch),
        "mean": np.float32(windows),
        "sum": np.float32(1),
    }[rule]
    if rule != "mean":
        divisors[:, layout.sums] = 1
        divisors[:, _means(layout)] = by_touch
    return divisors


def _means(layout: Layout) -> Bools:
    """Returns which columns are means of gradients or of their squares, shape (width,)."""
    means = np.zeros(layout.width, np.bool_)
    if isinstance(layout.optimizer, Adam):
        means[layout.dimension :] = True
    return means & ~layout.sums
