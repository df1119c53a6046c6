"""Microsoft SEAL's objects, to and from arrays: all that this package asks of the engine.

What comes from another party never reaches SEAL's parser: lengths and residues are checked here
(`residues.unpacked`), and everything around them is written in `seal_files.py`.

SEAL holds the interpreter's lock while it computes: threads gain nothing, processes do.
"""
# tenseal has no types, so all that comes from it is unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice import seal_files
from isthmus.crypto.lattice.parameters import Ring
from isthmus.crypto.lattice.residues import Residues

Plaintext = Any
Ciphertext = Any
SecretKey = Any
PublicKey = Any
Encryptor = Any
Decryptor = Any

_EXTRA_PRIME = 36028797014704129  # makes SEAL keep the special prime of a ring with the others


class Context:
    """SEAL's objects for one ring, to and from arrays."""

    def __init__(self, ring: Ring, engine: Any, *, secure: bool = True) -> None:
        """Set SEAL up.

        Args:
            ring: The parameters.
            engine: `tenseal.sealapi`.
            secure: Whether to refuse parameters of less than 128 bits of security.

        Raises:
            ValueError: SEAL refuses the parameters.
        """
        self.ring = ring
        self._engine = engine
        parameters = self._engine.EncryptionParameters(self._engine.SCHEME_TYPE.BFV)
        parameters.set_poly_modulus_degree(ring.degree)
        parameters.set_coeff_modulus([self._engine.Modulus(prime) for prime in ring.primes])
        parameters.set_plain_modulus(ring.plain)
        levels = self._engine.SEC_LEVEL_TYPE
        self._seal = self._engine.SEALContext(
            parameters, ring.special, levels.TC128 if secure else levels.NONE
        )
        said = self._seal.parameters_error_message()
        if said != "valid" or self._seal.using_keyswitching() != ring.special:
            raise ValueError(f"SEAL refuses the parameters: {said}")
        self._levels = list[Any]()  # SEAL's names of the ring with ever fewer primes
        level = self._seal.first_context_data()
        while level is not None:
            self._levels.append(level.parms_id())
            level = level.next_context_data()
        self._evaluator = self._engine.Evaluator(self._seal)

    # What is encrypted.

    def plaintext(self, coefficients: Integers) -> Plaintext:
        """A polynomial to encrypt: coefficients are within t / 2 of zero, or from 0 to t - 1."""
        reduced = np.where(coefficients < 0, coefficients + self.ring.plain, coefficients)
        return self._load_plaintext(seal_files.NO_PRIMES, reduced.astype(np.uint64))

    def encoded(self, values: Integers) -> Plaintext:
        """Values in slots, to be multiplied slot by slot; one for each slot."""
        plaintext = self._engine.Plaintext()
        reduced = np.where(values < 0, values + self.ring.plain, values)
        self._encoder.encode(reduced.tolist(), plaintext)
        return plaintext

    def decoded(self, plaintext: Plaintext) -> Integers:
        """The values of slots, from 0 to t - 1."""
        values = np.array(self._encoder.decode_uint64(plaintext), np.uint64)
        return values.astype(np.int64)

    def factor(self, plaintext: Plaintext) -> Plaintext:
        """Transform a plaintext to multiply by it."""
        self._evaluator.transform_to_ntt_inplace(plaintext, self._levels[0])
        return plaintext

    def residue_factor(self, residues: Residues) -> Plaintext:
        """Returns what `factor` would make of a plaintext of these residues, transformed."""
        return self._load_plaintext(self._levels[0], residues.ravel())

    # Ciphertexts.

    def ciphertext(self, residues: Residues, *, transformed: bool = False) -> Ciphertext:
        """A ciphertext of its residues, shape (polynomials, primes, degree)."""
        level = self._level(residues.shape[1])
        data = seal_files.ciphertext(level, residues, transformed=transformed)
        return self._loaded(self._engine.Ciphertext(self._seal), data)

    def seeded(self, polynomial: Residues, seed: bytes) -> Ciphertext:
        """A fresh ciphertext of its first polynomial, and of the seed of the other."""
        data = seal_files.seeded(self._level(len(polynomial)), polynomial, seed)
        return self._loaded(self._engine.Ciphertext(self._seal), data)

    def fresh(self, encryptor: Encryptor, plaintext: Plaintext) -> tuple[Residues, bytes]:
        """Encrypt under the secret key: the first polynomial, and the seed of the other."""
        shape = len(self.ring.data_primes), self.ring.degree
        return seal_files.fresh(encryptor.encrypt_symmetric(plaintext), shape)

    def residues(self, ciphertext: Ciphertext) -> Residues:
        """The residues of a ciphertext, shape (polynomials, primes, degree)."""
        shape = ciphertext.size(), ciphertext.coeff_modulus_size(), self.ring.degree
        return seal_files.residues(ciphertext, shape)

    def transform(self, ciphertext: Ciphertext) -> Ciphertext:
        """Transform a ciphertext, in place, so that it can be multiplied.

        Args:
            ciphertext: Not transformed.

        Returns:
            The same.

        Raises:
            ValueError: It is the same for every secret key, which no honest party's is.
        """
        with _hiding("a product that hides nothing"):
            self._evaluator.transform_to_ntt_inplace(ciphertext)
        return ciphertext

    def transformed_back(self, ciphertext: Ciphertext) -> Ciphertext:
        """Returns what `transform` would make the given ciphertext of."""
        result = self._engine.Ciphertext()
        self._evaluator.transform_from_ntt(ciphertext, result)
        return result

    def product(self, ciphertext: Ciphertext, factor: Plaintext) -> Ciphertext:
        """Multiply a transformed ciphertext.

        Args:
            ciphertext: Transformed.
            factor: Result of `factor`, not zero.

        Returns:
            The product.

        Raises:
            ValueError: It is the same for every secret key, which no honest party's is.
        """
        result = self._engine.Ciphertext()
        with _hiding("a product that hides nothing"):
            self._evaluator.multiply_plain(ciphertext, factor, result)
        return result

    def add(self, total: Ciphertext, other: Ciphertext) -> None:
        """Add to a ciphertext, in place.

        Args:
            total: What is added to.
            other: What is added.

        Raises:
            ValueError: The sum is the same for every secret key, which no honest party's is.
        """
        with _hiding("ciphertexts cannot be added"):
            self._evaluator.add_inplace(total, other)

    def sum(self, ciphertexts: Sequence[Ciphertext]) -> Ciphertext:
        """Add up ciphertexts.

        Args:
            ciphertexts: At least one.

        Returns:
            Their sum.

        Raises:
            ValueError: As `add`.
        """
        result = self._engine.Ciphertext()
        with _hiding("ciphertexts cannot be added"):
            self._evaluator.add_many(ciphertexts, result)
        return result

    def add_plaintext(self, total: Ciphertext, plaintext: Plaintext) -> None:
        """Add a plaintext to a ciphertext, in place."""
        self._evaluator.add_plain_inplace(total, plaintext)

    def drop_prime(self, ciphertext: Ciphertext) -> None:
        """Divide a ciphertext and its noise by its last prime, in place."""
        self._evaluator.mod_switch_to_next_inplace(ciphertext)

    def stored(self, ciphertext: Ciphertext) -> bytes:
        """A transformed ciphertext for another process of the same party."""
        return self.residues(ciphertext).tobytes()

    def restored(self, data: bytes) -> Ciphertext:
        """Returns what `stored` wrote, of two polynomials."""
        primes = len(self.ring.data_primes)
        residues = np.frombuffer(data, "<u8").reshape(2, primes, self.ring.degree)
        return self.ciphertext(residues, transformed=True)

    # Keys.

    def new_secret_key(self) -> SecretKey:
        """Draw a secret key."""
        return self._engine.KeyGenerator(self._seal).secret_key()

    def secret_key(self, residues: Residues) -> SecretKey:
        """A secret key of its residues, transformed, shape (primes, degree)."""
        data = seal_files.plaintext(self._seal.key_parms_id(), residues.ravel())
        return self._loaded(self._engine.SecretKey(), data)

    def secret_residues(self, key: SecretKey) -> Residues:
        """The residues of a secret key, transformed, shape (primes, degree)."""
        return seal_files.secret_residues(key, (len(self.ring.primes), self.ring.degree))

    def new_public_key(self, key: SecretKey) -> Residues:
        """Draw a public key of a secret one: its residues, transformed."""
        public = self._engine.PublicKey()
        self._engine.KeyGenerator(self._seal, key).create_public_key(public)
        return self.residues(public.data())

    def public_key(self, residues: Residues) -> PublicKey:
        """A public key of its residues, transformed, shape (2, primes, degree)."""
        data = seal_files.ciphertext(self._seal.key_parms_id(), residues, transformed=True)
        return self._loaded(self._engine.PublicKey(), data)

    def encryptor(self, key: SecretKey) -> Encryptor:
        """What encrypts under a secret key."""
        return self._engine.Encryptor(self._seal, key)

    def decryptor(self, key: SecretKey) -> Decryptor:
        """What decrypts."""
        return self._engine.Decryptor(self._seal, key)

    def decrypt(self, decryptor: Decryptor, ciphertext: Ciphertext) -> Plaintext:
        """Decrypt a ciphertext that is not transformed."""
        plaintext = self._engine.Plaintext()
        decryptor.decrypt(ciphertext, plaintext)
        return plaintext

    def public_encryptor(self, key: PublicKey) -> Encryptor:
        """What encrypts under a public key."""
        return self._engine.Encryptor(self._seal, key)

    def zero(self, encryptor: Encryptor) -> Ciphertext:
        """A fresh encryption of zero under a public key."""
        result = self._engine.Ciphertext()
        encryptor.encrypt_zero(result)
        return result

    def pointwise(self, left: Residues, right: Residues) -> Residues:
        """Multiply transformed polynomials modulo all primes, shape (primes, degree)."""
        calculator = self._calculator
        factor = calculator.residue_factor(right)
        both = calculator.ciphertext(np.stack([left, left]), transformed=True)
        product: Residues = calculator.residues(calculator.product(both, factor))[0]
        return product

    @cached_property
    def _calculator(self) -> "Context":
        """A context in which all primes hold data."""
        if not self.ring.special:
            return self
        primes = (*self.ring.primes, _EXTRA_PRIME)
        ring = Ring(self.ring.degree, primes, self.ring.plain, special=True)
        return Context(ring, self._engine, secure=False)

    @cached_property
    def _encoder(self) -> Any:
        return self._engine.BatchEncoder(self._seal)

    def _load_plaintext(self, level: Any, coefficients: Residues) -> Plaintext:
        return self._loaded(self._engine.Plaintext(), seal_files.plaintext(level, coefficients))

    def _level(self, primes: int) -> Any:
        return self._levels[len(self.ring.data_primes) - primes]

    def _loaded(self, empty: Any, data: bytes) -> Any:
        return seal_files.loaded(empty, self._seal, data)


@contextmanager
def _hiding(otherwise: str) -> Generator[None]:
    """Turn what SEAL says of a result that hides nothing ("transparent") into a ValueError.

    Args:
        otherwise: What it means.

    Yields:
        Nothing.

    Raises:
        ValueError: SEAL said so.
    """
    try:
        yield
    except RuntimeError as error:
        raise ValueError(f"{otherwise}: {error}") from None
