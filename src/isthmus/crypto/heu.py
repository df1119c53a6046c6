"""Okamoto-Uchiyama and Paillier by SecretFlow's HEU: the only file that imports it.

What HEU 0.5 does not do for us is done here:

- *Randomness of Okamoto-Uchiyama.* HEU encrypts to G^m H^r with an r of only 128 bits (3072-bit
  keys; 110 at 2048), which a kangaroo walk of 2^64 steps finds from a guess of m. To each
  ciphertext we add an encryption of zero under the base H^(2^128): together, an exponent of 256
  bits (220 at 2048), as long as 128 (110) bits of security ask for. Its Paillier uses half the
  bits of n, as Damgard, Jurik & Nielsen (2010, section 4.2) prove enough; there, like in
  `paillier.py`, we draw the base ourselves.
- *Checks of what comes in.* HEU neither checks that loaded ciphertexts are within the modulus
  and invertible (sums of zeros end in an error of its own, numbers too large in nothing at all),
  nor bounds what a key makes it allocate. Keys and ciphertexts travel as plain numbers
  (`fixed_width`), are checked, and then written in HEU's format (`heu_bytes`).

Its EC-ElGamal (Ed25519) is not offered: docs/adr/0007 says why.

HEU computes on every core. At the first parallel use in a process it prints a line to stdout that
no setting silences: a command that promises its stdout must redirect the file descriptor.
"""
# HEU has no types, so all that comes from it is unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

import secrets
from collections.abc import Sequence
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
from isthmus.crypto.scheme import Ciphertexts, Codes, check_codes

_SCHEMA = {"okamoto-uchiyama": phe.SchemaType.OU, "paillier": phe.SchemaType.ZPaillier}
_KEY_NUMBERS: dict[Scheme, int] = {"okamoto-uchiyama": 3, "paillier": 1}
_OU_PLAINTEXT_BITS = 192  # masked sums need 128; HEU tables powers of G for so many bits
_OU_EXPONENT_BITS = 128  # HEU's r is never longer
_SHARED_INTEGERS = 256  # Python 3.11 keeps one object for each integer up to here


