"""What is particular to Okamoto-Uchiyama on GMP."""

import math

import pytest

from isthmus.crypto import okamoto_uchiyama


class TestGenerate:
    def test_makes_a_modulus_with_a_subgroup_of_the_size_of_the_randomness(self) -> None:
        key = okamoto_uchiyama.generate(1024)
        p, t = int(vars(key)["_p"]), int(vars(key)["_t"])
        n = int(key.public.modulus)
        assert n % (p * p) == 0
        assert (p - 1) % t == 0
        assert t.bit_length() == 224
        assert math.gcd(n // (p * p), p) == 1

    @pytest.mark.parametrize("bits", [1024, 1088, 1152])
    def test_makes_a_modulus_that_fits_the_wire(self, bits: int) -> None:
        key = okamoto_uchiyama.generate(bits)
        assert bits <= key.public.modulus.bit_length() <= bits + 8
        assert len(key.public.dump()) == 3 * (bits // 8 + 1)

    def test_makes_another_key_each_time(self) -> None:
        one, other = okamoto_uchiyama.generate(1024), okamoto_uchiyama.generate(1024)
        assert one.public.dump() != other.public.dump()


class TestCiphertexts:
    def test_decrypt_by_the_textbook(self) -> None:
        key = okamoto_uchiyama.generate(1024)
        p, n = int(vars(key)["_p"]), int(key.public.modulus)
        width = key.public.ciphertext_bytes
        g = int.from_bytes(key.public.dump()[width : 2 * width], "big")
        ciphertext = int.from_bytes(key.public.encrypt([-123_456]).dump(), "big")

        def logarithm(number: int) -> int:
            return (pow(number, p - 1, p * p) - 1) // p

        assert 0 < ciphertext < n
        assert logarithm(ciphertext) * pow(logarithm(g), -1, p) % p == p - 123_456
