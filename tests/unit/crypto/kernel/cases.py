"""Residues of every kind, computed by the compiled code and by Python: `check` compares them.

Run as a program with a library and a count, it checks that library.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path

import numpy as np

from isthmus.crypto.kernel.field import Field, Rows, most_bits
from isthmus.crypto.kernel.library import Library, load

LENGTHS = (0, 1, 2, 0, 7, 8, 9, 1, 16, 17, 33, 129, 0, 3)
"""Of lists: empty and single ones, and such that lanes end at different times."""

LONG = 1_100
"""Length of a list that is cut, and done by several threads."""

Compared = tuple[str, Rows, list[int]]
"""What was computed, the result, and what it should be."""


def check(library: Library, count: int, seed: int) -> int:
    """Compare at least `count` results of each size of numbers, and return how many there were."""
    done = 0
    for limbs, functions in library.items():
        generator, least = random.Random(seed), done + count
        while done < least:
            for modulus in moduli(limbs, generator):
                field = Field({limbs: functions}, modulus)
                for name, rows, expected in compared(field, modulus, generator):
                    found = numbers(field, rows)
                    assert found == expected, f"{name} of {limbs} limbs modulo {modulus:#x}"
                    done += len(expected)
                if done >= least:
                    break
    return done


def moduli(limbs: int, generator: random.Random) -> list[int]:
    """Random ones, among those at the edges of what there is room for."""
    most = most_bits(limbs)
    edges = [
        3,
        2**52 - 1,
        2**52 + 1,
        2 ** (52 * (limbs - 1)) - 1,
        2 ** (52 * (limbs - 1)) + 1,
        2 ** (most - 1) + 1,
        2**most - 1,
        2**most - 2**52 + 1,
        sum(1 << (52 * limb + 51) for limb in range(limbs - 1)) | 1,
    ]
    every = [generator.getrandbits(most - generator.randrange(60)) | 1 << 50 | 1 for _ in edges]
    every += edges
    generator.shuffle(every)
    return every


def compared(field: Field, n: int, generator: random.Random) -> Iterator[Compared]:
    """Every function, on residues at the edges and random ones."""
    edges = [edge % n for edge in _edges(field, n, generator)]
    a = [one for one in edges for _ in edges] + _residues(n, generator)
    b = [other for _ in edges for other in edges] + _residues(n, generator)
    rows, others = rows_of(field, a), rows_of(field, b)
    products = [one * other % n for one, other in zip(a, b, strict=True)]
    yield "enter and leave", rows, a
    yield "times", field.times(rows, others), products
    yield "squares", field.squares(rows, 5), [pow(one, 32, n) for one in a]

    lazy = field.times(rows, others)  # not the least residues
    yield "times of products", field.times(lazy, lazy), [one * one % n for one in products]
    yield "squares of products", field.squares(lazy, 1), [one * one % n for one in products]

    few = slice(generator.randrange(30), 60)
    exponent = generator.getrandbits(32)
    digits = np.array([int(digit, 16) for digit in f"{exponent:x}"], np.uint8)
    yield "power", field.power(rows[few], digits), [pow(one, exponent, n) for one in a[few]]

    lists = [generator.choices(range(len(a)), k=length) for length in (*LENGTHS, LONG)]
    sums = [reduce(lambda one, at: one * products[at] % n, chosen, 1 % n) for chosen in lists]
    yield "sums", field.sums(lazy, *flat(lists)), sums

    yield from _powers(field, n, generator)
    yield from _wide(field, n, generator)
    yield from _unreduced(field, n, generator)


def flat(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists as `Field.sums` takes them."""
    index = np.array([at for chosen in lists for at in chosen], np.int64)
    return index, np.cumsum([0, *map(len, lists)])


def rows_of(field: Field, residues: Sequence[int]) -> Rows:
    """Numbers as rows."""
    plain = b"".join(residue.to_bytes(field.width, "big") for residue in residues)
    return field.enter(plain, field.width)


def numbers(field: Field, rows: Rows) -> list[int]:
    """Rows as numbers; wider than they need be."""
    width = field.width + 3
    data = field.leave(rows, width)
    return [int.from_bytes(data[at : at + width], "big") for at in range(0, len(data), width)]


def raw(field: Field, values: Sequence[int]) -> Rows:
    """Rows that hold exactly these numbers, each a residue times R."""
    limbs = [[value >> (52 * at) & (2**52 - 1) for at in range(field.limbs)] for value in values]
    rows = np.zeros((len(values), field.words), np.uint64)
    rows[:, : field.limbs] = np.array(limbs, np.uint64)
    return rows


def _edges(field: Field, n: int, generator: random.Random) -> list[int]:
    bit, limb = generator.randrange(n.bit_length() + 1), generator.randrange(field.limbs)
    r = 1 << (52 * field.limbs)
    return [
        0,
        1,
        n - 1,
        n - 2,
        n // 2,
        2**bit - 1,
        2**bit,
        2**bit + 1,
        (2**52 - 1) << (52 * limb),
        r,
        pow(r, -1, n),
    ]


def _residues(n: int, generator: random.Random) -> list[int]:
    return [generator.randrange(n) for _ in range(80)]


def _powers(field: Field, n: int, generator: random.Random) -> Iterator[Compared]:
    base, start = generator.randrange(n), generator.randrange(n)
    windows, count = generator.randrange(1, 4), generator.choice([1, 15, 16, 17, 140])
    digits = np.frombuffer(generator.randbytes(count * windows), np.uint8).reshape(count, windows)
    exponents = [int.from_bytes(bytes(row), "little") for row in digits]
    powers = [pow(base, exponent, n) * start % n for exponent in exponents]
    yield "powers", field.powers(field.table(base, windows, start), digits), powers


def _wide(field: Field, n: int, generator: random.Random) -> Iterator[Compared]:
    one, both = 52 * field.limbs // 8, 13 * field.limbs  # bytes of L limbs, and of twice as many
    width = generator.choice([one, one + 1, both - 1, both, generator.randrange(1, both)])
    long = [0, 256**width - 1, *(generator.getrandbits(8 * width) for _ in range(9))]
    plain = b"".join(number.to_bytes(width, "big") for number in long)
    yield "enter of long numbers", field.enter(plain, width), [number % n for number in long]


def _unreduced(field: Field, n: int, generator: random.Random) -> Iterator[Compared]:
    """Rows up to the bound of the proof in `montgomery.inc`: below 4n."""
    values = [0, 1, n - 1, n, n + 1, 2 * n - 1, 2 * n, 3 * n, 4 * n - 1, generator.randrange(4 * n)]
    rows, inverse = raw(field, values), pow(2, -52 * field.limbs, n)
    plain = [value * inverse % n for value in values]
    yield "leave of 4n", rows, plain
    both = [(at, other) for at in range(len(values)) for other in range(len(values))]
    one, other = (np.ascontiguousarray(rows[list(ats)]) for ats in zip(*both, strict=True))
    products = [plain[at] * plain[other] % n for at, other in both]
    yield "times of 4n", field.times(one, other), products
    yield "squares of 4n", field.squares(rows, 1), [value**2 % n for value in plain]
    yield "sums of 4n", field.sums(rows, *flat(both)), products
    yield "power of 4n", field.power(rows, np.array([9], np.uint8)), [pow(x, 9, n) for x in plain]


if __name__ == "__main__":
    print(check(load(Path(sys.argv[1])), int(sys.argv[2]), seed=1), "results are right")  # noqa: T201
