"""Which cipher adds up gradients in the least time, elliptic-curve ElGamal included?

Every cipher encrypts, adds and decrypts by HEU. From what it does in a CPU second follows what a
tree takes, by the number of ciphertexts that a row needs for g and h.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.elliptic import CIPHERTEXT_BYTES, PLAINTEXT_BITS, EllipticKey
from benchmarks.measurement import Measurement, Row
from benchmarks.operations import RANDOMNESS, Operations, timed
from isthmus.core.seeds import generator
from isthmus.crypto import keys
from isthmus.crypto.encryption import Scheme
from isthmus.crypto.scheme import Codes
from isthmus.vertical.boosting.trees import gradients

ELLIPTIC = "EC-ElGamal Ed25519"

PLAIN_BITS = (10, 20, 24, 28, 31)
"""Of plaintexts that are decrypted."""


@dataclass(frozen=True)
class Tree:
    """What grows."""

    rows: int
    columns: int
    """Of the passive party."""

    depth: int

    def operations(self, bins: int, ciphertexts: int) -> Operations:
        """How many a tree takes if its splits part rows evenly.

        Args:
            bins: Of each column.
            ciphertexts: Per row, and per sum.

        Returns:
            An encryption per row; an addition per row and column, on each level but the first for
            half of the rows; a decryption per bin of one node of each pair.
        """
        pairs = 1 + sum(2**level // 2 for level in range(1, self.depth))
        additions = self.rows * self.columns * (1 + (self.depth - 1) / 2)
        return Operations(
            self.rows * ciphertexts,
            additions * ciphertexts,
            pairs * self.columns * bins * ciphertexts,
        )


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    keys: Sequence[tuple[Scheme, int]] = (
        ("okamoto-uchiyama", 2048),
        ("okamoto-uchiyama", 3072),
        ("paillier", 2048),
        ("paillier", 3072),
    )
    """Of ours. Ed25519 is as strong as 3072 bits are thought to be."""

    precisions: Sequence[int] = (24, 12)
    """Bits of a gradient in fixed point, without its sign."""

    trees: Sequence[Tree] = field(
        default_factory=lambda: (Tree(24_000, 10, 3), Tree(24_000, 10, 5), Tree(100_000, 30, 5))
    )
    rows: int = 4096
    """That are timed."""

    columns: int = 8
    bins: int = 32
    tries: int = 3
    """The median of so many counts."""


SIZES = Sizes()


@dataclass(frozen=True)
class Cipher:
    """One kind of key, whoever makes it."""

    name: str
    ciphertext_bytes: int
    plaintext_bits: float
    """That a sum may have."""

    encrypt: Callable[[Sequence[int]], Any]
    bucket_sums: Callable[[Any, Codes, int], Any]
    decrypt: Callable[[Any], Sequence[int]]

    def ciphertexts(self, rows: int, precision: int) -> int:
        """How many a pair of g and h takes, so that sums over all rows fit."""
        if 2 * gradients.width(rows, precision) <= self.plaintext_bits:
            return 1
        piece = int(self.plaintext_bits) - math.ceil(math.log2(rows))
        return 2 * math.ceil(precision / piece)


def measure(sizes: Sizes = SIZES) -> Measurement:
    """Time the operations of every cipher.

    Args:
        sizes: How much is measured.

    Returns:
        The comparison.
    """
    ciphers = [*(_ours(*key) for key in sizes.keys), _elliptic()]
    found = {cipher.name: _rates(cipher, sizes) for cipher in ciphers}
    trees = [
        _tree(tree, precision, cipher, found, sizes)
        for tree in sizes.trees
        for precision in sizes.precisions
        for cipher in ciphers
    ]
    return Measurement(
        answer=_answer(trees, sizes),
        tables={
            "In a CPU second": [_speed(cipher, found[cipher.name], sizes) for cipher in ciphers],
            "Decryption by size of the plaintext": _waits(ciphers, sizes),
            "A tree": trees,
        },
        notes=_notes(sizes),
        falls_short=[
            "ElGamal's ciphertexts are taken as they come. To refuse points of small order, which "
            "a cheating party can mark rows with, would cost time that is not counted here."
        ],
    )


def _ours(scheme: Scheme, bits: int) -> Cipher:
    key = keys.generate(scheme, "heu", bits)
    return Cipher(
        name=f"{scheme} {bits}",
        ciphertext_bytes=keys.ciphertext_bytes(scheme, bits),
        plaintext_bits=keys.sum_bits(scheme, bits),
        encrypt=key.public.encrypt,
        bucket_sums=lambda rows, codes, buckets: rows.bucket_sums(codes, buckets),
        decrypt=key.decrypt,
    )


def _elliptic() -> Cipher:
    key = EllipticKey()
    return Cipher(
        ELLIPTIC, CIPHERTEXT_BYTES, PLAINTEXT_BITS, key.encrypt, key.bucket_sums, key.decrypt
    )


def _rates(cipher: Cipher, sizes: Sizes) -> Operations:
    tries = [_once(cipher, sizes) for _ in range(sizes.tries)]
    return Operations(*np.median(tries, axis=0).tolist())


def _once(cipher: Cipher, sizes: Sizes) -> tuple[float, float, float]:
    random = generator(RANDOMNESS.seed, "ciphers")
    values: list[int] = random.integers(-(2**12), 2**12, size=sizes.rows).tolist()
    codes = random.integers(sizes.bins, size=(sizes.rows, sizes.columns)).astype(np.int8)
    encrypting, ciphertexts = timed(lambda: cipher.encrypt(values))
    adding, sums = timed(lambda: cipher.bucket_sums(ciphertexts, codes, sizes.bins))
    decrypting, _ = timed(lambda: cipher.decrypt(sums))
    return (
        sizes.rows / encrypting,
        codes.size / adding,
        sizes.columns * sizes.bins / decrypting,
    )


def _speed(cipher: Cipher, rates: Operations, sizes: Sizes) -> Row:
    rows = sizes.trees[0].rows
    needed = {precision: cipher.ciphertexts(rows, precision) for precision in sizes.precisions}
    return {
        "cipher": cipher.name,
        "encryptions": rates.encryptions,
        "additions": rates.additions,
        "decryptions": rates.decryptions,
        "bytes": cipher.ciphertext_bytes,
        **{f"ciphertexts of a row, {bits} bits": count for bits, count in needed.items()},
        **{
            f"bytes of a row, {bits} bits": count * cipher.ciphertext_bytes
            for bits, count in needed.items()
        },
    }


def _waits(ciphers: Sequence[Cipher], sizes: Sizes) -> list[Row]:
    return [
        {"cipher": cipher.name}
        | {f"CPU us at 2^{bits}": _wait(cipher, 2**bits, sizes.bins) for bits in PLAIN_BITS}
        for cipher in ciphers
    ]


def _wait(cipher: Cipher, value: int, count: int) -> float:
    ciphertexts = cipher.encrypt([value] * count)
    return timed(lambda: cipher.decrypt(ciphertexts))[0] / count * 1e6


def _tree(
    tree: Tree, precision: int, cipher: Cipher, rates: Mapping[str, Operations], sizes: Sizes
) -> Row:
    count = cipher.ciphertexts(tree.rows, precision)
    seconds = tree.operations(sizes.bins, count).seconds(rates[cipher.name])
    ours = tree.operations(sizes.bins, 1)
    return {
        "tree": f"{tree.rows:,} x {tree.columns}, depth {tree.depth}",
        "bits": precision,
        "cipher": cipher.name,
        "ciphertexts of a row": count,
        "MB of gradients": tree.rows * count * cipher.ciphertext_bytes / 1e6,
        "CPU s": seconds,
        **{_against(name): seconds / ours.seconds(rates[name]) for name in _measures(sizes)},
    }


def _answer(trees: Sequence[Row], sizes: Sizes) -> str:
    """The least and the most that the elliptic cipher takes, by precision."""
    rival = [row for row in trees if row["cipher"] == ELLIPTIC]
    found = list[str]()
    for bits in sizes.precisions:
        for name in _measures(sizes):
            ratios = [float(row[_against(name)]) for row in rival if row["bits"] == bits]
            found.append(
                f"{min(ratios):.2g} to {max(ratios):.2g} times those of {name} at {bits} bits"
            )
    return f"For a tree, the CPU seconds of {ELLIPTIC} are {', '.join(found)}."


def _measures(sizes: Sizes) -> list[str]:
    """The ciphers that others are measured by."""
    return [f"{scheme} {bits}" for scheme, bits in sizes.keys if scheme == "okamoto-uchiyama"]


def _against(name: str) -> str:
    return f"CPU s / {name}"


def _notes(sizes: Sizes) -> list[str]:
    return [
        f"The median of {sizes.tries} tries on {sizes.rows:,} rows, {sizes.columns} columns and "
        f"{sizes.bins} bins, by HEU on all cores, counted in CPU seconds. Ours have randomness of "
        "full length and check what comes in; HEU's ElGamal runs as it comes.",
        f"ElGamal's plaintexts are magnitudes below 2^{PLAINTEXT_BITS}, so that g and h cannot "
        "share one, and sums over all rows leave few bits for a row: more than these are cut into "
        "pieces. Ours have room for g and h, and for several sums: see `packing.py`.",
        "The seconds of a tree are reckoned from the rates: an encryption per row, an addition per "
        "row and column at the root and half of these on each other level, a decryption per bin. "
        "That sums of ours share ciphertexts is left out, and so is that ElGamal decrypts large "
        "sums slowly: the rate is for sums of 12 bits over a hundred rows.",
    ]
