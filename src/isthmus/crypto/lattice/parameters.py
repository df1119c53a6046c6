"""Parameters of encryption on lattices (BFV), what crosses, and why no sum comes out wrong.

One party has values d and a key, another one integer columns x; the latter gets V = <x, d> of each
column. N values are the polynomial D = sum d_i X^i, and N rows of a column are
P = x_0 - sum_{i>0} x_i X^(N-i): modulo X^N + 1 the constant coefficient of D P is <x, d>. A
ciphertext (c0, c1) under the secret s has the phase c0 + c1 s = (q/t) message + noise, modulo q.

Bounds, for `rows` = n rows, |x| < 2^f, |d| <= 2^r. s and the u of a fresh encryption are ternary,
errors of SEAL are at most 21. K = 2 primes make q of 109 bits, N = 4096.

- *Values.* n 2^(r + f) <= 2^47, so V lies in (-2^47, 2^47). SEAL's t is 2^55, and what is encrypted
  is 2^7 d: the same as a t of 2^48. With `modular` sums t is the prime of the slots, d is anything
  modulo t, and V is meant modulo t.
- *Noise of the product.* A fresh symmetric ciphertext has a noise of at most 21, and 1/2 for the
  rounding of (q/t) message. Each row adds at most 2^f times that: n 2^f 21.5.
- *Noise of the fresh zero*, which hides what the columns did to c1: e0 + e1 s - u e under the
  public key, at most 21 (1 + 2 N).
- *The cut to 64 bits.* 2^64 c / q is rounded down, prime by prime: at most K + 1 below, for c0 and
  for each coefficient of c1, which s multiplies: (K + 1) (N + 1). Modular sums are cut to 80 bits:
  less than 130 K (N + 1) of these units, as `residues.Cut` computes them.

`noise_bound` adds them up, in units of the phase at 2^64, or 2^80. An answer is the phase plus a
mask, rounded to its highest bits, and both noise and rounding are below half a unit of V: V is
right always, not just probably.

- *Exact sums*: 49 bits, units of 2^15, so rounding adds at most 2^14. A unit of V is 2^16. The
  noise is below 2^14, so both together are below 2^15.
- *Modular sums*: 56 bits, units of 2^24, so rounding adds at most 2^23. A unit of V is 2^80 / t,
  above 2^25. The noise is below 2^23, so both together are below 2^24.

Answers are coarse on purpose: whether noise carries into one tells something of the noise.

Security. The table of homomorphicencryption.org for 128 bits against classical attacks and ternary
secrets allows a q of 109 bits for N = 4096 and of 218 bits for N = 8192. SEAL refuses more.
The party with columns may depart from the protocol and have anything opened: 16 answers of 49 bits
tell at most 784 bits of a secret key of 6,492 bits (of 56 bits: 896), of which 137 such answers
would tell all. So a key is for one round, and for `SUMS_PER_KEY` sums.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod

SEED_BYTES = 32
"""Bytes of a party's seed for the uniform halves of public keys."""

SEAL_SEED_BYTES = 64
"""Bytes from which SEAL expands the uniform half of a fresh ciphertext."""

FEATURE_BITS = 14
"""Integers of columns are below two to this power in magnitude, at most."""

SUMS_PER_KEY = 16
"""Most sums that are opened under one key."""

ANSWER_BYTES = 8
"""Bytes of an opened sum."""

EXACT_BITS = 48
"""Bits of an exact sum, with its sign."""

_MODULAR_BITS = 56
_CUT = 130  # units of 2^-80 that the cut of a residue is below the exact fraction, at most
_ERROR = 21  # SEAL draws errors from a centred binomial distribution of 42 coins


