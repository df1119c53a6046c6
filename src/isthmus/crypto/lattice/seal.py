"""Microsoft SEAL by `tenseal.sealapi`: the only file that imports it.

The bindings read and write files only, and know no arrays. So objects of SEAL are made of raw bytes
in files: in memory or, on systems without such files, in the folder for temporary ones, where each
is deleted at once. SEAL does not promise to keep their format: `tenseal` is pinned, and the first
use in a process encrypts and decrypts known values this way.

What comes from another party never reaches SEAL's parser: lengths and residues are checked here
(`residues.unpacked`), and everything around them is written here.

SEAL holds the interpreter's lock while it computes: threads gain nothing, processes do.
"""
# tenseal has no types, so all that comes from it is unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

import os
import struct
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.crypto.lattice.parameters import EXACT_RING, SEAL_SEED_BYTES, Ring
from isthmus.crypto.lattice.residues import Residues

VERSION = "0.3.18"
"""The version of tenseal that this file knows the bytes of."""

Plaintext = Any
Ciphertext = Any
SecretKey = Any
PublicKey = Any
Encryptor = Any
Decryptor = Any

_HEADER = struct.Struct("<HBBBBHQ")
_MAGIC, _MAJOR, _MINOR = 0xA15E, 4, 3
_PLAIN, _ZSTD = 0, 2
_BLAKE2XB = 1  # the generator that SEAL expands seeds with
_NO_PRIMES: tuple[int, int, int, int] = (0, 0, 0, 0)  # parms_id of a plaintext not transformed
_EXTRA_PRIME = 36028797014704129  # makes SEAL keep the special prime of a ring with the others


@cache
def context(ring: Ring) -> "Context":
    """Set SEAL up, once for each ring in a process.

    Args:
        ring: The parameters.

    Returns:
        SEAL with these parameters.

    Raises:
        SpecError: tenseal is not installed, or does not compute what this file expects.
    """
    load_engine()
    return Context(ring)


@cache
def load_engine() -> Any:
    """Load and test SEAL.

    Returns:
        The module `tenseal.sealapi`.

    Raises:
        SpecError: It is missing, or computes something else.
    """
    try:
        found = version("tenseal")
        if found != VERSION:
            _refuse(f"version {found} is installed")
        import tenseal.sealapi as engine  # noqa: PLC0415 - it is not installed everywhere

        _test(Context(EXACT_RING, engine))
    except (ImportError, AttributeError, TypeError, ValueError, RuntimeError, OSError) as error:
        missing = isinstance(error, ImportError)
        raise SpecError(
            f'the scheme "bfv" needs tenseal {VERSION}, and '
            f"{'it is not installed here' if missing else f'it does not work here ({error})'}. Run "
            f'`pip install tenseal=={VERSION}`, or set scheme = "okamoto-uchiyama" in the job.'
        ) from error
    return engine


