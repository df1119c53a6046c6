"""Residuals in fixed point, modulo the prime of the shares, so that gradients come out exact.

A party's gradient is a sum over rows of its integer columns times the residuals, of which two
parties have shares. No sum leaves the range of the prime t:

    rows x 2^feature_bits x 2^value_bits <= (t - 1) / 2.

The functions of all parties together have `value_bits` bits, 25 for 24,000 rows: with two parties
12 and 13. They are rounded at random, up or down, so that the error has mean 0 whatever the columns
are. The generator is that of the round: a round that is done again gives the same integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import JobError
from isthmus.crypto.lattice.parameters import SLOTS
from isthmus.crypto.radix import Quantised
from isthmus.vertical.regression.shared.expansion import Additive, Expansion

_PRIME = SLOTS.plain
_DIGIT = 19  # bits of a share that are multiplied at a time
_LEAST_BITS = 4  # below it, what rounding adds at random to a gradient is no longer small
_SPARE = 0.05  # for what lies between the points of tables
_BLOCK_ROWS = 1 << 18  # 2^18 rows x 2^14 x 2^19 stay within the 53 bits of a float


@dataclass(frozen=True)
class Scale:
    """The fixed point of the residuals of a round, and of the functions that make them up.

    Attributes:
        value_bits: A residual as an integer is of a magnitude of at most two to this power.
        passive_bits: Bits after the point of each passive party's functions.
        exponent: No residual exceeds two to this power: the active party tells it in each round.
    """

    value_bits: int
    passive_bits: tuple[int, ...]
    exponent: int = 0

    @property
    def active_bits(self) -> int:
        """Bits after the point of the active party's functions."""
        return self.bits - sum(self.passive_bits)

    @property
    def bits(self) -> int:
        """Bits after the point of a residual."""
        return self.value_bits - self.exponent

    def with_exponent(self, exponent: int) -> "Scale":
        """Returns the scale of a round whose exponent is known."""
        return replace(self, exponent=exponent)