@dataclass(frozen=True)
class Ring:
    """Parameters of BFV.

    Attributes:
        degree: N, a power of two.
        primes: Their product is q, with the special prime if there is one.
        plain: t, modulus of what is encrypted.
        special: Whether SEAL sets the last prime aside. It does, unless the others together are no
            larger than t.
    """

    degree: int
    primes: tuple[int, ...]
    plain: int
    special: bool = False

    @property
    def data_primes(self) -> tuple[int, ...]:
        """Primes of a fresh ciphertext."""
        return self.primes[: len(self.primes) - self.special]

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of a residue modulo each prime of a fresh ciphertext."""
        return tuple(prime.bit_length() for prime in self.data_primes)

    @property
    def fresh_bytes(self) -> int:
        """Bytes of a fresh ciphertext: one polynomial, and the seed of the other."""
        return polynomial_bytes(self.degree, self.data_primes) + SEAL_SEED_BYTES

    @property
    def public_key_bytes(self) -> int:
        """Bytes of a public key: one polynomial; the other comes from seeds."""
        return polynomial_bytes(self.degree, self.primes)


def polynomial_bytes(degree: int, primes: tuple[int, ...]) -> int:
    """Returns the bytes of a polynomial: its residues, bit by bit."""
    return degree // 8 * sum(prime.bit_length() for prime in primes)


_SUM_PRIMES = (18014398509309953, 36028797018652673)

SLOTS = Ring(
    degree=8192,
    primes=(1152921504606683137, 1152921504606748673, 1152921504606830593, 68719230977),
    plain=36028797017456641,
    special=True,
)
"""8,192 slots of integers modulo a prime of 55 bits, each multiplied by itself."""

EXACT_RING = Ring(degree=4096, primes=_SUM_PRIMES, plain=1 << 55)
MODULAR_RING = Ring(degree=4096, primes=_SUM_PRIMES, plain=SLOTS.plain)


@dataclass(frozen=True)
class Sums:
    """Sums that one party gets of another one's values, as both declare them before a round.

    Attributes:
        columns: Columns of the party that gets the sums.
        rows: All rows of a sum.
        value_bits: Values are of a magnitude of at most two to this power; None for modular sums,
            whose values are any modulo `SLOTS.plain`, and which are meant modulo it.
        feature_bits: Integers of columns are of a magnitude below two to this power.
    """

    columns: int
    rows: int
    value_bits: int | None
    feature_bits: int = FEATURE_BITS

    def __post_init__(self) -> None:
        """Refuse sums that would not come out right.

        Raises:
            ValueError: There are no rows, no columns, or too few bits.
        """
        if self.columns < 1 or self.rows < 1:
            raise ValueError(f"{self.rows} rows of {self.columns} columns have no sums")
        if not 1 <= self.feature_bits <= FEATURE_BITS:
            raise ValueError(f"columns of {self.feature_bits} bits are not of 1 to {FEATURE_BITS}")
        if self.value_bits is not None and not (
            0 <= self.value_bits <= value_bits(self.rows, self.feature_bits)
        ):
            raise ValueError(
                f"sums of {self.rows} rows may overflow: {self.value_bits} bits of values and "
                f"{self.feature_bits} of columns are too many for {EXACT_BITS} bits"
            )
        room = self.word_bits - self.answer_bits - 1
        if noise_bound(self.rows, self.feature_bits, self.word_bits) >= 1 << room:
            raise ValueError(f"{self.rows} rows are too many for one sum")

    @property
    def modular(self) -> bool:
        """Whether sums are meant modulo a prime."""
        return self.value_bits is None

    @property
    def ring(self) -> Ring:
        """Parameters of the encryption."""
        return MODULAR_RING if self.modular else EXACT_RING

    @property
    def value_range(self) -> tuple[int, int]:
        """The least and the largest value."""
        if self.value_bits is None:
            return 0, self.ring.plain - 1
        return -(1 << self.value_bits), 1 << self.value_bits

    @property
    def most(self) -> int:
        """The largest magnitude of a sum."""
        return self.rows * ((1 << self.feature_bits) - 1) * self.value_range[1]

    @property
    def shift(self) -> int:
        """Bits by which values are shifted before they are encrypted."""
        return 0 if self.modular else 55 - EXACT_BITS

    @property
    def word_bits(self) -> int:
        """Bits that a coefficient is cut to, and those of a mask."""
        return 80 if self.modular else 64

    @property
    def answer_bits(self) -> int:
        """Bits of an opened sum, which are the highest of a word."""
        return _MODULAR_BITS if self.modular else EXACT_BITS + 1

    @property
    def keys(self) -> int:
        """Keys of a round."""
        return ceil(self.columns / SUMS_PER_KEY)

    @property
    def public_bytes(self) -> int:
        """Bytes of the public keys of a round, and the seed of their owner."""
        return SEED_BYTES + self.keys * self.ring.public_key_bytes

    def block_bytes(self, rows: int) -> int:
        """Returns the bytes of the ciphertexts of a block of rows."""
        return polynomials(rows) * self.keys * self.ring.fresh_bytes

    @property
    def masked_bytes(self) -> int:
        """Bytes of all masked sums of a round."""
        return self.columns * (1 + self.ring.degree) * self.word_bits // 8

    @property
    def answer_bytes(self) -> int:
        """Bytes of all opened sums of a round."""
        return self.columns * ANSWER_BYTES


def polynomials(rows: int) -> int:
    """Returns how many polynomials the rows of a block fill; the last may be partly empty."""
    return ceil(rows / EXACT_RING.degree)


def value_bits(rows: int, feature_bits: int = FEATURE_BITS) -> int:
    """Returns the most bits of values whose exact sums cannot overflow; below 0 if none."""
    return ((1 << EXACT_BITS - 1) // (rows << feature_bits)).bit_length() - 1


def noise_bound(rows: int, feature_bits: int = FEATURE_BITS, word_bits: int = 64) -> Fraction:
    """Returns the most that noise moves a phase of so many bits, see the top of this file."""
    degree, primes = EXACT_RING.degree, EXACT_RING.primes
    product = (rows << feature_bits) * (_ERROR + Fraction(1, 2))
    zero = _ERROR * (1 + 2 * degree)
    cut = len(primes) + 1 if word_bits == 64 else len(primes) * _CUT  # noqa: PLR2004
    return (product + zero) * Fraction(1 << word_bits, prod(primes)) + cut * (degree + 1)
