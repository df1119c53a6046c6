"""Making and loading encryption keys by the scheme and the engine that a job names."""

import importlib.util

from isthmus.core.errors import SpecError
from isthmus.crypto import paillier
from isthmus.crypto.encryption import Engine, Scheme
from isthmus.crypto.fixed_width import ciphertext_bytes, public_key_bytes, sum_bits
from isthmus.crypto.scheme import PrivateKey, PublicKey

__all__ = [
    "check",
    "ciphertext_bytes",
    "generate",
    "load_public",
    "public_key_bytes",
    "sum_bits",
]

MIN_KEY_BITS = 1024
"""For tests only. Use 2048 (about 112 bits of security) or 3072 (about 128) for data."""

_MULTIPLE = 64


def check(scheme: Scheme, engine: Engine, bits: int) -> None:
    """Refuse an encryption that this machine cannot compute.

    Args:
        scheme: The scheme that the job names.
        engine: The engine that the job names.
        bits: Size of the modulus.

    Raises:
        SpecError: The engine is not installed, or does not have this scheme or size.
    """
    if engine == "gmpy2" and scheme != "paillier":
        raise SpecError(
            f'engine "gmpy2" does not have the scheme "{scheme}": set scheme = "paillier", or '
            'engine = "heu", in the job.'
        )
    if engine == "heu" and importlib.util.find_spec("heu") is None:
        raise SpecError(
            'HEU has no wheel for this Python; set engine = "gmpy2" and scheme = "paillier" in '
            "the job."
        )
    if bits < MIN_KEY_BITS or bits % _MULTIPLE:
        raise SpecError(
            f"a key of {bits} bits cannot be made: set key_bits to 2048, 3072 or another "
            f"multiple of {_MULTIPLE} from {MIN_KEY_BITS} on in the job."
        )


def generate(scheme: Scheme, engine: Engine, bits: int) -> PrivateKey:
    """Make a new private key.

    Args:
        scheme: The scheme that the job names.
        engine: The engine that the job names.
        bits: Size of the modulus.

    Returns:
        The key.

    Raises:
        SpecError: The engine is not installed, or does not have this scheme or size.
    """
    check(scheme, engine, bits)
    if engine == "gmpy2":
        return paillier.generate(bits)
    from isthmus.crypto import heu  # noqa: PLC0415 - it is not installed everywhere

    return heu.HeuPrivateKey(scheme, bits)


def load_public(scheme: Scheme, engine: Engine, bits: int, data: bytes) -> PublicKey:
    """Decode the public key that the other party sent.

    Args:
        scheme: The scheme that the job names.
        engine: The engine that the job names.
        bits: Size of the modulus that the job names.
        data: Result of `PublicKey.dump` at the other party.

    Returns:
        The key.

    Raises:
        SpecError: The engine is not installed, or does not have this scheme or size.
        ValueError: The bytes are not a public key of this scheme and size.
    """
    check(scheme, engine, bits)
    if engine == "gmpy2":
        return paillier.load_public(bits, data)
    from isthmus.crypto import heu  # noqa: PLC0415 - it is not installed everywhere

    return heu.load_public(scheme, bits, data)
