"""Parameters of comparisons under encryption, what crosses, and why no decision comes out wrong.

The bits of one party's numbers lie in slots, a row in each, under its key. The other party
multiplies them by numbers of its own once, and adds: see comparison.py. t is 65,537, N = 8,192, and
a fresh ciphertext is modulo a q of 120 bits.

*Noise.* Fresh, at most 21, and 1/2 for the rounding of (q/t) message. Each of `POSITIONS` products
is with a polynomial of N coefficients within t / 2: 15 x 2^13 x 2^15 x 21.5 < 2^36.4. To it comes
the noise of a fresh zero, far below. The owner of the key decrypts, and would read from the noise
by what was multiplied. So noise uniform in [0, 2^`FLOOD_BITS`) is added: for each coefficient, the
distance to noise alone is below 2^-64. All together stays below q / 2t > 2^102, so decryption is
right always.

Security: as in parameters.py. With its special prime q has 156 bits, below the 218 of N = 8,192.
"""

from isthmus.crypto.lattice.parameters import SEED_BYTES, Ring, polynomial_bytes

RING = Ring(
    degree=8192,
    primes=(1152921504606748673, 1152921504606830593, 68719230977),
    plain=65537,
    special=True,
)

NUMBER_BITS = 14
"""Numbers that are compared are from 0 to two to this power, less 1."""

POSITIONS = NUMBER_BITS + 1
"""Bits of what is compared: twice the number, and 1 at one party, so that none are equal."""

FLOOD_BITS = 101

SLOTS = RING.degree
"""Rows that are compared at a time."""

PUBLIC_BYTES = SEED_BYTES + RING.public_key_bytes
"""Bytes of a public key and of a seed of its owner."""

BITS_BYTES = POSITIONS * RING.fresh_bytes
"""Bytes of encrypted numbers, for up to `SLOTS` rows."""

PRODUCTS_BYTES = POSITIONS * 2 * polynomial_bytes(RING.degree, RING.data_primes)
"""Bytes of what is decrypted, for up to `SLOTS` rows."""
