"""A round whose best update is known, for actor-critics to find."""

from collections.abc import Sequence

import numpy as np

from isthmus.horizontal.fusion.rules import Gathered
from isthmus.horizontal.fusion.weigher import Scores
from isthmus.horizontal.parameters import Updates

TARGET = np.array([1, 2, 2, 0], np.float32)
"""Where the loss is least."""


def judge(updates: Updates) -> Scores:
    """The loss grows with the squared distance from the target; 9 away the accuracy is 0."""
    squares = ((updates - TARGET).astype(np.float64) ** 2).sum(axis=1)
    return Scores(accuracy=np.clip(1 - squares / 9, 0, 1), loss=squares / 9)


def gathered(number: int, flipped: Sequence[int] = (), children: int = 6) -> Gathered:
    """Updates near the target, some of them with the opposite sign."""
    noise = np.random.default_rng(number).normal(0, 0.3, (children, len(TARGET)))
    updates = (TARGET + noise).astype(np.float32)
    updates[list(flipped)] *= -1
    return Gathered(
        updates=updates,
        children=np.arange(children),
        enrolled=children,
        counts=np.full(children, 10),
    )
