"""The residual as a short sum of products: of every product, each party computes one factor.

The residual of a row depends on the sum of numbers that nobody may see together: the active party's
share `a` of the linear predictor, and those of the passive parties, b_1 to b_m. For every family

    residual(a + b_1 + ... + b_m) = f_0(a) + f_1(a) h_1 + ... + f_K(a) h_K.

With one passive party, h_k = g_k(b_1) is a function of its share. Every further one makes the h of
those before it into others: a function of its own share, plus functions of it times the h.

| family   | products      | error                                                              |
|----------|---------------|--------------------------------------------------------------------|
| binomial | K by spread   | it falls fast with K, see `logistic.py`; a polynomial of degree K  |
|          |               | in a + b costs as much, and ends far off                           |
| gaussian | 0             | none: the shares just add up (1 with several passive parties)      |
| poisson  | 1             | none: exp(a + b) = exp(a) exp(b)                                   |
| gamma    | 1             | none                                                               |
| tweedie  | 2             | none                                                               |

All parties compute the same functions from coarse levels that they tell each other: the spread of
their shares, or, where there is no error, the largest share. The active party tells K: it is the
least whose error is good enough, and machines could differ in what they find.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Protocol, assert_never

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import JobError
from isthmus.vertical.regression.shared.counts import most_products
from isthmus.vertical.regression.shared.logistic import enough, logistic
from isthmus.vertical.regression.spec import Regression

MOST_LEVEL = 255

_MOST = 32
"""Products that any job may ask for."""

_FARTHEST = 300.0
"""Where a logarithm of a mean has lost all sense: exponentials stay finite up to 700."""

_LEAST = 0.25
_STEPS = 4  # levels until a size has doubled


class Expansion(Protocol):
    """The functions of one round."""

    @property
    def count(self) -> int:
        """Products that make up a residual, K; 0 where the shares of residuals just add up."""
        ...

    @property
    def error(self) -> float:
        """Root mean square of what the sum leaves of a residual, as far as the spreads tell it."""
        ...

    def of_first(self, share: Floats) -> Floats:
        """Returns functions of the first passive party's share, from -1 to 1, shape (K, rows)."""
        ...

    def of_middle(self, share: Floats, position: int) -> tuple[Floats, Floats]:
        """Returns functions of another passive party's share.

        Args:
            share: Shape (rows,).
            position: Of the party: 1 is the second passive one.

        Returns:
            What is added to each result, shape (K, rows), and what the functions of the parties
            before are multiplied by, shape (K, K, rows), those of a result first.
        """
        ...

    def of_active(self, share: Floats, label: Floats) -> tuple[Floats, Floats]:
        """Returns f_0 less the label, shape (rows,), and f_1 to f_K, shape (K, rows)."""
        ...

    def growth(self, position: int) -> tuple[Floats, Floats]:
        """Bound how a middle party's results differ from functions from -1 to 1.

        Args:
            position: Of the party.

        Returns:
            The most by which each result differs, of exact functions before it, shape (K,), and
            the largest magnitudes of factors, by which errors before it grow, shape (K, K).
        """
        ...


def level(spec: Regression, share: Floats) -> int:
    """Returns what a party tells of its share of the predictor, on a ladder in steps of 19%."""
    found = share.std() if spec.family == "binomial" else np.abs(share).max()
    ratio = max(float(found) / _LEAST, 1.0)
    return min(ceil(_STEPS * log2(ratio)), MOST_LEVEL)


def products(spec: Regression, levels: Sequence[int]) -> int:
    """Choose how many products make up a residual in a round.

    Args:
        spec: The `[regression]` table.
        levels: `level` of the shares of the active party and of the passive ones, in order.

    Returns:
        The least number that is good enough, or the most that the job allows.
    """
    if spec.family != "binomial":
        return most_products(spec, len(levels) - 1)
    sizes, most = tuple(map(_size, levels)), spec.sharing.most_functions
    return enough(sizes[0], sizes[1:], spec.sharing.approximation, most) or most


def advice(spec: Regression, levels: Sequence[int]) -> str:
    """Say what would make the products of a round good enough.

    Args:
        spec: The `[regression]` table.
        levels: As in `products`.

    Returns:
        A few words; empty where they are.
    """
    if spec.family != "binomial":
        return ""
    sizes, error = tuple(map(_size, levels)), spec.sharing.approximation
    found = enough(sizes[0], sizes[1:], error, _MOST)
    if found is None:
        return (
            f"and no number up to {_MOST} would to {error:g}: agree on a higher `penalty`, as "
            "coefficients this large may mean that columns tell the labels apart, or on a coarser "
            "`regression.shared.approximation`"
        )
    if found <= spec.sharing.most_functions:
        return ""
    return f"{found} would to {error:g}: agree on more `regression.shared.most_functions`"


