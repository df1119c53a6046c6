"""AES-CMAC of a column against the standard's vectors, and against the library item by item."""

import tracemalloc
from itertools import accumulate

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Integers
from isthmus.crypto import column_mac as module
from isthmus.crypto.column_mac import column_mac

# NIST SP 800-38B, appendix D: the message is the first bytes of this one.
MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
KEYS = {
    128: "2b7e151628aed2a6abf7158809cf4f3c",
    192: "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    256: "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
}
VECTORS = [
    (128, 0, "bb1d6929e95937287fa37d129b756746"),
    (128, 16, "070a16b46b4d4144f79bdd9dd04a287c"),
    (128, 40, "dfa66747de9ae63030ca32611497c827"),
    (128, 64, "51f0bebf7e3b9d92fc49741779363cfe"),
    (192, 0, "d17ddf46adaacde531cac483de7a9367"),
    (192, 16, "9e99a7bf31e710900662f65e617c5184"),
    (192, 40, "8a1de5be2eb31aad089a82e6ee908b0e"),
    (192, 64, "a1d5df0eed790f794d77589659f39a11"),
    (256, 0, "028962f61b7bf89efc6b551f4667d983"),
    (256, 16, "28a7023f452e8f82bd4bf28d8c37c35c"),
    (256, 40, "aaf3d8f1de5640c232f5b169b9c911e6"),
    (256, 64, "e1992190549f6ed5696a2c056c315410"),
]
KEY = bytes(range(16))


def offsets_of(items: list[bytes]) -> Integers:
    return np.array(list(accumulate(map(len, items), initial=0)), np.int64)


def codes(key: bytes, items: list[bytes]) -> list[bytes]:
    """The codes of a column, as bytes."""
    found = column_mac(key, offsets_of(items), b"".join(items))
    assert found.shape == (len(items), 2)
    return [row.tobytes() for row in found.astype(">u8")]


def one_by_one(key: bytes, items: list[bytes]) -> list[bytes]:
    """What the library computes."""
    made = []
    for item in items:
        mac = CMAC(AES(key))
        mac.update(item)
        made.append(mac.finalize())
    return made


class TestColumnMac:
    @pytest.mark.parametrize(("bits", "length", "code"), VECTORS)
    def test_gives_the_codes_of_the_standard(self, bits: int, length: int, code: str) -> None:
        assert codes(bytes.fromhex(KEYS[bits]), [MESSAGE[:length]]) == [bytes.fromhex(code)]

    def test_gives_them_together_as_well(self) -> None:
        items = [MESSAGE[:length] for bits, length, _ in VECTORS if bits == 128]
        expected = [bytes.fromhex(code) for bits, _, code in VECTORS if bits == 128]
        assert codes(bytes.fromhex(KEYS[128]), items) == expected

    @given(
        st.sampled_from([16, 24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
        st.lists(st.binary(max_size=300), max_size=30),
    )
    def test_agrees_with_the_library_item_by_item(self, key: bytes, items: list[bytes]) -> None:
        assert codes(key, items) == one_by_one(key, items)

    def test_agrees_at_every_length_up_to_17_blocks(self) -> None:
        items = [bytes([length % 251]) * length for length in range(17 * 16 + 2)]
        assert codes(KEY, items) == one_by_one(KEY, items)

    def test_agrees_beyond_one_round_of_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_ROWS", 7)
        items = [b"x" * (length % 40) + bytes([length % 256]) for length in range(300)]
        assert codes(KEY, items) == one_by_one(KEY, items)

    def test_takes_a_part_of_a_larger_column(self) -> None:
        offsets = np.array([3, 6, 8], np.int64)
        part = column_mac(KEY, offsets, memoryview(b"abcdefghij"))
        assert (part == column_mac(KEY, np.array([0, 3, 5]), b"defgh")).all()

    def test_codes_are_in_the_order_of_their_bytes(self) -> None:
        found = column_mac(KEY, np.arange(0, 1001, 2, dtype=np.int64), bytes(range(250)) * 4)
        by_words = found[np.lexsort((found[:, 1], found[:, 0]))]
        in_bytes = sorted(row.tobytes() for row in found.astype(">u8"))
        assert [row.tobytes() for row in by_words.astype(">u8")] == in_bytes

    def test_a_column_without_rows_has_no_codes(self) -> None:
        assert codes(KEY, []) == []

    def test_an_item_of_a_mebibyte_is_one_of_many(self) -> None:
        items = [b"a", bytes(2**20), b"b"]
        assert codes(KEY, items) == one_by_one(KEY, items)

    def test_needs_little_more_memory_than_the_result(self) -> None:
        rows = 200_000
        data, offsets = bytes(16 * rows), np.arange(0, 16 * rows + 1, 16, dtype=np.int64)
        tracemalloc.start()
        result = column_mac(KEY, offsets, data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < result.nbytes + 8 * 2**20

    @pytest.mark.parametrize("offsets", [[], [-1, 2], [0, 6], [0, 3, 2, 5]])
    def test_refuses_offsets_that_are_none(self, offsets: list[int]) -> None:
        with pytest.raises(ValueError, match="offsets"):
            column_mac(KEY, np.array(offsets, np.int64), b"abcde")
