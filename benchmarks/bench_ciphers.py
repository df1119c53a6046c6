"""Which cipher adds up gradients in the least time: our engines, HEU's, and elliptic ElGamal?

HEU runs in an environment of its own (`rival_heu.py`). From what a cipher does in a CPU second
follows what a tree takes, by the number of ciphertexts that a row needs for g and h.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.heu import HEU, Asked, Speed, TimeHeu, time_heu
from benchmarks.measurement import Measurement, Row
from benchmarks.operations import RANDOMNESS, Operations, timed
from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Scheme
from isthmus.crypto.scheme import PrivateKey
from isthmus.vertical.boosting.trees import gradients

ELLIPTIC = "EC-ElGamal Ed25519"
"""Of HEU; isthmus does not offer it."""

ELLIPTIC_BITS = 32
"""Magnitudes of this many bits are found by search; there are no larger ones."""

ELLIPTIC_BYTES = 64
"""Two points of Ed25519."""

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
    """One kind of key, and how fast somebody computes with it."""

    name: str
    ciphertext_bytes: int
    plaintext_bits: float
    """That a sum may have."""

    speed: Speed

    @property
    def rates(self) -> Operations:
        """Operations in a CPU second."""
        return Operations(*self.speed.rates)

    def ciphertexts(self, rows: int, precision: int) -> int:
        """How many a pair of g and h takes, so that sums over all rows fit."""
        if 2 * gradients.width(rows, precision) <= self.plaintext_bits:
            return 1
        piece = int(self.plaintext_bits) - math.ceil(math.log2(rows))
        return 2 * math.ceil(precision / piece)


def measure(sizes: Sizes = SIZES, rival: TimeHeu = time_heu) -> Measurement:
    """Time the operations of every cipher.

    Args:
        sizes: How much is measured.
        rival: Times HEU, or raises SpecError.

    Returns:
        The comparison.
    """
    asked, missing = _asked(sizes), list[str]()
    ciphers = [cipher for key in sizes.keys for cipher in _ours(*key, asked)]
    try:
        ciphers += _theirs(sizes, rival(asked))
    except SpecError as error:
        missing.append(f"HEU was not measured: {error}")
    found = {cipher.name: cipher for cipher in ciphers}
    trees = [
        _tree(tree, precision, cipher, found, sizes)
        for tree in sizes.trees
        for precision in sizes.precisions
        for cipher in ciphers
    ]
    return Measurement(
        answer=_answer(trees, sizes),
        tables={
            "In a CPU second": [_speed(cipher, sizes) for cipher in ciphers],
            "Decryption by size of the plaintext": [_waits(cipher) for cipher in ciphers],
            "A tree": trees,
        },
        notes=_notes(sizes),
        falls_short=[
            *missing,
            "ElGamal's ciphertexts are taken as they come. To refuse points of small order, which "
            "a cheating party can mark rows with, would cost time that is not counted here.",
        ],
    )


def _asked(sizes: Sizes) -> Asked:
    return Asked(
        keys=[*sizes.keys, (ELLIPTIC, 256)],
        rows=sizes.rows,
        columns=sizes.columns,
        buckets=sizes.bins,
        tries=sizes.tries,
        value_bits=12,
        plain_bits=PLAIN_BITS,
        seed=RANDOMNESS.seed,
    )


def _ours(scheme: Scheme, bits: int, asked: Asked) -> list[Cipher]:
    """The same keys by every engine that runs on this machine, the fastest first."""
    engines = dict.fromkeys((keys.running(scheme, "auto"), keys.running(scheme, "gmpy2")))
    found = list[Cipher]()
    for engine in engines:
        key = keys.generate(scheme, engine, bits)
        tries = [_once(key, asked) for _ in range(asked.tries)]
        first, second, third = np.median(tries, axis=0).tolist()
        waits = [_wait(key, 2**size, asked.buckets) for size in asked.plain_bits]
        speed = Speed((first, second, third), waits)
        found.append(_cipher(scheme, bits, engine, speed))
    return found


def _once(key: PrivateKey, asked: Asked) -> tuple[float, float, float]:
    values, codes = asked.values(), asked.codes()
    encrypting, rows = timed(lambda: key.public.encrypt(values))
    adding, sums = timed(lambda: rows.bucket_sums(codes, asked.buckets))
    decrypting, _ = timed(lambda: key.decrypt(sums))
    return len(rows) / encrypting, codes.size / adding, len(sums) / decrypting


def _theirs(sizes: Sizes, speeds: Sequence[Speed]) -> list[Cipher]:
    same = [
        _cipher(scheme, bits, "HEU", speed)
        for (scheme, bits), speed in zip(sizes.keys, speeds, strict=False)
    ]
    return [*same, Cipher(ELLIPTIC, ELLIPTIC_BYTES, ELLIPTIC_BITS, speeds[-1])]


def _cipher(scheme: Scheme, bits: int, engine: str, speed: Speed) -> Cipher:
    return Cipher(
        _name(scheme, bits, engine),
        keys.ciphertext_bytes(scheme, bits),
        keys.sum_bits(scheme, bits),
        speed,
    )


def _name(scheme: Scheme, bits: int, engine: str) -> str:
    return f"{scheme} {bits} by {engine}"


def _wait(key: PrivateKey, value: int, count: int) -> float:
    ciphertexts = key.public.encrypt([value] * count)
    return timed(lambda: key.decrypt(ciphertexts))[0] / count


def _speed(cipher: Cipher, sizes: Sizes) -> Row:
    rows, rates = sizes.trees[0].rows, cipher.rates
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


def _waits(cipher: Cipher) -> Row:
    pairs = zip(PLAIN_BITS, cipher.speed.waits, strict=True)
    return {"cipher": cipher.name} | {f"CPU us at 2^{bits}": wait * 1e6 for bits, wait in pairs}


def _tree(
    tree: Tree, precision: int, cipher: Cipher, ciphers: Mapping[str, Cipher], sizes: Sizes
) -> Row:
    count = cipher.ciphertexts(tree.rows, precision)
    seconds = tree.operations(sizes.bins, count).seconds(cipher.rates)
    ours = tree.operations(sizes.bins, 1)
    return {
        "tree": f"{tree.rows:,} x {tree.columns}, depth {tree.depth}",
        "bits": precision,
        "cipher": cipher.name,
        "ciphertexts of a row": count,
        "MB of gradients": tree.rows * count * cipher.ciphertext_bytes / 1e6,
        "CPU s": seconds,
        **{
            _against(name): seconds / ours.seconds(ciphers[name].rates) for name in _measures(sizes)
        },
    }


def _answer(trees: Sequence[Row], sizes: Sizes) -> str:
    """The least and the most that others take for a tree, beside our default."""
    others = dict.fromkeys(str(row["cipher"]) for row in trees)
    found = list[str]()
    for ours in _measures(sizes):
        same = ours.rpartition(" by ")[0]
        for rival in others:
            if rival == ours or not (rival.startswith(same) or rival == ELLIPTIC):
                continue
            ratios = [float(row[_against(ours)]) for row in trees if row["cipher"] == rival]
            found.append(f"{rival}: {min(ratios):.2g} to {max(ratios):.2g} times those of {ours}")
    return f"CPU seconds of a tree: {'; '.join(found) or 'of our default alone'}."


def _measures(sizes: Sizes) -> list[str]:
    """The ciphers that others are measured by: those of our default."""
    return [
        _name(scheme, bits, keys.running(scheme, "auto"))
        for scheme, bits in sizes.keys
        if scheme == "okamoto-uchiyama"
    ]


def _against(name: str) -> str:
    return f"CPU s / {name}"


def _notes(sizes: Sizes) -> list[str]:
    return [
        f"The median of {sizes.tries} tries on {sizes.rows:,} rows, {sizes.columns} columns and "
        f"{sizes.bins} bins on all cores, counted in CPU seconds. HEU is {HEU}, in an environment "
        "of its own, and runs as it comes: its exponents under okamoto-uchiyama have 110 bits at "
        "2048 and 128 at 3072, ours 224 and 256.",
        f"ElGamal's plaintexts are magnitudes below 2^{ELLIPTIC_BITS}, so that g and h cannot "
        "share one, and sums over all rows leave few bits for a row: more than these are cut into "
        "pieces. Ours have room for g and h, and for several sums: see `packing.py`.",
        "The seconds of a tree are reckoned from the rates: an encryption per row, an addition per "
        "row and column at the root and half of these on each other level, a decryption per bin. "
        "That sums of ours share ciphertexts is left out, and so is that ElGamal decrypts large "
        "sums slowly: the rate is for sums of 12 bits over a hundred rows.",
    ]
