"""The rival of joint regression: Paillier one number at a time, as textbooks and phe do it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from phe import paillier

from isthmus.crypto import radix
from isthmus.crypto.fixed_point import Bounds
from isthmus.data.table import Table
from isthmus.vertical.regression import scaling

T = TypeVar("T")


@dataclass(frozen=True)
class Elementwise:
    """CPU seconds of each step, all on one thread."""

    bits: int
    rows: int
    """Rows that were timed."""

    encryption: float
    """Per row."""

    product: float
    """Per row and column: one multiplication and one addition."""

    decryption: float
    """Per column."""

    def round(self, rows: int, columns: int) -> float:
        """CPU seconds of a round; every row is treated alike, so they are linear in rows."""
        return rows * (self.encryption + columns * self.product) + columns * self.decryption


def time_elementwise(passive: Table, rows: int, bits: int) -> Elementwise:
    """Encrypt residuals, multiply columns by them, and decrypt the sums.

    The columns are the same integers as ours: there is no floating point to align.

    Args:
        passive: Training rows of the party without labels.
        rows: How many of them to take.
        bits: Size of the modulus.

    Returns:
        What it took.
    """
    scale = scaling.fit(passive)
    x = radix.quantise(scale(passive.features))[:rows].integers()
    bounds = Bounds(len(passive), radix.MAX_FEATURE_BITS, 1.0)
    residuals = bounds.integers(np.linspace(-0.9, 0.9, rows)).tolist()
    public, private = paillier.generate_paillier_keypair(n_length=bits)

    encrypted, encryption = _timed(lambda: [public.encrypt(value) for value in residuals])
    sums, product = _timed(lambda: [_product(column, encrypted) for column in x.T.tolist()])
    opened, decryption = _timed(lambda: [private.decrypt(value) for value in sums])

    assert opened == (np.array(residuals, object) @ x).tolist()
    return Elementwise(bits, rows, encryption / rows, product / x.size, decryption / x.shape[1])


def _product(column: list[int], encrypted: list[Any]) -> Any:
    total = encrypted[0] * column[0]
    for value, factor in zip(encrypted[1:], column[1:], strict=True):
        total += value * factor
    return total


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    return work(), time.process_time() - started