class HeuPublicKey:
    """Encrypts."""

    def __init__(self, scheme: Scheme, bits: int, numbers: Sequence[int]) -> None:
        """Wrap numbers that were checked or made here: n, G, H or, for Paillier, n."""
        self._scheme: Scheme = scheme
        self._bits = bits
        self._numbers = numbers
        self._kit, self._blinding = _kits(scheme, numbers)
        self.evaluator: Any = self._kit.evaluator()

    @property
    def plaintext_bits(self) -> int:
        """Signed values of up to this many bits survive encryption and addition."""
        return _OU_PLAINTEXT_BITS if self._scheme == "okamoto-uchiyama" else self._bits - 2

    @property
    def sum_bits(self) -> int:
        """Signed sums and products of up to this many bits survive."""
        return sum_bits(self._scheme, self._bits)

    def encrypt(self, values: Sequence[int]) -> "HeuCiphertexts":
        """Fresh, randomised encryptions of signed integers."""
        ciphertexts = self._kit.encryptor().encrypt(self.plain(values))
        if self._blinding is not None:
            zeros = self._blinding.array(np.zeros(len(values), object), phe.BigintEncoderParams())
            blinds = self._blinding.encryptor().encrypt(zeros)
            ciphertexts = self.evaluator.add(ciphertexts, blinds)
        return HeuCiphertexts(self, ciphertexts)

    def plain(self, values: Sequence[int]) -> Any:
        """HEU's vector of plain integers."""
        return self._kit.array(np.array(values, object), phe.BigintEncoderParams())

    def load(self, data: bytes, count: int) -> "HeuCiphertexts":
        """Read what `HeuCiphertexts.dump` wrote at the other party.

        Args:
            data: The bytes as they came.
            count: How many ciphertexts they must hold.

        Returns:
            The ciphertexts.

        Raises:
            ValueError: The bytes are not `count` valid ciphertexts under this key.
        """
        numbers = split(data, count, self.ciphertext_bytes)
        n = self._numbers[0]
        # HEU keeps numbers in Montgomery's form: units and their range are the same there.
        check_units(numbers, n if self._scheme == "okamoto-uchiyama" else n**2)
        return self.restore(data)

    def restore(self, data: bytes) -> "HeuCiphertexts":
        """Take up what `load` has read before and this process kept: nothing is checked again."""
        packed = write_ciphertexts(int(_SCHEMA[self._scheme]), data, self.ciphertext_bytes)
        return HeuCiphertexts(self, hnp.CiphertextArray.load_from(packed))

    def dump(self) -> bytes:
        """Bytes to send: n, and what else the key is made of."""
        return join(self._numbers, modulus_bytes(self._scheme, self._bits))

    @property
    def ciphertext_bytes(self) -> int:
        """Width of a ciphertext that travels."""
        return ciphertext_bytes(self._scheme, self._bits)


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
        """The elements at these positions, which may repeat."""
        return HeuCiphertexts(self._key, self.array[list(rows)])

    def join(self, others: Sequence["HeuCiphertexts"]) -> "HeuCiphertexts":
        """These elements, and after them those of the others."""
        parts = [self, *others]
        ends = list(accumulate(map(len, parts)))
        every = self.array[[0] * ends[-1]]  # HEU makes an array of a length in no other way
        for part, end in zip(parts, ends, strict=True):
            every[end - len(part) : end] = part.array
        return HeuCiphertexts(self._key, every)

    def __add__(self, other: "HeuCiphertexts") -> "HeuCiphertexts":
        return HeuCiphertexts(self._key, self._key.evaluator.add(self.array, other.array))

    def scale(self, factors: Sequence[int]) -> "HeuCiphertexts":
        """Ciphertexts of the products with one plain, signed integer per element."""
        plain = self._key.plain(factors)
        return HeuCiphertexts(self._key, self._key.evaluator.mul(self.array, plain))

    def sum(self) -> "HeuCiphertexts":
        """Ciphertext of the sum of all elements, as a vector of one."""
        return self.sums([range(len(self))])

    def sums(self, groups: Sequence[Sequence[int]]) -> "HeuCiphertexts":
        """Ciphertexts of the sums of the elements at each group of positions; of none it is 0."""
        chosen = [_unshared(group) for group in groups]
        return HeuCiphertexts(self._key, self._key.evaluator.batch_select_sum(self.array, chosen))

    def bucket_sums(
        self, codes: Codes, buckets: int, *, cumulative: bool = False
    ) -> "HeuCiphertexts":
        """Encrypted sums by bucket.

        Args:
            codes: Bucket of each row in each column, shape (rows, columns), in [0, buckets).
            buckets: Buckets per column, at most `MAX_BUCKETS`.
            cumulative: Add to each bucket all the buckets before it.

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
        """Bytes to send: fixed-width numbers, one after the other."""
        numbers = read_ciphertexts(self.array.serialize(hnp.MatrixSerializeFormat.Best))
        return join(numbers, self._key.ciphertext_bytes)


class HeuPrivateKey:
    """Decrypts."""

    def __init__(self, scheme: Scheme, bits: int) -> None:
        """Make a fresh key."""
        kit = hnp.setup(_SCHEMA[scheme], bits)
        self._decryptor: Any = kit.decryptor()
        numbers = read_key(kit.public_key().serialize(), _KEY_NUMBERS[scheme])
        self._public = HeuPublicKey(scheme, bits, numbers)

    @property
    def public(self) -> HeuPublicKey:
        """The key to hand out."""
        return self._public

    def decrypt(self, ciphertexts: Ciphertexts) -> list[int]:
        """Decrypt. The caller refuses values out of the range it expects.

        Args:
            ciphertexts: Loaded or made with the public half of this key.

        Returns:
            The signed integers.

        Raises:
            TypeError: They are of another engine.
        """
        if not isinstance(ciphertexts, HeuCiphertexts):
            raise TypeError("these ciphertexts are of another engine")
        plain = self._decryptor.decrypt(ciphertexts.array)
        values: list[int] = plain.to_numpy(phe.BigintDecoder()).tolist()
        return values


def load_public(scheme: Scheme, bits: int, data: bytes) -> HeuPublicKey:
    """Read what `HeuPublicKey.dump` wrote at the other party.

    Args:
        scheme: What the job says.
        bits: What the job says about the modulus.
        data: The bytes as they came.

    Returns:
        The key.

    Raises:
        ValueError: It is no key of that scheme and size.
    """
    n, *bases = split(data, _KEY_NUMBERS[scheme], modulus_bytes(scheme, bits))
    longest = 8 * modulus_bytes(scheme, bits)
    if not bits <= n.bit_length() <= longest or n % 2 == 0:
        raise ValueError(f"the key is not a modulus of {bits} bits")
    check_units(bases, n)
    return HeuPublicKey(scheme, bits, [n, *bases])


class _Position(int):
    """An integer that is no other one's object."""


def _unshared(group: Sequence[int]) -> list[int]:
    """Positions for `batch_select_sum`, whose threads count references without Python's lock.

    That is safe for objects that one thread alone sees, and small integers are shared by all.
    """
    return [row if row > _SHARED_INTEGERS else _Position(row) for row in group]


def _kits(scheme: Scheme, numbers: Sequence[int]) -> tuple[Any, Any]:
    """HEU's kit for a key, and a second one whose encryptions of zero lengthen the randomness."""
    tag = int(_SCHEMA[scheme])
    if scheme == "paillier":
        (n,) = numbers
        x = secrets.randbelow(n)
        return _kit(write_key(tag, [n, pow(n - x * x % n, n, n * n)])), None
    n, g, h = numbers
    far = pow(h, 1 << _OU_EXPONENT_BITS, n)
    blinding = _kit(write_key(tag, [n, g, far], 1))  # a table for one bit: it encrypts only zero
    return _kit(write_key(tag, [n, g, h], _OU_PLAINTEXT_BITS)), blinding


def _kit(key: bytes) -> Any:
    return hnp.setup(phe.PublicKey.load_from(key))
