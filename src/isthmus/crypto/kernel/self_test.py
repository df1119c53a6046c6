"""A short test of the compiled code, each time that it is loaded: every function, in all sizes.

Every result is compared with Python's own integers. `tests/unit/crypto/kernel` proves far more;
this is about the machine, the compiler and the file that are at hand.
"""

import random
from collections.abc import Iterator
from functools import reduce

import numpy as np

from isthmus.crypto.kernel.field import Field, Rows, most_bits
from isthmus.crypto.kernel.library import Library

_LISTS = (0, 1, 2, 3, 8, 9, 17, 0, 1, 40, 5)


def failing(library: Library) -> str | None:
    """Compute with the code, and compare.

    Args:
        library: The code.

    Returns:
        The first function whose result is wrong; None if all are right.
    """
    generator = random.Random(0)
    for limbs in library:
        longest = most_bits(limbs)
        modulus = generator.getrandbits(longest) | 1 << (longest - 1) | 1
        field = Field(library, modulus)
        for name, found, expected in _results(field, modulus, generator):
            if field.leave(found, field.width) != _bytes(expected, field.width):
                return f"{name} of {limbs} limbs"
    return None


def _results(
    field: Field, n: int, generator: random.Random
) -> Iterator[tuple[str, Rows, list[int]]]:
    """Yields the name of each function, its result, and what it should be."""
    edges = [0, 1, 2, n - 1, n - 2, n // 2, 2**52 - 1, 2**52 % n]
    a = [*edges, *(generator.randrange(n) for _ in range(11))]
    b = [*edges[::-1], *(generator.randrange(n) for _ in range(11))]
    rows, others = (field.enter(_bytes(numbers, field.width), field.width) for numbers in (a, b))
    yield "enter or leave", rows, a

    width = 13 * field.limbs
    long = [generator.getrandbits(8 * width) for _ in range(9)]
    yield "enter", field.enter(_bytes(long, width), width), [number % n for number in long]
    yield "times", field.times(rows, others), [x * y % n for x, y in zip(a, b, strict=True)]
    yield "squares", field.squares(rows, 3), [pow(x, 8, n) for x in a]

    lists = [[generator.randrange(len(a)) for _ in range(size)] for size in _LISTS]
    index = np.array([at for chosen in lists for at in chosen], np.int64)
    sums = [reduce(lambda x, at: x * a[at] % n, chosen, 1) for chosen in lists]
    yield "sums", field.sums(rows, index, np.cumsum([0, *map(len, lists)])), sums

    base = a[-1]
    digits = np.array([generator.choices(range(256), k=2) for _ in range(17)], np.uint8)
    powers = [pow(base, int.from_bytes(bytes(row), "little"), n) for row in digits]
    yield "powers", field.powers(field.table(base, 2), digits), powers
    exponent = np.array([13, 0, 15], np.uint8)
    yield "power", field.power(rows[8:], exponent), [pow(x, 0xD0F, n) for x in a[8:]]


def _bytes(numbers: list[int], width: int) -> bytes:
    return b"".join(number.to_bytes(width, "big") for number in numbers)
