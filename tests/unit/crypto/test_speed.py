"""How fast this machine encrypts, measured before anybody waits."""

import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto import keys, speed
from isthmus.crypto.encryption import Encryption, Engine, Scheme

KINDS: list[tuple[Scheme, Engine]] = [
    ("okamoto-uchiyama", "gmpy2"),
    ("paillier", "gmpy2"),
]


@pytest.mark.parametrize(("scheme", "engine"), KINDS)
class TestUnusableKey:
    def test_computes_what_a_real_one_computes(self, scheme: Scheme, engine: Engine) -> None:
        key = keys.make_unusable(scheme, engine, 2048)
        ciphertexts = key.encrypt([1, 2, 3])
        added = ciphertexts[0:2] + ciphertexts[1:3]
        assert len(added.dump()) == 2 * keys.ciphertext_bytes(scheme, 2048)

    def test_is_another_one_every_time(self, scheme: Scheme, engine: Engine) -> None:
        first, second = (keys.make_unusable(scheme, engine, 2048).dump() for _ in range(2))
        assert len(first) == keys.public_key_bytes(scheme, 2048)
        assert first != second


class TestMeasure:
    def test_tells_seconds_of_one_operation(self) -> None:
        found = speed.measure(Encryption(scheme="paillier", key_bits=2048), "auto")
        assert 0 < found.addition < found.encryption

    def test_refuses_a_key_that_cannot_be_made(self) -> None:
        with pytest.raises(SpecError, match="set key_bits to 2048"):
            speed.measure(Encryption(key_bits=2049), "auto")