def expansion(spec: Regression, levels: Sequence[int], count: int) -> Expansion:
    """Make the functions of a round.

    Args:
        spec: The `[regression]` table.
        levels: `level` of the shares of the active party and of the passive ones, in order.
        count: `products` of the round.

    Returns:
        The functions, the same at all parties.

    Raises:
        JobError: Training runs away.
        ValueError: The family is multinomial, which `Regression` refuses.
    """
    sizes = tuple(map(_size, levels))
    if spec.family in {"poisson", "gamma", "tweedie"} and sum(sizes) > _FARTHEST:
        raise JobError(
            f"the training runs away: a logarithm of a mean may be {sum(sizes):.0f}. This level "
            'has no line search. Agree on a higher `penalty`, or on level = "encrypted", which has '
            "one."
        )
    match spec.family:
        case "binomial":
            return logistic(sizes[0], sizes[1:], count)
        case "gaussian":
            return Additive(sizes[1:])
        case "poisson":
            return Exponential((1.0,), (False,), sizes[1:], less_label=True)
        case "gamma":
            return Exponential((-1.0,), (True,), sizes[1:], constant=1.0)
        case "tweedie":
            q = spec.tweedie_power
            return Exponential((2 - q, 1 - q), (False, True), sizes[1:])
        case "multinomial":
            raise ValueError("there are no products for a multinomial family")
        case _:
            assert_never(spec.family)


@dataclass(frozen=True)
class Additive:
    """A residual a + b_1 + ... + b_m - y, whose shares just add up."""

    largest: tuple[float, ...]  # magnitude of the share of each passive party
    error: float = 0.0

    @property
    def count(self) -> int:
        """None, or one product by 1 for all that several passive parties add up."""
        return int(len(self.largest) > 1)

    @property
    def sum(self) -> float:
        """The largest magnitude of what the passive parties have together."""
        return sum(self.largest)

    def of_first(self, share: Floats) -> Floats:
        """Returns the share, in units of `sum`, shape (1, rows)."""
        return self._scaled(share, 0)

    def of_middle(self, share: Floats, position: int) -> tuple[Floats, Floats]:
        """Returns the share, in units of `sum`, and 1."""
        return self._scaled(share, position), np.ones((1, 1, len(share)))

    def of_active(self, share: Floats, label: Floats) -> tuple[Floats, Floats]:
        """Returns the share less the label, and `sum`."""
        return share - label, np.full((1, len(share)), self.sum)

    def growth(self, position: int) -> tuple[Floats, Floats]:
        """Results are from -1 to 1."""
        del position
        return np.zeros(1), np.ones((1, 1))

    def _scaled(self, share: Floats, position: int) -> Floats:
        largest = self.largest[position]
        return (np.clip(share, -largest, largest) / self.sum)[np.newaxis]


@dataclass(frozen=True)
class Exponential:
    """A residual with a log link: exp(p (a + b)) for one or two powers p, without error."""

    powers: tuple[float, ...]
    times_label: tuple[bool, ...]
    """Whether the product of that power is multiplied by minus the label."""

    largest: tuple[float, ...]
    """The largest magnitude of the share of each passive party; beyond it counts as its end."""

    constant: float = 0.0
    """What a residual has beside the products."""

    less_label: bool = False
    """Whether the label is subtracted."""

    error: float = 0.0

    @property
    def count(self) -> int:
        """One product for each power."""
        return len(self.powers)

    def of_first(self, share: Floats) -> Floats:
        """Returns a power of the exponential of the share, from 0 to 1, for each p."""
        largest = self.largest[0]
        within = np.clip(share, -largest, largest)
        return np.array([np.exp(p * within - abs(p) * largest) for p in self.powers])

    def of_middle(self, share: Floats, position: int) -> tuple[Floats, Floats]:
        """Returns zero, and the same of this share, each for its own result."""
        count, largest = len(self.powers), self.largest[position]
        factors = np.zeros((count, count, len(share)))
        within = np.clip(share, -largest, largest)
        for at, p in enumerate(self.powers):
            factors[at, at] = np.exp(p * within - abs(p) * largest)
        return np.zeros((count, len(share))), factors

    def of_active(self, share: Floats, label: Floats) -> tuple[Floats, Floats]:
        """Returns f_0 less the label, shape (rows,), and f_1 to f_K, shape (K, rows)."""
        factors = [
            np.exp(p * share + abs(p) * sum(self.largest)) * (-label if by_label else 1.0)
            for p, by_label in zip(self.powers, self.times_label, strict=True)
        ]
        return self.constant - (label if self.less_label else 0.0 * label), np.array(factors)

    def growth(self, position: int) -> tuple[Floats, Floats]:
        """Results are from 0 to 1."""
        del position
        return np.zeros(len(self.powers)), np.eye(len(self.powers))


def _size(level: int) -> float:
    return float(_LEAST * 2 ** (min(level, MOST_LEVEL) / _STEPS))
