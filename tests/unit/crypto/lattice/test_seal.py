"""SEAL by raw bytes, and what is said where it cannot be used."""

import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto.lattice import seal, seal_files
from isthmus.crypto.lattice.keys import PublicKey, SecretKey, received, uniform_half
from isthmus.crypto.lattice.parameters import EXACT_RING, MODULAR_RING, SLOTS, Ring
from isthmus.crypto.lattice.residues import uniform
from isthmus.crypto.lattice.seal_context import Ciphertext, Context, Plaintext
from tests.negacyclic import product

ADVICE = (
    r'the scheme "bfv" needs tenseal 0\.3\.18, and {}\. Run `pip install tenseal==0\.3\.18`, '
    r'or set scheme = "okamoto-uchiyama" in the job\.$'
)


@pytest.fixture
def fresh_process() -> Iterator[None]:
    """SEAL is tested anew."""
    seal.context.cache_clear()
    seal.load_engine.cache_clear()
    yield
    seal.context.cache_clear()
    seal.load_engine.cache_clear()


def opened(context: Context, key: SecretKey, ciphertext: Ciphertext) -> str:
    text: str = context.decrypt(context.decryptor(key.secret), ciphertext).to_string()
    return text


def polynomial(ring: Ring, *coefficients: int) -> Plaintext:
    padded = np.zeros(ring.degree, np.int64)
    padded[: len(coefficients)] = coefficients
    return seal.context(ring).plaintext(padded)


