# pyright: reportMissingTypeStubs=false
# dp-accounting has no types; this is the only file that imports it, and it takes seconds to load.
"""Privacy accounting: the epsilon of all rounds together.

What was spent is an array of numbers: the noise of a step, the chance of a sample to be in it, and
the number of such steps. It is part of a party's state, so that a resumed run goes on counting.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from dp_accounting.dp_event import GaussianDpEvent, PoissonSampledDpEvent
from dp_accounting.rdp import RdpAccountant, compute_epsilon

from isthmus.core.arrays import Floats
from isthmus.horizontal.privacy.spec import ChildLevel, SampleLevel

NOTHING_SPENT: Floats = np.empty((0, 3))


def spend(spent: Floats, noise: float, rate: float, steps: int) -> Floats:
    """Add steps to what is spent.

    Args:
        spent: Before; shape (kinds of steps, 3).
        noise: Standard deviation in units of the most that one sample, or child, can change.
        rate: Chance of a sample to be in a step.
        steps: How many.

    Returns:
        Shape (kinds of steps, 3): noise, rate, steps.
    """
    same = (spent[:, 0] == noise) & (spent[:, 1] == rate)
    if same.any():
        after = spent.copy()
        after[same, 2] += steps
        return after
    return np.vstack([spent, [noise, rate, steps]])


def rate_of(batch: int, samples: int) -> float:
    """Returns the chance of a sample to be in a batch of this average size."""
    return min(1.0, batch / samples)


def spent_by_master(asked: ChildLevel, rounds: int) -> Floats:
    """Returns what is spent by rounds in which the master adds noise and every child takes part."""
    return spend(NOTHING_SPENT, asked.noise, 1.0, rounds)


def epsilon(spent: Floats, delta: float) -> float:
    """Epsilon of all steps together, by Renyi differential privacy.

    Args:
        spent: Shape (kinds of steps, 3): noise, rate, steps.
        delta: Chance for which it need not hold.

    Returns:
        Epsilon, for adding or removing one sample, or child.

    Source:
        Mironov 2017; Mironov, Talwar and Zhang 2019 for samples in a batch by chance.
    """
    orders, _ = _divergences(noise=1.0, rate=1.0)
    total = np.zeros(len(orders))
    for noise, rate, steps in spent:
        total += steps * _divergences(float(noise), float(rate))[1]
    found, _ = compute_epsilon(list(orders), list(total), delta)
    return float(found)


def noise_for(most: float, delta: float, steps: int) -> float:
    """The least noise with which steps that all have everybody's data stay within an epsilon.

    Args:
        most: Epsilon of all steps together.
        delta: Chance for which it need not hold.
        steps: How many.

    Returns:
        Standard deviation in units of the most that one person can change, up to a thousandth.
    """
    low, high = 0.0, 1.0
    while epsilon(spend(NOTHING_SPENT, high, 1.0, steps), delta) > most:
        low, high = high, 2 * high
    while high - low > high / 1000:
        middle = (low + high) / 2
        fits = epsilon(spend(NOTHING_SPENT, middle, 1.0, steps), delta) <= most
        low, high = (low, middle) if fits else (middle, high)
    return high


def affordable(spent: Floats, asked: ChildLevel | SampleLevel, rate: float, steps: int) -> int:
    """How many more steps the epsilon of the job allows.

    Args:
        spent: So far.
        asked: What the job says.
        rate: Chance of a sample to be in a step.
        steps: How many are wanted.

    Returns:
        So many that epsilon of all together stays within the job's, from 0 to `steps`.
    """
    limit = asked.epsilon
    if limit is None:
        return steps
    return _most(
        steps, lambda taken: epsilon(spend(spent, asked.noise, rate, taken), asked.delta) <= limit
    )


@lru_cache(maxsize=64)
def _divergences(noise: float, rate: float) -> tuple[Floats, Floats]:
    """Returns orders of Renyi divergence and the divergence of one step at each; steps add up."""
    accountant = RdpAccountant()
    accountant.compose(PoissonSampledDpEvent(rate, GaussianDpEvent(noise)))
    return np.asarray(accountant.orders, float), np.asarray(accountant.rdp, float)


def _most(steps: int, fits: Callable[[int], bool]) -> int:
    # The largest number up to `steps` that fits, where fewer fit as well.
    if fits(steps):
        return steps
    low, high = 0, steps  # what is below `low` fits, `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
