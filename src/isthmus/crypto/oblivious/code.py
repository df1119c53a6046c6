"""The linear code [128, 64, 22]: an extended BCH code, which spreads 64 bits over 128 columns.

Source: Bose and Ray-Chaudhuri 1960, "On a class of error correcting binary group codes";
MacWilliams and Sloane, "The Theory of Error-Correcting Codes", chapter 9: BCH codes of length 127
with 64 bits have distance 21 at least, and a parity bit makes it 22.
"""

from functools import cache

COLUMNS = 128
"""Length of a code word."""

MESSAGE_BITS = 64
"""Bits that a code word stands for."""

DISTANCE = 22
"""Columns in which two code words differ at least."""

_LENGTH = 127  # of the code without its parity bit: 2^7 - 1
_FIELD = 0b10001001  # GF(2^7) by x^7 + x^3 + 1
_DESIGNED_ROOTS = 20  # consecutive powers of a primitive element: distance 21


@cache
def code_words() -> tuple[int, ...]:
    """Returns the code words of the 64 unit vectors, as numbers of 128 bits."""
    generator = _generator()
    words = [generator << shift for shift in range(MESSAGE_BITS)]
    return tuple(word | (word.bit_count() & 1) << _LENGTH for word in words)


def _generator() -> int:
    """Returns the generator polynomial of the BCH code as a number; bit i is that of x^i."""
    powers = _powers()
    logarithms = {value: at for at, value in enumerate(powers)}

    def product(left: int, right: int) -> int:
        if not left or not right:
            return 0
        return powers[(logarithms[left] + logarithms[right]) % _LENGTH]

    polynomial = [1]  # lowest degree first, over GF(2^7); all roots together make it one over GF(2)
    for root in sorted(_roots()):
        shifted = [0, *polynomial]
        for at, coefficient in enumerate(polynomial):
            shifted[at] ^= product(coefficient, powers[root])
        polynomial = shifted
    return sum(coefficient << at for at, coefficient in enumerate(polynomial))


def _powers() -> list[int]:
    powers, value = list[int](), 1
    for _ in range(_LENGTH):
        powers.append(value)
        value <<= 1
        if value >> 7:
            value ^= _FIELD
    return powers


def _roots() -> set[int]:
    """Exponents of the roots: the designed ones and their conjugates."""
    roots = set[int]()
    for designed in range(1, _DESIGNED_ROOTS + 1):
        at = designed
        while at not in roots:
            roots.add(at)
            at = at * 2 % _LENGTH
    return roots
