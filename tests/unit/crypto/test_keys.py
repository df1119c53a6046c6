import importlib.util
import sys

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine, Scheme
from isthmus.crypto.scheme import PrivateKey

ENGINES: tuple[Engine, ...] = ("heu", "gmpy2")
BITS = 1024  # as in the conftest.py above


class TestGenerate:
    def test_says_what_to_do_where_heu_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
        with pytest.raises(SpecError, match='set engine = "gmpy2" in the job'):
            keys.generate("okamoto-uchiyama", "heu", BITS)

    @pytest.mark.parametrize("bits", [0, 512, 1000, 3073])
    def test_refuses_odd_sizes(self, pair: tuple[Scheme, Engine], bits: int) -> None:
        with pytest.raises(SpecError, match="set key_bits to 2048"):
            keys.generate(*pair, bits)


class TestLoadPublic:
    def test_reads_what_was_dumped(self, pair: tuple[Scheme, Engine], key: PrivateKey) -> None:
        public = keys.load_public(*pair, BITS, key.public.dump())
        sent = public.encrypt([1, -2, 3]).dump()
        assert key.decrypt(key.public.load(sent, 3)) == [1, -2, 3]

    def test_refuses_a_key_of_another_size(
        self, pair: tuple[Scheme, Engine], key: PrivateKey
    ) -> None:
        with pytest.raises(ValueError, match="bytes are not"):
            keys.load_public(*pair, BITS + 64, key.public.dump())

    def test_refuses_a_short_modulus_in_a_long_dress(self, pair: tuple[Scheme, Engine]) -> None:
        weak = bytes(40) + b"\x01" * (keys.public_key_bytes(pair[0], BITS) - 40)
        with pytest.raises(ValueError, match="not a modulus of 1024 bits"):
            keys.load_public(*pair, BITS, weak)

    @pytest.mark.parametrize("byte", [b"\x00", b"\xfe", b"\xff"])
    def test_refuses_garbage(self, pair: tuple[Scheme, Engine], byte: bytes) -> None:
        data = byte * (keys.public_key_bytes(pair[0], BITS) - 1) + b"\x00"
        with pytest.raises(ValueError, match="modulus"):
            keys.load_public(*pair, BITS, data)


class TestSizes:
    def test_are_what_travels(self, pair: tuple[Scheme, Engine], key: PrivateKey) -> None:
        assert len(key.public.dump()) == keys.public_key_bytes(pair[0], BITS)
        assert len(key.public.encrypt([1, 2]).dump()) == 2 * keys.ciphertext_bytes(pair[0], BITS)


@pytest.mark.parametrize("scheme", ["okamoto-uchiyama", "paillier"])
def test_gmpy2_works_where_heu_is_missing(scheme: Scheme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "heu", None)  # importing it fails
    key = keys.generate(scheme, "gmpy2", BITS)
    public = keys.load_public(scheme, "gmpy2", BITS, key.public.dump())
    assert key.decrypt(public.encrypt([7])) == [7]


@pytest.mark.parametrize("scheme", ["okamoto-uchiyama", "paillier"])
@pytest.mark.parametrize(("owner", "other"), [("heu", "gmpy2"), ("gmpy2", "heu")])
def test_engines_work_together(scheme: Scheme, owner: Engine, other: Engine) -> None:
    pytest.importorskip("heu", reason="HEU has no wheel for this Python")
    values = [0, 1, -1, 2**100, -(2**100), 2**191 - 1, -(2**191)]
    key = keys.generate(scheme, owner, BITS)
    public = keys.load_public(scheme, other, BITS, key.public.dump())
    sent = public.load(key.public.encrypt(values).dump(), len(values))
    doubled = (sent + public.encrypt(values)).dump()
    assert key.decrypt(key.public.load(doubled, len(values))) == [2 * value for value in values]


@pytest.mark.parametrize("scheme", ["okamoto-uchiyama", "paillier"])
def test_engines_sum_to_the_same_bits(scheme: Scheme) -> None:
    pytest.importorskip("heu", reason="HEU has no wheel for this Python")
    key = keys.generate(scheme, "heu", BITS)
    sent, codes = key.public.encrypt(list(range(40))).dump(), np.arange(80).reshape(40, 2) % 7
    sums = {
        keys.load_public(scheme, engine, BITS, key.public.dump())
        .load(sent, 40)
        .bucket_sums(codes.astype(np.int8), 7)
        .dump()
        for engine in ENGINES
    }
    assert len(sums) == 1


def test_a_key_does_not_decrypt_for_another_engine() -> None:
    pytest.importorskip("heu", reason="HEU has no wheel for this Python")
    one, other = (keys.generate("paillier", engine, BITS) for engine in ("gmpy2", "heu"))
    for key, stranger in ((one, other), (other, one)):
        with pytest.raises(TypeError, match="another engine"):
            key.decrypt(stranger.public.encrypt([1]))


class TestSmallKeys:
    def test_take_the_place_of_full_size_where_our_tests_ask_for_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(keys.TEST_KEY_BITS, "1024")
        assert keys.ciphertext_bytes("paillier", 3072) == keys.ciphertext_bytes("paillier", 1024)
        monkeypatch.delenv(keys.TEST_KEY_BITS)
        assert keys.ciphertext_bytes("paillier", 3072) == 3 * keys.ciphertext_bytes(
            "paillier", 1024
        )

    def test_are_refused_in_a_job(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(keys.TEST_KEY_BITS)
        with pytest.raises(SpecError, match="set key_bits to 2048"):
            keys.check("gmpy2", 1024)

    @pytest.mark.parametrize("asked", ["abc", "0", "1000", "1e9", "3072", "-1024"])
    def test_of_a_size_that_is_none_are_refused(
        self, asked: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(keys.TEST_KEY_BITS, asked)
        with pytest.raises(SpecError, match="unset it"):
            keys.check("gmpy2", 2048)
