"""What `crypto.heu` adds to the library that it wraps."""

import pytest

from isthmus.crypto.scheme import PrivateKey

pytest.importorskip("heu", reason="HEU has no wheel for this Python")

from cryptography.hazmat.primitives.asymmetric import rsa

from isthmus.crypto import fixed_width, heu
from isthmus.crypto.heu_bytes import read_ciphertexts, read_key, write_ciphertexts, write_key


class TestRandomness:
    def test_exponents_are_twice_as_long_as_the_security_asks_for(self) -> None:
        # Modulo p^2 the base 1 + p has easy logarithms: (1 + p)^r = 1 + r p.
        p = rsa.generate_private_key(65537, 3072).private_numbers().p
        public = heu.HeuPublicKey("okamoto-uchiyama", 3072, [p * p, 2, 1 + p])

        blinds, one = (
            [int.from_bytes(item, "big") for item in items(ciphertexts.dump(), 385)]
            for ciphertexts in (public.encrypt([0] * 20), public.encrypt([0]).scale([0]))
        )
        exponents = [(blind * pow(one[0], -1, p * p) % (p * p) - 1) // p for blind in blinds]

        assert max(exponent.bit_length() for exponent in exponents) > 252
        assert min(exponent.bit_length() for exponent in exponents) > 220
        assert len({exponent % 2**128 for exponent in exponents}) == 20
        assert len({exponent >> 128 for exponent in exponents}) == 20

    def test_every_encryptor_draws_its_own_base_for_paillier(self) -> None:
        key = heu.HeuPrivateKey("paillier", 1024)
        again = heu.load_public("paillier", 1024, key.public.dump())
        assert len(key.public.dump()) == 1024 // 8  # the modulus alone
        assert key.decrypt(again.encrypt([-5])) == [-5]


class TestBytes:
    def test_reads_the_keys_that_it_writes(self) -> None:
        assert read_key(write_key(1, [3, 2**200, 2**4000 + 1], 192), 3) == [3, 2**200, 2**4000 + 1]

    def test_reads_the_ciphertexts_that_it_writes(self) -> None:
        numbers = [1, 255, 2**1023, 2**6000, 2**6008 - 1]
        data = fixed_width.join(numbers, 751)
        assert read_ciphertexts(write_ciphertexts(4, data, 751)) == numbers

    def test_short_numbers_travel_as_wide_as_others(self, okamoto_uchiyama: PrivateKey) -> None:
        # One residue in thirty has a leading zero byte, which HEU leaves out.
        public = okamoto_uchiyama.public
        data = public.encrypt(list(range(500))).dump()
        assert len(data) == 500 * 129
        assert okamoto_uchiyama.decrypt(public.load(data, 500)) == list(range(500))


def items(data: bytes, width: int) -> list[bytes]:
    """Fixed-width pieces."""
    return [data[at : at + width] for at in range(0, len(data), width)]
