"""What is particular to Paillier on GMP."""

import math

from isthmus.crypto import paillier


class TestGenerate:
    def test_makes_primes_that_the_proof_of_short_exponents_asks_for(self) -> None:
        key = paillier.generate(1024)
        p, q = int(vars(key)["_p"]), int(vars(key)["_q"])
        assert (p * q).bit_length() == 1024
        assert p % 4 == q % 4 == 3
        assert math.gcd(p - 1, q - 1) == 2

    def test_makes_another_key_each_time(self) -> None:
        assert paillier.generate(1024).public.dump() != paillier.generate(1024).public.dump()


class TestCiphertexts:
    def test_decrypt_by_the_textbook(self) -> None:
        key = paillier.generate(1024)
        p, q = int(vars(key)["_p"]), int(vars(key)["_q"])
        n, order = p * q, math.lcm(p - 1, q - 1)
        ciphertext = int.from_bytes(key.public.encrypt([123_456]).dump(), "big")
        logarithm = (pow(ciphertext, order, n * n) - 1) // n
        assert logarithm * pow(order, -1, n) % n == 123_456
