"""Which shared rows are trained on, and which are scored: the same at every party, no message."""

from collections.abc import Sequence

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.data.index import split
from isthmus.jobs.job import Data, Fold


def divide(identifiers: Sequence[bytes], data: Data, seed: int) -> tuple[Integers, Integers]:
    """Divide rows of the data set to train on.

    Args:
        identifiers: Normalised key of each row.
        data: The `[data]` table.
        seed: The job's seed.

    Returns:
        Positions of the rows to train on and of those to score, each in an order that depends on
        identifiers and seed only. With a fold, the rows that the job keeps for scoring are in
        neither: nothing that is chosen by folds has seen them.
    """
    share = data.test_share if data.test is None else 0.0  # the order of batches comes from it too
    train, held_out = split(identifiers, share, seed)
    if data.fold is None:
        return train, held_out
    begin, end = _bounds(len(train), data.fold)
    return np.concatenate([train[:begin], train[end:]]), train[begin:end]


def left(rows: int, fold: Fold | None) -> int:
    """Returns how many of so many rows to train on are trained on, where a fold may be scored."""
    if fold is None:
        return rows
    begin, end = _bounds(rows, fold)
    return rows - (end - begin)


def _bounds(rows: int, fold: Fold) -> tuple[int, int]:
    return rows * (fold.part - 1) // fold.of, rows * fold.part // fold.of


def scores_fold(data: Data) -> bool:
    """Returns whether rows of the data set to train on are scored, not those of another one."""
    return data.fold is not None or data.test is None
