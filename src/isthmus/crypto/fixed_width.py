"""Residues as bytes of one width, big-endian, one after the other: keys and ciphertexts travel so.

Nothing in these bytes has a structure that a parser could trip over, and their number is known
before they come.
"""

from collections.abc import Iterable

from isthmus.crypto.encryption import Scheme
from isthmus.crypto.integers import big, gcd, product


def modulus_bytes(scheme: Scheme, bits: int) -> int:
    """Width of a number within the modulus, whichever engine made the key."""
    # The primes of HEU's Okamoto-Uchiyama are up to two bits longer than a third of the modulus.
    return bits // 8 + (scheme == "okamoto-uchiyama")


def public_key_bytes(scheme: Scheme, bits: int) -> int:
    """Length of a public key that travels: n, G and H, or n alone."""
    return modulus_bytes(scheme, bits) * (3 if scheme == "okamoto-uchiyama" else 1)


def ciphertext_bytes(scheme: Scheme, bits: int) -> int:
    """Width of a ciphertext that travels: modulo n, or its square."""
    return modulus_bytes(scheme, bits) * (1 if scheme == "okamoto-uchiyama" else 2)


def sum_bits(scheme: Scheme, bits: int) -> int:
    """Signed sums and products of up to this many bits survive, whichever engine made the key."""
    # The primes of Okamoto-Uchiyama are no shorter than a third of the modulus.
    return (bits // 3 if scheme == "okamoto-uchiyama" else bits) - 2


def join(numbers: Iterable[int], width: int) -> bytes:
    """Bytes of numbers of at most `width` bytes each."""
    return b"".join([number.to_bytes(width, "big") for number in numbers])


def split(data: bytes, count: int, width: int) -> list[int]:
    """Read what `join` wrote.

    Args:
        data: The bytes as they came.
        count: How many numbers they must hold.
        width: Bytes of each.

    Returns:
        The numbers.

    Raises:
        ValueError: There are more or fewer bytes.
    """
    if count < 1 or len(data) != count * width:
        raise ValueError(f"{len(data)} bytes are not {count} numbers of {width} bytes")
    return [int.from_bytes(data[at : at + width], "big") for at in range(0, len(data), width)]


def check_units(numbers: Iterable[int], modulus: int) -> None:
    """Refuse what encryption cannot yield: zero, numbers not reduced, and zero divisors.

    Args:
        numbers: Residues from the other party.
        modulus: What they must be reduced by and invertible modulo.

    Raises:
        ValueError: One is not a unit of the ring.
    """
    residues, n = [big(number) for number in numbers], big(modulus)
    if not all(0 < residue < n for residue in residues):
        raise ValueError("a number is not within the modulus")
    if gcd(product(residues, n), n) != 1:
        raise ValueError("a number is not invertible")
