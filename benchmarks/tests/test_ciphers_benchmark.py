"""The benchmark of ciphers runs, at sizes that say nothing."""

import numpy as np
import pytest

pytest.importorskip("heu", reason="HEU has no wheel for this Python")

from benchmarks import bench_ciphers
from benchmarks.bench_ciphers import ELLIPTIC, Cipher, Sizes, Tree
from benchmarks.elliptic import EllipticKey

SIZES = Sizes(
    keys=[("okamoto-uchiyama", 1024), ("paillier", 1024)],
    trees=[Tree(1000, 2, 3)],
    rows=64,
    columns=2,
    bins=4,
    tries=1,
)


@pytest.fixture(scope="module")
def elliptic() -> EllipticKey:
    return EllipticKey()


def cipher(plaintext_bits: int) -> Cipher:
    return Cipher("a cipher", 64, plaintext_bits, list, lambda rows, *_: rows, list)


class TestMeasurement:
    def test_compares_every_cipher_at_every_precision(self) -> None:
        found = bench_ciphers.measure(SIZES)
        trees = found.tables["A tree"]
        assert [row["cipher"] for row in trees] == [
            "okamoto-uchiyama 1024",
            "paillier 1024",
            ELLIPTIC,
        ] * 2
        assert [row["ciphertexts of a row"] for row in trees] == [1, 1, 4, 1, 1, 2]
        assert "times those of okamoto-uchiyama 1024 at 12 bits" in found.answer


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


class TestElliptic:
    def test_adds_up_by_bucket(self, elliptic: EllipticKey) -> None:
        codes = np.array([[0], [1], [0]], np.int8)
        sums = elliptic.bucket_sums(elliptic.encrypt([5, -7, 2**20]), codes, 2)
        assert elliptic.decrypt(sums) == [2**20 + 5, -7]
