import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine, Scheme
from isthmus.crypto.scheme import PrivateKey

BITS = 1024  # as in the conftest.py above


class TestRunning:
    @pytest.mark.parametrize("scheme", ["okamoto-uchiyama", "paillier"])
    def test_is_gmpy2_where_a_party_asks_for_it(self, scheme: Scheme) -> None:
        assert keys.running(scheme, "gmpy2") == "gmpy2"

    def test_is_never_the_kernel_for_a_scheme_that_it_does_not_compute(self) -> None:
        assert keys.running("paillier", "auto") == "gmpy2"
        with pytest.raises(
            SpecError,
            match=r'`compute.engine = "kernel"` cannot run here: it computes okamoto-uchiyama, and '
            'the job names paillier. Set it to "auto"',
        ):
            keys.running("paillier", "kernel")


class TestGenerate:
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
            keys.check(1024)

    @pytest.mark.parametrize("asked", ["abc", "0", "1000", "1e9", "3072", "-1024"])
    def test_of_a_size_that_is_none_are_refused(
        self, asked: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(keys.TEST_KEY_BITS, asked)
        with pytest.raises(SpecError, match="unset it"):
            keys.check(2048)
