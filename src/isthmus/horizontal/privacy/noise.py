"""Secure random numbers, on which differential privacy rests.

Numbers come from ChaCha20 under a fresh key of the operating system, never from the seed of a job,
which all parties know. A sum of four normal numbers is used in place of one, so that the last
digits of a result do not show which numbers a computer cannot represent (Holohan and Braghin 2021,
section 5.1; the way of Opacus' secure mode, whose generator has no release for our Python).
"""

import math
import secrets
from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto.keystream import KEY_BYTES, keystream

_DRAWS = 4
_BITS = 53  # of a uniform number, as many as a double has


def uniform(size: int) -> Floats:
    """Returns uniform numbers between 0 and 1, both excluded, shape (size,)."""
    words = np.frombuffer(keystream(secrets.token_bytes(KEY_BYTES), 8 * size), "<u8")
    return ((words >> np.uint64(64 - _BITS)).astype(np.float64) + 0.5) / 2.0**_BITS


def gaussian(size: int, deviation: float) -> Floats:
    """Normal numbers around 0.

    Args:
        size: How many.
        deviation: Their standard deviation.

    Returns:
        Shape (size,).
    """
    total = np.zeros(size)
    for _ in range(_DRAWS):
        total += ndtri(uniform(size))
    return total * (deviation / math.sqrt(_DRAWS))


def poisson_batches(samples: int, rate: float, steps: int) -> Iterator[Integers]:
    """Batches in which each sample is by chance, independently of the others (Poisson sampling).

    Args:
        samples: How many there are.
        rate: The chance of each.
        steps: How many batches.

    Yields:
        Positions of the samples of a batch, rising; it may be empty.
    """
    for _ in range(steps):
        yield np.flatnonzero(uniform(samples) < rate)
