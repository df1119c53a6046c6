"""The wire format of keys and ciphertexts: big-endian numbers of a fixed width, concatenated.

The format has no structure that a parser could get wrong, and its length is known in advance.
"""

from collections.abc import Iterable

from isthmus.crypto.encryption import Scheme
from isthmus.crypto.integers import big, gcd, product


def modulus_bytes(scheme: Scheme, bits: int) -> int:
    """Returns the bytes of a number within the modulus, whichever engine made the key."""
    # The primes of Okamoto-Uchiyama are up to two bits longer than a third of the modulus.
    return bits // 8 + (scheme == "okamoto-uchiyama")


def public_key_bytes(scheme: Scheme, bits: int) -> int:
    """Returns the bytes of a public key on the wire: n, G and H, or n alone."""
    return modulus_bytes(scheme, bits) * (3 if scheme == "okamoto-uchiyama" else 1)


def ciphertext_bytes(scheme: Scheme, bits: int) -> int:
    """Returns the bytes of a ciphertext on the wire: a number modulo n, or modulo its square."""
    return modulus_bytes(scheme, bits) * (1 if scheme == "okamoto-uchiyama" else 2)


def sum_bits(scheme: Scheme, bits: int) -> int:
    """Returns how many bits a signed sum or product may have, whichever engine made the key."""
    # The primes of Okamoto-Uchiyama are no shorter than a third of the modulus.
    return (bits // 3 if scheme == "okamoto-uchiyama" else bits) - 2


def join(numbers: Iterable[int], width: int) -> bytes:
    """Encode numbers with `width` bytes each."""
    return b"".join([number.to_bytes(width, "big") for number in numbers])


def split(data: bytes, count: int, width: int) -> list[int]:
    """Decode numbers that `join` encoded.

    Args:
        data: The bytes as received.
        count: The number of numbers that they must hold.
        width: Bytes of each number.

    Returns:
        The numbers.

    Raises:
        ValueError: `data` has another length.
    """
    if count < 1 or len(data) != count * width:
        raise ValueError(f"{len(data)} bytes are not {count} numbers of {width} bytes")
    return [int.from_bytes(data[at : at + width], "big") for at in range(0, len(data), width)]


def check_units(numbers: Iterable[int], modulus: int) -> None:
    """Refuse numbers that no encryption returns: zero, not reduced, or not invertible.

    Args:
        numbers: Residues from the other party.
        modulus: The modulus of the ring.

    Raises:
        ValueError: A number is not a unit of the ring.
    """
    residues = [big(number) for number in numbers]
    check_residues(residues, modulus)
    check_product(product(residues, big(modulus)), modulus)


def check_product(number: int, modulus: int) -> None:
    """Refuse the product of numbers that are not all units: it is one if, and only if, each is.

    Args:
        number: The product, reduced.
        modulus: The modulus of the ring.

    Raises:
        ValueError: A number is not invertible.
    """
    if gcd(number, modulus) != 1:
        raise ValueError("a number is not invertible")


def check_residues(numbers: Iterable[int], modulus: int) -> None:
    """Refuse numbers that are zero, or not reduced.

    Args:
        numbers: From the other party.
        modulus: The modulus of the ring.

    Raises:
        ValueError: A number is not within the modulus.
    """
    n = big(modulus)
    if not all(0 < number < n for number in numbers):
        raise ValueError("a number is not within the modulus")