class Context:
    """SEAL's objects for one ring, to and from arrays."""

    def __init__(self, ring: Ring, engine: Any = None, *, secure: bool = True) -> None:
        """Set SEAL up.

        Args:
            ring: The parameters.
            engine: `tenseal.sealapi`, where it is not tested yet.
            secure: Whether to refuse parameters of less than 128 bits of security.

        Raises:
            ValueError: SEAL refuses the parameters.
        """
        self.ring = ring
        self._engine = engine or load_engine()
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
        return self._load_plaintext(_NO_PRIMES, reduced.astype(np.uint64))

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
        polynomials, primes, _ = residues.shape
        array = struct.pack("<Q", residues.size) + residues.tobytes()
        body = self._ciphertext_start(polynomials, primes, transformed=transformed) + _framed(array)
        return self._loaded(self._engine.Ciphertext(self._seal), _framed(body))

    def seeded(self, polynomial: Residues, seed: bytes) -> Ciphertext:
        """A fresh ciphertext of its first polynomial, and of the seed of the other."""
        array = struct.pack("<Q", polynomial.size) + polynomial.tobytes()
        generator = _framed(struct.pack("<B", _BLAKE2XB) + seed)
        body = self._ciphertext_start(2, len(polynomial), transformed=False) + _framed(array)
        return self._loaded(self._engine.Ciphertext(self._seal), _framed(body + generator))

    def fresh(self, encryptor: Encryptor, plaintext: Plaintext) -> tuple[Residues, bytes]:
        """Encrypt under the secret key: the first polynomial, and the seed of the other."""
        primes, degree = len(self.ring.data_primes), self.ring.degree
        array = primes * degree * 8
        tail = _HEADER.size + 1 + SEAL_SEED_BYTES
        size = self._ciphertext_start_bytes + _HEADER.size + 8 + array + tail
        data = _saved(encryptor.encrypt_symmetric(plaintext), size)
        return np.frombuffer(data, "<u8", primes * degree, len(data) - tail - array).reshape(
            primes, degree
        ), data[-SEAL_SEED_BYTES:]

    def residues(self, ciphertext: Ciphertext) -> Residues:
        """The residues of a ciphertext, shape (polynomials, primes, degree)."""
        shape = ciphertext.size(), ciphertext.coeff_modulus_size(), self.ring.degree
        array = int(np.prod(shape)) * 8
        data = _saved(ciphertext, self._ciphertext_start_bytes + _HEADER.size + 8 + array)
        return np.frombuffer(data, "<u8", array // 8, len(data) - array).reshape(shape)

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
        data = self._plaintext_bytes(self._seal.key_parms_id(), residues.ravel())
        return self._loaded(self._engine.SecretKey(), data)

    def secret_residues(self, key: SecretKey) -> Residues:
        """The residues of a secret key, transformed, shape (primes, degree)."""
        shape = len(self.ring.primes), self.ring.degree
        array = shape[0] * shape[1] * 8
        data = _saved(key, 4 * 8 + 8 + 8 + _HEADER.size + 8 + array)
        return np.frombuffer(data, "<u8", array // 8, len(data) - array).reshape(shape)

    def new_public_key(self, key: SecretKey) -> Residues:
        """Draw a public key of a secret one: its residues, transformed."""
        public = self._engine.PublicKey()
        self._engine.KeyGenerator(self._seal, key).create_public_key(public)
        return self.residues(public.data())

    def public_key(self, residues: Residues) -> PublicKey:
        """A public key of its residues, transformed, shape (2, primes, degree)."""
        polynomials, primes, _ = residues.shape
        array = struct.pack("<Q", residues.size) + residues.tobytes()
        start = self._ciphertext_start(
            polynomials, primes, transformed=True, level=self._seal.key_parms_id()
        )
        return self._loaded(self._engine.PublicKey(), _framed(start + _framed(array)))

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
        return self._loaded(self._engine.Plaintext(), self._plaintext_bytes(level, coefficients))

    def _plaintext_bytes(self, level: Any, coefficients: Residues) -> bytes:
        size = coefficients.size
        array = struct.pack("<Q", size) + coefficients.tobytes()
        return _framed(struct.pack("<4QQd", *level, size, 1.0) + _framed(array))

    def _ciphertext_start(
        self, polynomials: int, primes: int, *, transformed: bool, level: Any = None
    ) -> bytes:
        level = level or self._levels[len(self.ring.data_primes) - primes]
        shape = polynomials, self.ring.degree, primes
        return struct.pack("<4QB3QdQ", *level, transformed, *shape, 1.0, 1)

    @cached_property
    def _ciphertext_start_bytes(self) -> int:
        return len(self._ciphertext_start(2, len(self.ring.data_primes), transformed=False))

    def _loaded(self, empty: Any, data: bytes) -> Any:
        with _file() as (descriptor, path):
            _write(descriptor, data)
            empty.load(self._seal, path)
        return empty


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


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)


def _framed(body: bytes) -> bytes:
    """Returns bytes as SEAL writes an object without compressing it."""
    size = _HEADER.size + len(body)
    return _HEADER.pack(_MAGIC, _HEADER.size, _MAJOR, _MINOR, _PLAIN, 0, size) + body


def _saved(thing: Any, size: int) -> bytes:
    """Write an object of SEAL.

    Args:
        thing: The object.
        size: Bytes of its body.

    Returns:
        The body, not compressed.

    Raises:
        ValueError: SEAL writes it in another way.
    """
    with _file() as (descriptor, path):
        thing.save(path)
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    magic, header, major, minor, form, _, written = _HEADER.unpack_from(data)
    if (magic, header, major, minor) != (_MAGIC, _HEADER.size, _MAJOR, _MINOR):
        _refuse(f"SEAL writes version {major}.{minor}, not {_MAJOR}.{_MINOR}")
    if written != len(data) or form not in {_PLAIN, _ZSTD}:
        _refuse("SEAL writes objects in another way")
    body = data[_HEADER.size :]
    if form == _ZSTD:
        body = pa.decompress(body, decompressed_size=size, codec="zstd", asbytes=True)
    if len(body) != size:
        _refuse("SEAL writes objects of another size")
    return body


@contextmanager
def _file() -> Generator[tuple[int, str]]:
    """An empty file that only this process can name, and that is gone after the block."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("isthmus")
        path = f"/proc/self/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp(prefix="isthmus-")
    try:
        yield descriptor, path
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):
            Path(path).unlink()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _test(tested: Context) -> None:
    """Refuse an engine that does not compute what this file expects, by known values."""
    coefficients = np.zeros(tested.ring.degree, np.int64)
    coefficients[:2] = 3, -2
    key = tested.secret_key(tested.secret_residues(tested.new_secret_key()))
    fresh, seed = tested.fresh(tested.encryptor(key), tested.plaintext(coefficients))
    ciphertext = tested.transform(tested.seeded(fresh, seed))
    coefficients[:2] = 5, 0
    product = tested.product(ciphertext, tested.factor(tested.plaintext(coefficients)))
    again = tested.ciphertext(tested.residues(tested.transformed_back(product)))
    opened = tested.decrypt(tested.decryptor(key), again).to_string()
    expected = f"{tested.ring.plain - 10:X}x^1 + F"
    if opened != expected:
        _refuse("known values come out wrong")
