"""Residues of polynomials as arrays: packed for a message, expanded from a key, cut to 64 bits."""

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from isthmus.crypto.keystream import keystream, mixed

Residues = NDArray[np.uint64]
"""Coefficients modulo each prime, shape (..., primes, degree)."""

Words = NDArray[np.uint64]

_BYTE = 8
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MORE, _MORE_AT, _MORE_MASK = np.uint64(16), np.uint64(48), np.uint64(0xFFFF)


def packed(polynomial: Residues, primes: Sequence[int]) -> bytes:
    """Encode a polynomial with as many bits for each residue as its prime has.

    Args:
        polynomial: Shape (primes, degree); the degree is a multiple of 8.
        primes: The primes.

    Returns:
        For each prime the whole bytes of all residues, lowest first, then the bits that are left.
    """
    parts = list[bytes]()
    for residues, prime in zip(polynomial, primes, strict=True):
        whole, left = divmod(prime.bit_length(), _BYTE)
        octets = np.ascontiguousarray(residues, "<u8").view(np.uint8).reshape(-1, _BYTE)
        parts.append(octets[:, :whole].tobytes())
        if left:
            groups = octets[:, whole].reshape(-1, _BYTE).astype("<u8") << _shifts(left)
            together = np.bitwise_or.reduce(groups, axis=1)
            parts.append(together[:, None].view(np.uint8)[:, :left].tobytes())
    return b"".join(parts)


def unpacked(data: bytes | memoryview, degree: int, primes: Sequence[int]) -> Residues:
    """Decode a polynomial that `packed` encoded.

    Args:
        data: The bytes as received.
        degree: Number of coefficients, a multiple of 8.
        primes: The primes.

    Returns:
        Shape (primes, degree).

    Raises:
        ValueError: The bytes have another length, or a residue is not below its prime.
    """
    size = degree // _BYTE * sum(prime.bit_length() for prime in primes)
    if len(data) != size:
        raise ValueError(f"a polynomial has {size} bytes, not {len(data)}")
    octets, at = np.zeros((len(primes), degree, _BYTE), np.uint8), 0
    source = np.frombuffer(data, np.uint8)
    for target, prime in zip(octets, primes, strict=True):
        whole, left = divmod(prime.bit_length(), _BYTE)
        end = at + whole * degree
        target[:, :whole] = source[at:end].reshape(degree, whole)
        at = end + left * degree // _BYTE
        if left:
            together = np.zeros((degree // _BYTE, _BYTE), np.uint8)
            together[:, :left] = source[end:at].reshape(-1, left)
            groups = together.view("<u8") >> _shifts(left) & np.uint64((1 << left) - 1)
            target[:, whole] = groups.ravel()
    residues: Residues = octets.view("<u8")[..., 0].astype(np.uint64, copy=False)
    if (residues >= np.array(primes, np.uint64)[:, None]).any():
        raise ValueError("a residue of a polynomial is not below its prime")
    return residues


def _shifts(left: int) -> Words:
    """Returns where the bits of each of eight residues begin, when they are put together."""
    return np.arange(0, _BYTE * left, left, dtype=np.uint64)


def uniform(key: bytes, degree: int, primes: Sequence[int]) -> Residues:
    """Expand a key to a uniform polynomial, of the words of its stream that are below a prime.

    Args:
        key: 32 bytes that are used for nothing else.
        degree: Number of coefficients.
        primes: The primes.

    Returns:
        Shape (primes, degree).
    """
    found = list[Words]()
    for place, prime in enumerate(primes):
        own = mixed([key], f"residues modulo prime {place}")
        drawn, below = degree, np.zeros(0, np.uint64)
        while len(below) < degree:
            drawn += degree // 2
            words = np.frombuffer(keystream(own, drawn * _BYTE), "<u8")
            words = words & np.uint64((1 << prime.bit_length()) - 1)
            below = words[words < np.uint64(prime)]
        found.append(below[:degree])
    return np.array(found, np.uint64)


def difference(left: Residues, right: Residues, primes: Sequence[int]) -> Residues:
    """Subtract modulo each prime; residues are below 2^63."""
    moduli = np.array(primes, np.uint64)[:, None]
    return (left + (moduli - right)) % moduli


def total(left: Residues, right: Residues, primes: Sequence[int]) -> Residues:
    """Add modulo each prime; residues are below 2^63."""
    moduli = np.array(primes, np.uint64)[:, None]
    return (left + right) % moduli


class Cut:
    """The highest 64 or 80 bits of c / q for coefficients c modulo q, given by their residues.

    c / q = sum c_i k_i modulo 1, with k_i = (1 / (q / q_i) modulo q_i) / q_i. In 128 bits of k_i,
    each product is rounded down by less than 1 + 2^-3 in units of 2^-64: the result is less than
    `primes + 1` below. In units of 2^-80 it is less than 2 + 2^-48 c_i for each prime: below 130.
    """

    def __init__(self, primes: Sequence[int]) -> None:
        """Prepare the constants of these primes."""
        q = prod(primes)
        self._factors = list[tuple[np.uint64, np.uint64]]()
        for prime in primes:
            factor = (pow(q // prime, -1, prime) << 128) // prime
            high, low = divmod(factor, 1 << 64)
            self._factors.append((np.uint64(high), np.uint64(low)))

    def __call__(self, polynomial: Residues) -> Words:
        """Returns the words, shape (degree,), of residues, shape (primes, degree)."""
        words = np.zeros(polynomial.shape[-1], np.uint64)
        for residues, (high, low) in zip(polynomial, self._factors, strict=True):
            words += residues * high  # wraps: only the fraction counts
            words += _high_word(residues, low)
        return words

    def fine(self, polynomial: Residues) -> tuple[Words, Words]:
        """Returns the highest 64 bits and the 16 after them, shape (degree,) each."""
        words, more = self(polynomial), np.zeros(polynomial.shape[-1], np.uint64)
        for residues, (_, low) in zip(polynomial, self._factors, strict=True):
            more += residues * low >> _MORE_AT
        return words + (more >> _MORE), more & _MORE_MASK


def _high_word(words: Words, factor: np.uint64) -> Words:
    """Returns the upper 64 bits of products of 128 bits."""
    upper, lower = words >> _HALF, words & _LOW
    high, low = factor >> _HALF, factor & _LOW
    one, two = upper * low, lower * high
    carry = (one & _LOW) + (two & _LOW) + (lower * low >> _HALF)
    result: Words = upper * high + (one >> _HALF) + (two >> _HALF) + (carry >> _HALF)
    return result
