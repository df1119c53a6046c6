"""Polynomials modulo X^N + 1 by numpy's FFT: what SEAL computes, by other means, for tests."""

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

_DIGIT = 14


def product(residues: NDArray[np.uint64], small: NDArray[np.int64], prime: int) -> list[int]:
    """Multiply a polynomial modulo a prime by one with integers below 2^14 in magnitude.

    Digits of 14 bits keep all that floating-point numbers add up below 2^42, so it is exact.

    Args:
        residues: Coefficients below 2^56, shape (degree,).
        small: Shape (degree,).
        prime: The modulus.

    Returns:
        The coefficients of the product.
    """
    total = np.zeros(len(small), object)
    for shift in range(0, 56, _DIGIT):
        digits = residues >> np.uint64(shift) & np.uint64((1 << _DIGIT) - 1)
        exact = _product(digits.astype(np.float64), small.astype(np.float64))
        total += exact.astype(object) << shift
    return [int(value) % prime for value in total]


def _product(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.int64]:
    degree = len(left)
    full = np.fft.irfft(np.fft.rfft(left, 2 * degree) * np.fft.rfft(right, 2 * degree), 2 * degree)
    exact = np.rint(full).astype(np.int64)
    return exact[:degree] - exact[degree:]


def whole(residues: Sequence[int], primes: Sequence[int]) -> int:
    """Returns the number from -q / 2 to q / 2 that has these residues modulo the primes."""
    q = prod(primes)
    value = sum(
        residue * pow(q // prime, -1, prime) * (q // prime)
        for residue, prime in zip(residues, primes, strict=True)
    )
    return (value + q // 2) % q - q // 2
