"""Making and loading encryption keys: of the scheme of a job, by the engine of a party."""

import os
import secrets
from collections.abc import Callable
from typing import Literal

from isthmus.core.errors import SpecError
from isthmus.crypto import fixed_width, okamoto_uchiyama, paillier
from isthmus.crypto.encryption import Engine, Scheme
from isthmus.crypto.kernel import loading
from isthmus.crypto.kernel import okamoto_uchiyama as kernel
from isthmus.crypto.scheme import PrivateKey, PublicKey

MIN_KEY_BITS = 2048
"""About 112 bits of security; 3072 bits have about 128."""

TEST_KEY_BITS = "ISTHMUS_TEST_KEY_BITS"
"""Environment variable of our own tests: makes keys of that size where a job says 2048 or more.

Such keys can be broken. `jobs/connection.py` refuses peers on other machines while it is set.
"""

Runs = Literal["kernel", "gmpy2"]
"""What computes, once it is known what there is."""

_GENERATE: dict[tuple[Scheme, Runs], Callable[[int], PrivateKey]] = {
    ("okamoto-uchiyama", "kernel"): kernel.generate,
    ("okamoto-uchiyama", "gmpy2"): okamoto_uchiyama.generate,
    ("paillier", "gmpy2"): paillier.generate,
}
_LOAD_PUBLIC: dict[tuple[Scheme, Runs], Callable[[int, bytes], PublicKey]] = {
    ("okamoto-uchiyama", "kernel"): kernel.load_public,
    ("okamoto-uchiyama", "gmpy2"): okamoto_uchiyama.load_public,
    ("paillier", "gmpy2"): paillier.load_public,
}
_LEAST_TEST_BITS = 1024
_MULTIPLE = 64


def small_key_bits() -> int | None:
    """Read the size of keys that our own tests ask for.

    Returns:
        The size; None outside of our tests.

    Raises:
        SpecError: The environment variable holds no such size.
    """
    asked = os.environ.get(TEST_KEY_BITS)
    if not asked:
        return None
    if (
        not asked.isdecimal()
        or int(asked) % _MULTIPLE
        or not (_LEAST_TEST_BITS <= int(asked) <= MIN_KEY_BITS)
    ):
        raise SpecError(
            f"the environment variable {TEST_KEY_BITS} is for tests, and {asked[:20]!r} in it "
            f"is no multiple of {_MULTIPLE} from {_LEAST_TEST_BITS} to {MIN_KEY_BITS}: unset it."
        )
    return int(asked)


def public_key_bytes(scheme: Scheme, bits: int) -> int:
    """Returns the bytes of a public key on the wire, for the size of modulus in a job."""
    return fixed_width.public_key_bytes(scheme, _size(bits))


def ciphertext_bytes(scheme: Scheme, bits: int) -> int:
    """Returns the bytes of a ciphertext on the wire, for the size of modulus in a job."""
    return fixed_width.ciphertext_bytes(scheme, _size(bits))


def sum_bits(scheme: Scheme, bits: int) -> int:
    """Returns how many bits a signed sum or product may have, for the size of modulus in a job."""
    return fixed_width.sum_bits(scheme, _size(bits))


def _size(bits: int) -> int:
    """Returns the actual size of keys for the size in a job."""
    small = small_key_bits()
    return bits if small is None or bits < MIN_KEY_BITS else small


def running(scheme: Scheme, engine: Engine, bits: int = MIN_KEY_BITS) -> Runs:
    """Choose what computes a scheme on this machine.

    Args:
        scheme: The scheme that the job names.
        engine: The engine that the party file asks for.
        bits: Size of the modulus.

    Returns:
        The engine; "auto" takes the fastest that there is.

    Raises:
        SpecError: The engine that is asked for cannot run here.
    """
    missing = "" if engine == "gmpy2" else without_kernel(scheme, bits)
    if engine == "kernel" and missing:
        raise SpecError(
            f'`compute.engine = "kernel"` cannot run here: {missing}. Set it to "auto", which '
            "takes gmpy2 then: results are the same."
        )
    return "gmpy2" if missing or engine == "gmpy2" else "kernel"


def without_kernel(scheme: Scheme, bits: int = MIN_KEY_BITS) -> str:
    """Returns why the kernel cannot compute a scheme here; empty if it can."""
    if scheme != "okamoto-uchiyama":
        return f"it computes okamoto-uchiyama, and the job names {scheme}"
    if bits > kernel.MAX_BITS:
        return f"it has keys of {kernel.MAX_BITS} bits at most, and the job names {bits}"
    return loading.available() or ""


def check(bits: int) -> None:
    """Refuse keys of a size that can be broken, or that cannot be made.

    Args:
        bits: Size of the modulus.

    Raises:
        SpecError: It is too small, or odd.
    """
    least = MIN_KEY_BITS if small_key_bits() is None else _LEAST_TEST_BITS
    if bits < least or bits % _MULTIPLE:
        raise SpecError(
            f"a key of {bits} bits can be broken, or cannot be made: set key_bits to 2048, 3072 or "
            f"another multiple of {_MULTIPLE} from {MIN_KEY_BITS} on in the job."
        )


def generate(scheme: Scheme, engine: Engine, bits: int) -> PrivateKey:
    """Make a new private key.

    Args:
        scheme: The scheme that the job names.
        engine: The engine that the party file asks for.
        bits: Size of the modulus.

    Returns:
        The key.

    Raises:
        SpecError: The engine cannot run here, or keys of this size can be broken.
    """
    check(bits)
    return _GENERATE[scheme, running(scheme, engine, bits)](_size(bits))


def make_unusable(scheme: Scheme, engine: Engine, bits: int) -> PublicKey:
    """Make a public key that has no private key, to measure with.

    Args:
        scheme: The scheme that the job names.
        engine: The engine that the party file asks for.
        bits: Size of the modulus.

    Returns:
        The key: random numbers of the right sizes.

    Raises:
        SpecError: The engine cannot run here, or keys of this size can be broken.
    """
    size, width = _size(bits), fixed_width.modulus_bytes(scheme, _size(bits))
    modulus = secrets.randbits(size) | 1 << (size - 1) | 1
    bases = (pow(2, secrets.randbits(size), modulus) for _ in range(2))
    numbers = [modulus, *bases][: fixed_width.public_key_bytes(scheme, size) // width]
    return load_public(scheme, engine, bits, fixed_width.join(numbers, width))


def load_public(scheme: Scheme, engine: Engine, bits: int, data: bytes) -> PublicKey:
    """Decode the public key that the other party sent.

    Args:
        scheme: The scheme that the job names.
        engine: The engine that the party file asks for.
        bits: Size of the modulus that the job names.
        data: Result of `PublicKey.dump` at the other party.

    Returns:
        The key.

    Raises:
        SpecError: The engine cannot run here, or keys of this size can be broken.
        ValueError: The bytes are not a public key of this scheme and size.
    """
    check(bits)
    return _LOAD_PUBLIC[scheme, running(scheme, engine, bits)](_size(bits), data)