def scale(rows: int, feature_bits: int, functions: Expansion, passives: int) -> Scale:
    """Share out the bits that there are among the parties' functions.

    Args:
        rows: Of training.
        feature_bits: Of integer columns.
        functions: Of the round.
        passives: Passive parties.

    Returns:
        The scale, still without exponent.

    Raises:
        JobError: There are too many rows for so many parties.
    """
    bits = ((_PRIME - 1) // 2 // (rows << feature_bits)).bit_length() - 1
    if bits < _LEAST_BITS * (passives + 1):
        raise JobError(
            f"{rows:,} rows of columns with {feature_bits} bits leave {bits} bits for functions of "
            f"{passives + 1} parties, and each needs {_LEAST_BITS}: agree on a lower "
            "`regression.feature_bits`, or train on fewer rows."
        )
    if isinstance(functions, Additive):  # the others multiply by 1
        return Scale(bits, (bits // 2, *[0] * (passives - 1)))
    return Scale(bits, (bits // (passives + 1),) * passives)


def of_first(functions: Floats, scale: Scale, generator: np.random.Generator) -> Integers:
    """Round the first passive party's functions, shape (K, rows)."""
    return _rounded(functions, scale.passive_bits[0], generator)


def of_middle(
    constants: Floats,
    factors: Floats,
    position: int,
    scale: Scale,
    generator: np.random.Generator,
) -> tuple[Integers, Integers]:
    """Round another passive party's functions.

    Args:
        constants: Shape (K, rows).
        factors: Shape (K, K, rows).
        position: Of the party: 1 is the second passive one.
        scale: Of the round.
        generator: Of the round.

    Returns:
        Constants and factors as integers.
    """
    whole = np.ldexp(constants, sum(scale.passive_bits[: position + 1]))
    rounded = _rounded(factors, scale.passive_bits[position], generator)
    return np.rint(whole).astype(np.int64), rounded


def of_active(
    constant: Floats,
    factors: Floats,
    functions: Expansion,
    scale: Scale,
    generator: np.random.Generator,
) -> tuple[Integers, Integers, Scale]:
    """Round the active party's functions.

    Args:
        constant: f_0 less the label, shape (rows,).
        factors: Shape (K, rows).
        functions: Of the round.
        scale: Of the round, without exponent.
        generator: Of the round.

    Returns:
        Constant and factors as integers, and the scale with the least exponent so that no residual
        overflows, whatever the passive parties' functions are.
    """
    passive_bits = sum(scale.passive_bits)
    most = np.ldexp(
        _most(functions, scale, len(factors)), passive_bits
    )  # of the passive parties' results
    draws = generator.random(factors.shape)
    largest = float((np.abs(constant) + np.abs(factors).sum(axis=0)).max())
    exponent = ceil(log2(max(largest, 2.0**-40)))
    while True:
        found = scale.with_exponent(exponent)
        whole = np.rint(np.ldexp(constant, found.bits)).astype(np.int64)
        rounded = np.floor(np.ldexp(factors, found.active_bits) + draws).astype(np.int64)
        if (np.abs(whole) + most @ np.abs(rounded)).max() <= 1 << scale.value_bits:
            return whole, rounded, found
        exponent += 1


def additive(share: Floats, scale: Scale) -> Integers:
    """Round a share of residuals that just add up.

    Args:
        share: Shape (rows,).
        scale: Of the round, with an exponent as received.

    Returns:
        From 0 to t - 1, shape (rows,).

    Raises:
        ValueError: The share alone is beyond what the exponent allows a residual to be.
    """
    largest = float(np.abs(share).max())
    if largest > 2 * 2.0**scale.exponent:
        raise ValueError(f"residuals are said to be within {2.0**scale.exponent:g}, ours is not")
    return np.rint(np.ldexp(share, scale.bits)).astype(np.int64) % _PRIME


def negative(share: Integers) -> Integers:
    """Returns minus a share, from 0 to t - 1."""
    return -share % _PRIME


def product(columns: Quantised, share: Integers) -> list[int]:
    """Multiply our columns by a share that we have.

    Args:
        columns: Our columns.
        share: From 0 to t - 1, shape (rows,).

    Returns:
        For each column the sum over rows, modulo t: exact, by three products of floats.
    """
    totals = [0] * len(columns.steps)
    for start in range(0, len(share), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        integers = columns[rows].integers().astype(np.float64).T
        for shift in range(0, _PRIME.bit_length(), _DIGIT):
            digit = ((share[rows] >> shift) & ((1 << _DIGIT) - 1)).astype(np.float64)
            for number, part in enumerate((integers @ digit).tolist()):
                totals[number] += int(part) << shift
    return [total % _PRIME for total in totals]


def sums(ours: Sequence[int], theirs: Sequence[int]) -> Integers:
    """Compute the sums of our columns times the residuals.

    Args:
        ours: Our columns times one share, modulo t.
        theirs: Our columns times the other one, modulo t.

    Returns:
        The differences, within t / 2, shape (columns,).
    """
    found = [(one - other) % _PRIME for one, other in zip(ours, theirs, strict=True)]
    return np.array([value - _PRIME if value > _PRIME // 2 else value for value in found], np.int64)


def _most(functions: Expansion, scale: Scale, count: int) -> Floats:
    """Returns the largest magnitude of each result of the passive parties, shape (K,).

    Results stand for functions from -1 to 1, and differ from these by errors: of what the functions
    before them leave, of these themselves, and of rounding, by less than a unit for each integer.
    """
    error = np.full(count, 2.0 ** -scale.passive_bits[0])
    for position, bits in enumerate(scale.passive_bits[1:], start=1):
        left, factors = functions.growth(position)
        rounding = float((1 + error).sum()) * 2.0**-bits if bits else 0.0
        error = _SPARE + left + factors @ error + rounding
    return 1 + error


def _rounded(values: Floats, bits: int, generator: np.random.Generator) -> Integers:
    scaled = np.ldexp(values, bits)
    return np.floor(scaled + generator.random(scaled.shape)).astype(np.int64)
