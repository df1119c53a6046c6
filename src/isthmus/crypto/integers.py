"""GMP's big integers, typed as int: the only file that imports gmpy2."""
# gmpy2 has no types, so all that comes from it is unknown.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterable
from functools import reduce
from typing import cast

import gmpy2


def big(value: int) -> int:
    """Returns the same number as a big integer of GMP."""
    return cast(int, gmpy2.mpz(value))


def power(base: int, exponent: int, modulus: int) -> int:
    """Returns the modular power; a negative exponent inverts."""
    return cast(int, gmpy2.powmod(base, exponent, modulus))


def inverse(value: int, modulus: int) -> int:
    """Returns the modular inverse of an invertible number."""
    return cast(int, gmpy2.invert(value, modulus))


def product(values: Iterable[int], modulus: int) -> int:
    """Returns the modular product."""
    return reduce(lambda one, other: one * other % modulus, values, big(1))


def gcd(one: int, other: int) -> int:
    """Returns the greatest common divisor."""
    return cast(int, gmpy2.gcd(one, other))


def is_prime(value: int) -> bool:
    """Returns whether a number is prime, but for 4^-40 (Miller and Rabin)."""
    return cast(bool, gmpy2.is_prime(value, 40))


def release_lock() -> None:
    """Let gmpy2 release the interpreter lock (GIL) during arithmetic of this thread."""
    # gmpy2 calls this setting experimental. It is safe here, as its numbers are immutable: no other
    # thread can change a number that an operation reads.
    gmpy2.get_context().allow_release_gil = True
