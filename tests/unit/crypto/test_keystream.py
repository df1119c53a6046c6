"""Randomness that is made together."""

import pytest

from isthmus.crypto.keystream import KEY_BYTES, keystream, mixed

ONE, TWO = bytes(KEY_BYTES), bytes([1]) * KEY_BYTES


class TestMixed:
    def test_depends_on_every_seed_their_order_and_the_purpose(self) -> None:
        keys = [
            mixed([ONE, ONE], "hash"),
            mixed([ONE, TWO], "hash"),
            mixed([TWO, ONE], "hash"),
            mixed([ONE, TWO], "shuffle"),
            mixed([ONE, TWO, ONE], "hash"),
        ]
        assert len(set(keys)) == len(keys)
        assert {len(key) for key in keys} == {KEY_BYTES}

    def test_is_the_same_for_all_who_know_the_seeds(self) -> None:
        assert mixed([ONE, TWO], "hash") == mixed([ONE, TWO], "hash")

    @pytest.mark.parametrize("seed", [b"", ONE[1:], ONE + b"\0"])
    def test_refuses_seeds_of_another_length(self, seed: bytes) -> None:
        with pytest.raises(ValueError, match="a seed has 32 bytes"):
            mixed([ONE, seed], "hash")


class TestKeystream:
    def test_is_chacha20(self) -> None:  # RFC 8439, appendix A.1, test vector 1
        assert keystream(ONE, 64).hex() == (
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
            "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
        )

    def test_has_any_length(self) -> None:
        assert keystream(TWO, 1_000)[:10] == keystream(TWO, 10)
        assert keystream(TWO, 0) == b""
