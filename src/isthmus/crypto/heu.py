"""Okamoto-Uchiyama and Paillier by SecretFlow's HEU: the only file that imports it.

HEU 0.5 lacks two things, which are done here:

- *Randomness of Okamoto-Uchiyama.* HEU encrypts to G^m H^r with an r of only 128 bits (3072-bit
  keys; 110 at 2048): Pollard's kangaroo method finds it in 2^64 steps, given a guess of m. To each
  ciphertext we add an encryption of zero under the base H^(2^128). Together that is an exponent of
  256 bits (220 at 2048), as 128 (110) bits of security require. HEU's Paillier uses half the bits
  of n, which Damgard, Jurik & Nielsen (2010, section 4.2) prove enough; there, as in `paillier.py`,
  we draw the base ourselves.
- *Plain residues.* HEU keeps and writes ciphertexts in Montgomery form, times a power of 2 that is
  its own affair. What travels are plain residues, as of every other engine.
- *Checks of received bytes.* HEU does not check that loaded ciphertexts are within the modulus
  and invertible (zeros raise an error of its own, too large numbers raise none), and does not limit
  the memory that a key makes it allocate. So keys and ciphertexts travel as plain numbers
  (`fixed_width`), are checked, and then converted to HEU's format (`heu_bytes`).

HEU's EC-ElGamal (Ed25519) is not offered: docs/adr/0007 says why.

HEU uses all cores. At the first parallel call in a process it prints a line to stdout, and no
setting turns that off: a command whose stdout is read by programs must redirect the descriptor.
"""
# HEU has no types, so all that comes from it is unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

import secrets
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from heu import numpy as hnp
from heu import phe

from isthmus.crypto.encryption import Scheme
from isthmus.crypto.fixed_width import (
    check_units,
    ciphertext_bytes,
    join,
    modulus_bytes,
    split,
    sum_bits,
)
from isthmus.crypto.heu_bytes import read_ciphertexts, read_key, write_ciphertexts, write_key
from isthmus.crypto.integers import big, inverse
from isthmus.crypto.scheme import Ciphertexts, Codes, check_codes

_SCHEMA = {"okamoto-uchiyama": phe.SchemaType.OU, "paillier": phe.SchemaType.ZPaillier}
_KEY_NUMBERS: dict[Scheme, int] = {"okamoto-uchiyama": 3, "paillier": 1}
_OU_PLAINTEXT_BITS = 192  # masked sums need 128; HEU makes a table of powers of G for these bits
_OU_EXPONENT_BITS = 128  # HEU's r is never longer
_SHARED_INTEGERS = 256  # Python 3.11 keeps one object for each integer up to here