@pytest.mark.usefixtures("fresh_process")
class TestEngine:
    def test_missing_is_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> str:
            raise PackageNotFoundError(name)

        monkeypatch.setattr(seal, "version", missing)
        with pytest.raises(SpecError, match=ADVICE.format("it is not installed here")):
            seal.context(EXACT_RING)

    def test_of_another_version_is_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(seal, "version", lambda _: "0.4.0")
        said = r"it does not work here \(version 0\.4\.0 is installed\)"
        with pytest.raises(SpecError, match=ADVICE.format(said)):
            seal.context(EXACT_RING)

    @pytest.mark.parametrize("constant", ["_MINOR", "_BLAKE2XB", "_MAGIC"])
    def test_that_writes_other_bytes_is_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, constant: str
    ) -> None:
        monkeypatch.setattr(seal_files, constant, 7)
        with pytest.raises(SpecError, match=ADVICE.format(r"it does not work here \(.+\)")):
            seal.context(EXACT_RING)

    def test_that_computes_something_else_is_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Context, "product", lambda _, ciphertext, __: ciphertext)
        with pytest.raises(SpecError, match="known values come out wrong"):
            seal.context(EXACT_RING)

    def test_works_without_files_in_memory_and_leaves_none(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delattr(os, "memfd_create")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        key = SecretKey(EXACT_RING)
        data = key.encrypt(polynomial(EXACT_RING, 1, 2))
        ciphertext = key.context.transformed_back(received(EXACT_RING, data))
        assert opened(key.context, key, ciphertext) == "2x^1 + 1"
        assert not list(tmp_path.iterdir())


class TestContext:
    def test_refuses_what_is_less_secure(self) -> None:
        short = Ring(4096, SLOTS.primes[:2], 65537, special=True)
        with pytest.raises(ValueError, match="SEAL refuses the parameters"):
            Context(short, seal.load_engine())

    @pytest.mark.parametrize("ring", [EXACT_RING, MODULAR_RING, SLOTS])
    def test_ciphertexts_come_back_from_bytes_and_residues(self, ring: Ring) -> None:
        context, key = seal.context(ring), SecretKey(ring)
        data = key.encrypt(polynomial(ring, 3, ring.plain - 1))
        assert len(data) == ring.fresh_bytes
        ciphertext = context.transformed_back(received(ring, data))
        again = context.ciphertext(context.residues(ciphertext))
        assert opened(context, key, again) == f"{ring.plain - 1:X}x^1 + 3"

    def test_secret_keys_come_back_from_bytes(self) -> None:
        key = SecretKey(EXACT_RING)
        data = key.encrypt(polynomial(EXACT_RING, 7))
        again = SecretKey(EXACT_RING, key.stored())
        ciphertext = key.context.transformed_back(received(EXACT_RING, data))
        assert opened(key.context, again, ciphertext) == "7"

    def test_multiplies_as_numpy_does(self) -> None:
        context, key = seal.context(EXACT_RING), SecretKey(EXACT_RING)
        generator = np.random.default_rng(0)
        small = generator.integers(-(2**14) + 1, 2**14, EXACT_RING.degree)
        ciphertext = received(EXACT_RING, key.encrypt(polynomial(EXACT_RING, 1)))
        before = context.residues(context.transformed_back(ciphertext))
        multiplied = context.product(ciphertext, context.factor(context.plaintext(small)))
        after = context.residues(context.transformed_back(multiplied))
        for place, prime in enumerate(EXACT_RING.primes):
            assert after[1, place].tolist() == product(before[1, place], small, prime)

    def test_slots_are_multiplied_one_by_one_and_lose_a_prime(self) -> None:
        context, key = seal.context(SLOTS), SecretKey(SLOTS)
        generator = np.random.default_rng(0)
        one, two, three = generator.integers(-(2**20), 2**20, (3, SLOTS.degree))
        ciphertext = received(SLOTS, key.encrypt(context.encoded(one)))
        total = context.product(ciphertext, context.factor(context.encoded(two)))
        total = context.transformed_back(total)
        context.add_plaintext(total, context.encoded(three))
        context.drop_prime(total)
        residues = context.residues(total)
        assert residues.shape == (2, len(SLOTS.data_primes) - 1, SLOTS.degree)
        decryptor = context.decryptor(key.secret)
        slots = context.decoded(context.decrypt(decryptor, context.ciphertext(residues)))
        assert (slots == (one * two + three) % SLOTS.plain).all()

    def test_refuses_a_sum_that_hides_nothing(self) -> None:
        context, key = seal.context(EXACT_RING), SecretKey(EXACT_RING)
        ciphertext = received(EXACT_RING, key.encrypt(polynomial(EXACT_RING, 1)))
        opposite = context.product(ciphertext, context.factor(polynomial(EXACT_RING, -1)))
        with pytest.raises(ValueError, match="ciphertexts cannot be added: result ciphertext is"):
            context.sum([ciphertext, opposite])
        with pytest.raises(ValueError, match="ciphertexts cannot be added: result ciphertext is"):
            context.add(ciphertext, opposite)


class TestReceived:
    def test_of_another_length_is_refused(self) -> None:
        data = SecretKey(EXACT_RING).encrypt(polynomial(EXACT_RING, 1))
        for wrong in (b"", data[:-1], data + b"\0"):
            with pytest.raises(ValueError, match=r"a ciphertext has 55872 bytes, not \d+"):
                received(EXACT_RING, wrong)

    def test_with_a_residue_not_below_its_prime_is_refused(self) -> None:
        data = SecretKey(EXACT_RING).encrypt(polynomial(EXACT_RING, 1))
        with pytest.raises(ValueError, match="a residue of a polynomial is not below its prime"):
            received(EXACT_RING, b"\xff" * (len(data) - 64) + data[-64:])


class TestPublicKey:
    @pytest.mark.parametrize("ring", [EXACT_RING, MODULAR_RING, SLOTS])
    def test_encrypts_zero_with_a_half_that_both_parties_chose(self, ring: Ring) -> None:
        context, key, half = (
            seal.context(ring),
            SecretKey(ring),
            uniform_half([bytes(32)] * 2, 0, ring),
        )
        public = PublicKey(ring, key.public_half(half), half)
        one, two = public.zero(), public.zero()
        assert opened(context, key, one) == opened(context, key, two) == "0"
        assert (context.residues(one) != context.residues(two)).all()
        context.add(one, context.transformed_back(received(ring, key.encrypt(polynomial(ring, 5)))))
        assert opened(context, key, one) == "5"

    def test_has_a_uniform_half_that_depends_on_both_seeds_and_its_number(self) -> None:
        one, two = bytes(32), b"\1" * 32
        halves = [
            uniform_half(seeds, number, EXACT_RING)
            for seeds, number in [
                ([one, one], 0),
                ([one, two], 0),
                ([two, one], 0),
                ([one, one], 1),
            ]
        ]
        assert len({half.tobytes() for half in halves}) == len(halves)

    def test_of_a_wrong_length_is_refused(self) -> None:
        with pytest.raises(ValueError, match="a polynomial has 55808 bytes, not 3"):
            PublicKey(EXACT_RING, b"abc", uniform(bytes(32), EXACT_RING.degree, EXACT_RING.primes))
