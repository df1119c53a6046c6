"""The benchmark of ciphers runs, at sizes that say nothing; HEU is not installed here."""

from collections.abc import Sequence

import pytest

from benchmarks import bench_ciphers
from benchmarks.bench_ciphers import ELLIPTIC, PLAIN_BITS, Cipher, Sizes, Tree
from benchmarks.heu import Asked, Speed
from isthmus.core.errors import SpecError
from isthmus.crypto import keys

SIZES = Sizes(
    keys=[("okamoto-uchiyama", 2048), ("paillier", 2048)],  # and 1024 by the environment
    trees=[Tree(1000, 2, 3)],
    rows=64,
    columns=2,
    bins=4,
    tries=1,
)


def slow(asked: Asked) -> Sequence[Speed]:
    return [Speed((1.0, 1.0, 1.0), [1.0] * len(PLAIN_BITS)) for _ in asked.keys]


def absent(_: Asked) -> Sequence[Speed]:
    raise SpecError("it is not on the index.")


def cipher(plaintext_bits: int) -> Cipher:
    return Cipher("a cipher", 64, plaintext_bits, Speed((1.0, 1.0, 1.0), []))


class TestMeasurement:
    def test_compares_every_engine_and_heu(self) -> None:
        found = bench_ciphers.measure(SIZES, slow)
        rows = {row["cipher"]: row for row in found.tables["A tree"] if row["bits"] == 24}
        assert set(rows) >= {
            "okamoto-uchiyama 2048 by gmpy2",
            "paillier 2048 by gmpy2",
            "okamoto-uchiyama 2048 by HEU",
            "paillier 2048 by HEU",
            ELLIPTIC,
        }
        assert rows[ELLIPTIC]["ciphertexts of a row"] == 4
        ours = f"okamoto-uchiyama 2048 by {keys.running('okamoto-uchiyama', 'auto')}"
        assert float(rows[ours]["CPU s"]) < float(rows["okamoto-uchiyama 2048 by HEU"]["CPU s"])
        assert f"times those of {ours}" in found.answer

    def test_says_that_heu_is_not_here(self) -> None:
        found = bench_ciphers.measure(SIZES, absent)
        assert found.falls_short[0] == "HEU was not measured: it is not on the index."


class TestTree:
    def test_takes_half_of_the_rows_below_the_root(self) -> None:
        needed = Tree(rows=100, columns=3, depth=3).operations(bins=8, ciphertexts=2)
        assert needed.encryptions == 200
        assert needed.additions == 2 * (300 + 150 + 150)
        assert needed.decryptions == 2 * 24 * (1 + 1 + 2)


class TestCiphertexts:
    @pytest.mark.parametrize(
        ("plaintext_bits", "precision", "count"),
        [(680, 24, 1), (80, 24, 1), (79, 24, 2), (32, 24, 4), (32, 17, 2), (32, 12, 2)],
    )
    def test_of_a_row_hold_sums_over_all_rows(
        self, plaintext_bits: int, precision: int, count: int
    ) -> None:
        assert cipher(plaintext_bits).ciphertexts(24_000, precision) == count