class HeuPublicKey:
    """Public key of HEU: encrypts."""

    def __init__(self, scheme: Scheme, bits: int, numbers: Sequence[int]) -> None:
        """Make a key from numbers that are already checked: n, G, H or, for Paillier, n."""
        self._scheme: Scheme = scheme
        self._bits = bits
        self._numbers = numbers
        n = big(numbers[0])
        self._modulus = n if scheme == "okamoto-uchiyama" else n**2
        self._kit, self._blinding = _kits(scheme, numbers)
        self.evaluator: Any = self._kit.evaluator()

    @property
    def plaintext_bits(self) -> int:
        """Bits that a signed value may have, to be encrypted and added."""
        return _OU_PLAINTEXT_BITS if self._scheme == "okamoto-uchiyama" else self._bits - 2

    @property
    def sum_bits(self) -> int:
        """Bits that a signed sum or product may have."""
        return sum_bits(self._scheme, self._bits)

    def encrypt(self, values: Sequence[int]) -> "HeuCiphertexts":
        """Encrypt signed integers, with fresh randomness."""
        ciphertexts = self._kit.encryptor().encrypt(self.plain(values))
        if self._blinding is not None:
            zeros = self._blinding.array(np.zeros(len(values), object), phe.BigintEncoderParams())
            blinds = self._blinding.encryptor().encrypt(zeros)
            ciphertexts = self.evaluator.add(ciphertexts, blinds)
        return HeuCiphertexts(self, ciphertexts)

    def plain(self, values: Sequence[int]) -> Any:
        """Returns HEU's vector of plain integers."""
        return self._kit.array(np.array(values, object), phe.BigintEncoderParams())

    def load(self, data: bytes, count: int) -> "HeuCiphertexts":
        """Decode ciphertexts that `HeuCiphertexts.dump` encoded at the other party.

        Args:
            data: The bytes as received.
            count: The number of ciphertexts that they must hold.

        Returns:
            The ciphertexts.

        Raises:
            ValueError: The bytes are not `count` valid ciphertexts under this key.
        """
        numbers = split(data, count, self.ciphertext_bytes)
        check_units(numbers, self._modulus)
        return self._ciphertexts(numbers)

    def restore(self, data: bytes) -> "HeuCiphertexts":
        """Decode ciphertexts that `load` has already checked, without checking them again."""
        width = self.ciphertext_bytes
        return self._ciphertexts(split(data, len(data) // width, width))

    def dump(self) -> bytes:
        """Returns the bytes to send: n, G, H or, for Paillier, n."""
        return join(self._numbers, modulus_bytes(self._scheme, self._bits))

    @property
    def ciphertext_bytes(self) -> int:
        """Bytes of a ciphertext on the wire."""
        return ciphertext_bytes(self._scheme, self._bits)

    def plain_residues(self, numbers: Sequence[int]) -> list[int]:
        """Returns numbers of HEU, which are in Montgomery form, as plain residues."""
        factor = inverse(self._form, self._modulus)
        return [number * factor % self._modulus for number in numbers]

    def _ciphertexts(self, residues: Sequence[int]) -> "HeuCiphertexts":
        numbers = [residue * self._form % self._modulus for residue in residues]
        data = join(numbers, self.ciphertext_bytes)
        packed = write_ciphertexts(int(_SCHEMA[self._scheme]), data, self.ciphertext_bytes)
        return HeuCiphertexts(self, hnp.CiphertextArray.load_from(packed))

    @cached_property
    def _form(self) -> int:
        """The factor of Montgomery form: what HEU has for a ciphertext of 1, the power of 0."""
        power = self.encrypt([0]).scale([0]).array
        (one,) = read_ciphertexts(power.serialize(hnp.MatrixSerializeFormat.Best))
        return big(one)


class HeuCiphertexts:
    """A vector of ciphertexts under one public key."""

    def __init__(self, key: HeuPublicKey, array: Any) -> None:
        """Wrap HEU's vector."""
        self.array = array
        self._key = key

    def __len__(self) -> int:
        return int(self.array.rows)

    def __getitem__(self, rows: slice) -> "HeuCiphertexts":
        return HeuCiphertexts(self._key, self.array[slice(*rows.indices(len(self)))])

    def take(self, rows: Sequence[int]) -> "HeuCiphertexts":
        """Returns the elements at these positions, which may repeat."""
        return HeuCiphertexts(self._key, self.array[list(rows)])

    def join(self, others: Sequence["HeuCiphertexts"]) -> "HeuCiphertexts":
        """Concatenate these elements and those of the others."""
        parts = [self, *others]
        ends = list(accumulate(map(len, parts)))
        every = self.array[[0] * ends[-1]]  # HEU has no other way to make an array of a length
        for part, end in zip(parts, ends, strict=True):
            every[end - len(part) : end] = part.array
        return HeuCiphertexts(self._key, every)

    def __add__(self, other: "HeuCiphertexts") -> "HeuCiphertexts":
        return HeuCiphertexts(self._key, self._key.evaluator.add(self.array, other.array))

    def scale(self, factors: Sequence[int]) -> "HeuCiphertexts":
        """Multiply each element by a plain, signed integer."""
        plain = self._key.plain(factors)
        return HeuCiphertexts(self._key, self._key.evaluator.mul(self.array, plain))

    def sum(self) -> "HeuCiphertexts":
        """Returns the sum of all elements, as a vector of length one."""
        return self.sums([range(len(self))])

    def sums(self, groups: Sequence[Sequence[int]]) -> "HeuCiphertexts":
        """Returns the sum of the elements of each group of positions; 0 for an empty group."""
        chosen = [_unshared(group) for group in groups]
        return HeuCiphertexts(self._key, self._key.evaluator.batch_select_sum(self.array, chosen))

    def bucket_sums(
        self, codes: Codes, buckets: int, *, cumulative: bool = False
    ) -> "HeuCiphertexts":
        """Returns the sums by bucket.

        Args:
            codes: Bucket of each row in each column, shape (rows, columns), in [0, buckets).
            buckets: Buckets per column, at most `MAX_BUCKETS`.
            cumulative: Add to each bucket all buckets before it.

        Returns:
            A vector of columns * buckets, column by column. Not re-randomised.
        """
        check_codes(codes, len(self), buckets)  # HEU writes out of bounds where codes are wrong
        everyone = np.ones((1, len(self)), np.int8)
        sums = self._key.evaluator.feature_wise_bucket_sum(
            self.array, everyone, np.ascontiguousarray(codes), buckets, cumulative
        )
        return HeuCiphertexts(self._key, sums[:, 0])

    def dump(self) -> bytes:
        """Returns the bytes to send: fixed-width numbers, one after the other."""
        numbers = read_ciphertexts(self.array.serialize(hnp.MatrixSerializeFormat.Best))
        return join(self._key.plain_residues(numbers), self._key.ciphertext_bytes)


class HeuPrivateKey:
    """Private key of HEU: decrypts."""

    def __init__(self, scheme: Scheme, bits: int) -> None:
        """Make a new key."""
        kit = hnp.setup(_SCHEMA[scheme], bits)
        self._decryptor: Any = kit.decryptor()
        numbers = read_key(kit.public_key().serialize(), _KEY_NUMBERS[scheme])
        self._public = HeuPublicKey(scheme, bits, numbers)

    @property
    def public(self) -> HeuPublicKey:
        """The public key, to send to others."""
        return self._public

    def decrypt(self, ciphertexts: Ciphertexts) -> list[int]:
        """Decrypt. The caller must refuse values out of the range that it expects.

        Args:
            ciphertexts: Loaded or made with the public key of this key.

        Returns:
            The signed integers.

        Raises:
            TypeError: The ciphertexts are of another engine.
        """
        if not isinstance(ciphertexts, HeuCiphertexts):
            raise TypeError("these ciphertexts are of another engine")
        plain = self._decryptor.decrypt(ciphertexts.array)
        values: list[int] = plain.to_numpy(phe.BigintDecoder()).tolist()
        return values


def load_public(scheme: Scheme, bits: int, data: bytes) -> HeuPublicKey:
    """Decode a key that `HeuPublicKey.dump` encoded at the other party.

    Args:
        scheme: The scheme that the job names.
        bits: Size of the modulus that the job names.
        data: The bytes as received.

    Returns:
        The key.

    Raises:
        ValueError: The bytes are not a key of that scheme and size.
    """
    n, *bases = split(data, _KEY_NUMBERS[scheme], modulus_bytes(scheme, bits))
    longest = 8 * modulus_bytes(scheme, bits)
    if not bits <= n.bit_length() <= longest or n % 2 == 0:
        raise ValueError(f"the key is not a modulus of {bits} bits")
    check_units(bases, n)
    return HeuPublicKey(scheme, bits, [n, *bases])


class _Position(int):
    """An integer object of its own, never shared with other code."""


def _unshared(group: Sequence[int]) -> list[int]:
    """Returns positions for `batch_select_sum` as objects that no other thread uses.

    Its threads change reference counts without Python's lock, and Python shares small integers.
    """
    return [row if row > _SHARED_INTEGERS else _Position(row) for row in group]


def _kits(scheme: Scheme, numbers: Sequence[int]) -> tuple[Any, Any]:
    """Returns HEU's kit for a key, and one whose encryptions of zero lengthen the randomness."""
    tag = int(_SCHEMA[scheme])
    if scheme == "paillier":
        (n,) = numbers
        x = secrets.randbelow(n)
        return _kit(write_key(tag, [n, pow(n - x * x % n, n, n * n)])), None
    n, g, h = numbers
    far = pow(h, 1 << _OU_EXPONENT_BITS, n)
    blinding = _kit(write_key(tag, [n, g, far], 1))  # a table for 1 bit, as it encrypts only zero
    return _kit(write_key(tag, [n, g, h], _OU_PLAINTEXT_BITS)), blinding


def _kit(key: bytes) -> Any:
    return hnp.setup(phe.PublicKey.load_from(key))
