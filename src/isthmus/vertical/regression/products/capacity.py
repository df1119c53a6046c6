"""Each scheme on this machine: its engine, the room in its messages, and how long it takes."""

import os
import time

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine, RegressionEncryption
from isthmus.crypto.lattice import parameters
from isthmus.vertical.regression.products.messages import MaskedSums

CACHE_BYTES = 2**30
"""Most bytes of transformed columns that a party keeps in memory; others are transformed again."""

_INTEGER = 2
"""Bytes of a column's integer at the workers."""

_WORKER = 90 * 10**6
"""Bytes of a worker before it has columns."""

_MOST_SUMS = 4_000
"""Most sums of a product with "bfv": far more do not fit in one message."""

_SUMS = 16  # of one key

_MANY_ROWS = 10_000  # seconds of gmpy2 in each round; a worker takes half a one to start
_MANY_CELLS = 4_000_000  # a quarter of a second of SEAL in each round

_DIGIT_BITS = 7
"""Bits of a column that one pass over the ciphertexts multiplies; see `crypto/radix.py`."""


def check(encryption: RegressionEncryption, sums: int) -> None:
    """Refuse an encryption that can be broken, or products that do not fit in messages.

    Args:
        encryption: The `[regression.encryption]` table.
        sums: Most columns of a party, times outputs.

    Raises:
        SpecError: One is the case.
    """
    most = _MOST_SUMS
    if encryption.scheme != "bfv":
        numbers = encryption.of_numbers
        keys.check(numbers.key_bits)
        size = keys.ciphertext_bytes(numbers.scheme, numbers.key_bits)
        most = MaskedSums.max_bytes // size - 1
    if sums > most:
        raise SpecError(
            f"a product with scheme = {encryption.scheme!r} has room for {most:,} sums, and this "
            f"job has {sums:,}: train fewer columns, or choose another `scheme` in "
            "[regression.encryption]."
        )


def running(encryption: RegressionEncryption, asked: Engine) -> str:
    """Find what computes the encryption here.

    Args:
        encryption: The `[regression.encryption]` table.
        asked: What this party asks for; it has no say about "bfv".

    Returns:
        Its name.

    Raises:
        SpecError: It cannot run here.
    """
    if encryption.scheme != "bfv":
        numbers = encryption.of_numbers
        return keys.running(numbers.scheme, asked, numbers.key_bits)
    from isthmus.crypto.lattice import seal  # noqa: PLC0415 - it loads SEAL

    seal.load_engine()
    return "seal"


def kept_bytes(encryption: RegressionEncryption, rows: int, columns: int) -> int:
    """Returns what a column side and its workers keep beside its columns, between products."""
    if encryption.scheme != "bfv":
        return 0
    ring = parameters.EXACT_RING
    polynomial = len(ring.data_primes) * ring.degree * 8
    transformed = min(parameters.polynomials(rows) * columns * polynomial, CACHE_BYTES)
    if rows * columns < _MANY_CELLS:
        return transformed
    return transformed + rows * columns * _INTEGER + (os.cpu_count() or 1) * _WORKER


def worthwhile(encryption: RegressionEncryption, asked: Engine, rows: int, columns: int) -> int:
    """Choose a number of workers where a party file names none.

    Args:
        encryption: The `[regression.encryption]` table.
        asked: What this party asks to compute with.
        rows: Rows of a sum.
        columns: Most columns of a column side.

    Returns:
        One, or one per core where a round has so much to compute that it pays to start them.
    """
    match running(encryption, asked):
        case "gmpy2":
            much = rows >= _MANY_ROWS
        case "seal":
            much = rows * columns >= _MANY_CELLS
        case _:  # our kernel takes all cores by itself
            much = False
    return (os.cpu_count() or 1) if much else 1


def seconds(
    encryption: RegressionEncryption, asked: Engine, rows: int, columns: int, feature_bits: int
) -> float:
    """Measure for a moment, and reckon what both sides of a product compute.

    Args:
        encryption: The `[regression.encryption]` table.
        asked: What this party asks to compute with.
        rows: Rows of a sum.
        columns: Columns of the column side.
        feature_bits: Bits of their integers.

    Returns:
        Seconds.
    """
    if encryption.scheme == "bfv":
        return _of_vectors(rows, columns)
    from isthmus.crypto import speed  # noqa: PLC0415 - it is not always asked for

    found = speed.measure(encryption.of_numbers, asked)
    digits = 1 if feature_bits <= _DIGIT_BITS else 2
    return rows * found.encryption + rows * columns * digits * found.addition


def _of_vectors(rows: int, columns: int) -> float:
    from isthmus.crypto.lattice.owner import Owner, new_seed  # noqa: PLC0415 - they load SEAL
    from isthmus.crypto.lattice.products import Columns, PublicKeys, finish  # noqa: PLC0415

    def product(count: int) -> tuple[float, float, float]:
        """Encryption and multiplication of one polynomial, and the rest, with so many columns."""
        sums, seed = parameters.Sums(columns=count, rows=degree, value_bits=0), new_seed()
        factors = Columns(np.ones((degree, count), np.int16), sums, degree)
        factors.multiply([Owner(sums, seed).encrypt(values)])  # also transforms the columns
        marks = [time.process_time()]
        owner = Owner(sums, seed)
        public = owner.public()
        marks.append(time.process_time())
        block = owner.encrypt(values)
        marks.append(time.process_time())
        part = factors.multiply([block])
        marks.append(time.process_time())
        owner.open(finish(PublicKeys(sums, public, seed), [part])[0])
        marks.append(time.process_time())
        making, encryption, multiplication, opening = np.diff(marks).tolist()
        return encryption, multiplication, making + opening

    degree = parameters.EXACT_RING.degree
    values = np.ones(degree, np.int64)
    one, key = product(1), product(_SUMS)
    keys_of_all = parameters.Sums(columns, max(rows, 1), value_bits=0).keys
    by_column = (key[1] - one[1]) / (_SUMS - 1)
    by_row = parameters.polynomials(rows) * (keys_of_all * (key[0] + one[1]) + columns * by_column)
    return float(by_row + keys_of_all * key[2])
