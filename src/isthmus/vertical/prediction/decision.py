"""Both roles of a decision: the active party learns which scores are above a cut, and no score.

An exact score of two parties tells the active party the other's share of it, since it knows its
own: the predictor is the sum of both. Here it learns one bit of each row.

1. Both write numbers on a grid (`on_grid`): the passive party its share of each row's predictor,
   the active party what that share has to exceed for the score to be above the cut.
2. They compare them under encryption, `SLOTS` rows at a time: crypto/lattice/comparison.py.

A decision can differ from that of the exact score where the predictor is closer than `STEP` to the
cut, or where a share is beyond `LARGEST_SHARE`.
"""

from collections.abc import Iterator

import numpy as np
from scipy import optimize

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.crypto.lattice.comparison import Comparable, Comparer
from isthmus.crypto.lattice.comparison_parameters import NUMBER_BITS, SLOTS
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting.messages import pack_bits, unpack_bits
from isthmus.vertical.checks import checked
from isthmus.vertical.prediction.messages import (
    ComparedNumbers,
    ComparisonProducts,
    ComparisonSeed,
    ZeroRows,
)
from isthmus.vertical.regression.model import Part

LARGEST_SHARE = 16.0
"""Shares of a predictor on standardised columns are cut to this magnitude."""

STEP = 2 * LARGEST_SHARE / (1 << NUMBER_BITS)
"""Distance of two numbers of the grid, in units of the predictor."""

_FARTHEST = 700.0  # a predictor beyond which no mean changes


def decide(passive: Channel, part: Part, own: Floats, cut: float) -> Bools:
    """Learn which rows score above a cut, at the active party.

    Args:
        passive: The channel to the passive party.
        part: Our part of the model.
        own: Our share of each row's predictor, shape (rows,).
        cut: Expected label above which the decision is yes.

    Returns:
        The decisions, shape (rows,).

    Raises:
        SpecError: No score of the model is on both sides of the cut.
        PeerError: The passive party broke the protocol.
    """
    due = on_grid(predictor_at(part, cut) - own)
    decisions = [_compare(passive, due[rows]) for rows in _chunks(len(own))]
    return np.concatenate([np.zeros(0, np.bool_), *decisions])


def help_decide(active: Channel, share: Floats) -> None:
    """Let the active party learn which rows score above its cut, at the passive party.

    Args:
        active: The channel to the active party.
        share: Our share of each row's predictor, shape (rows,).

    Raises:
        PeerError: The active party broke the protocol.
    """
    numbers = on_grid(share)
    for rows in _chunks(len(share)):
        _be_compared(active, numbers[rows])


def on_grid(shares: Floats) -> Integers:
    """Returns shares as integers of `NUMBER_BITS` bits."""
    steps = np.floor((shares + LARGEST_SHARE) / STEP)
    return np.clip(steps, 0, (1 << NUMBER_BITS) - 1).astype(np.int64)


def predictor_at(part: Part, cut: float) -> float:
    """Find the predictor whose expected label is the cut.

    Args:
        part: The active party's part of a model, whose expected label grows with the predictor.
        cut: The expected label.

    Returns:
        The predictor.

    Raises:
        SpecError: There is none.
    """

    def above(predictor: float) -> float:
        return float(part.expected(np.array([predictor]))[0]) - cut

    if not above(-_FARTHEST) < 0 < above(_FARTHEST):  # nor is one at "nan"
        raise SpecError(
            f"`prediction.decision.cut` is {cut:g}, and no score of this model is there: give an "
            "expected label, such as a probability between 0 and 1."
        )
    return float(optimize.brentq(above, -_FARTHEST, _FARTHEST, xtol=STEP / 1024))


def _chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, SLOTS):
        yield slice(start, min(rows, start + SLOTS))


def _compare(passive: Channel, due: Integers) -> Bools:
    # 1. Send a seed, and get numbers under a key that it has a say in.
    comparer = Comparer(due)
    passive.send(ComparisonSeed(seed=comparer.seed))
    numbers = passive.receive(ComparedNumbers)

    # 2. Multiply them by what hides whether they are greater.
    with checked(passive, ComparedNumbers):
        products = comparer.products(numbers.key, numbers.bits)
    passive.send(ComparisonProducts(products=products))

    # 3. Learn where there is a 0, and take our coins off.
    zeros = passive.receive(ZeroRows)
    with checked(passive, ZeroRows):
        return comparer.decisions(unpack_bits(zeros.rows, (len(due),)))


def _be_compared(active: Channel, numbers: Integers) -> None:
    seed = active.receive(ComparisonSeed).seed
    with checked(active, ComparisonSeed):
        comparable = Comparable(seed)
    active.send(ComparedNumbers(key=comparable.public(), bits=comparable.encrypt(numbers)))
    answer = active.receive(ComparisonProducts)
    with checked(active, ComparisonProducts):
        zeros = comparable.zeros(answer.products, len(numbers))
    active.send(ZeroRows(rows=pack_bits(zeros)))
