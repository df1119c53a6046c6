"""GMP's big integers, typed as the integers they behave like: the only file that imports gmpy2."""
# gmpy2 has no types, so all that comes from it is unknown.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterable
from functools import reduce
from typing import cast

import gmpy2


def big(value: int) -> int:
    """The same number; arithmetic with it is GMP's."""
    return cast(int, gmpy2.mpz(value))


def power(base: int, exponent: int, modulus: int) -> int:
    """Modular power; a negative exponent inverts."""
    return cast(int, gmpy2.powmod(base, exponent, modulus))


def inverse(value: int, modulus: int) -> int:
    """Modular inverse of what has one."""
    return cast(int, gmpy2.invert(value, modulus))


def product(values: Iterable[int], modulus: int) -> int:
    """Modular product."""
    return reduce(lambda one, other: one * other % modulus, values, big(1))


def gcd(one: int, other: int) -> int:
    """Greatest common divisor."""
    return cast(int, gmpy2.gcd(one, other))


def release_lock() -> None:
    """Let other threads run during arithmetic of this thread."""
    # gmpy2 calls this setting experimental. Its numbers are immutable, so that no other thread
    # can change one that an operation reads.
    gmpy2.get_context().allow_release_gil = True
