"""The party whose values are summed under encryption, in one round: see products.py."""

import secrets

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice import seal
from isthmus.crypto.lattice.keys import SecretKey, uniform_half
from isthmus.crypto.lattice.parameters import SEED_BYTES, SUMS_PER_KEY, Sums
from isthmus.crypto.lattice.residues import Words


def new_seed() -> bytes:
    """Draw a party's seed for the uniform halves of public keys."""
    return secrets.token_bytes(SEED_BYTES)


class Encryptor:
    """The secret keys of a round, in any process of their owner."""

    def __init__(self, sums: Sums, stored: bytes | None = None) -> None:
        """Draw keys, or take up those of another process.

        Args:
            sums: What is summed.
            stored: What `stored` returned in another process of the same party.
        """
        self._sums = sums
        if stored is None:
            self.keys = [SecretKey(sums.ring) for _ in range(sums.keys)]
        else:
            size = len(stored) // sums.keys
            parts = (stored[number * size :][:size] for number in range(sums.keys))
            self.keys = [SecretKey(sums.ring, part) for part in parts]

    def stored(self) -> bytes:
        """The secrets, for other processes of this party: never for another party."""
        return b"".join([key.stored() for key in self.keys])

    def encrypt(self, values: Integers) -> bytes:
        """Encrypt a block of rows under all keys.

        Args:
            values: Shape (rows of the block,), within the declared range.

        Returns:
            `Sums.block_bytes` of so many rows.

        Raises:
            ValueError: There are no values or too many, or one is out of range.
        """
        sums = self._sums
        if not 0 < len(values) <= sums.rows:
            raise ValueError(f"a block of {len(values)} rows is not of 1 to {sums.rows}")
        least, most = sums.value_range
        if values.min() < least or values.max() > most:
            raise ValueError(f"a value is not within {least} and {most}, as the parties declared")
        context, parts = seal.context(sums.ring), list[bytes]()
        for start in range(0, len(values), sums.ring.degree):
            part = values[start : start + sums.ring.degree].astype(np.int64) << sums.shift
            plaintext = context.plaintext(part)
            parts += [key.encrypt(plaintext) for key in self.keys]
        return b"".join(parts)


class Owner:
    """The owner of values, in one round."""

    def __init__(self, sums: Sums, theirs: bytes) -> None:
        """Make the keys of a round.

        Args:
            sums: What is summed.
            theirs: The seed of the other party, as received.

        Raises:
            ValueError: The seed has another length.
        """
        if len(theirs) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes, not {len(theirs)}")
        self._sums = sums
        self._seeds = new_seed(), theirs
        self._opened = False
        self.encryptor = Encryptor(sums)

    def public(self) -> bytes:
        """Our seed and the public keys: `Sums.public_bytes`."""
        halves = [
            key.public_half(uniform_half(self._seeds, number, self._sums.ring))
            for number, key in enumerate(self.encryptor.keys)
        ]
        return self._seeds[0] + b"".join(halves)

    def encrypt(self, values: Integers) -> bytes:
        """Encrypt a block of rows in this process: `Encryptor.encrypt`."""
        return self.encryptor.encrypt(values)

    def open(self, masked: bytes) -> bytes:
        """Decrypt the masked sums of a round, once: more would tell the other party about the keys.

        Args:
            masked: What `products.finish` returned at the other party, as received.

        Returns:
            The highest bits of each sum plus its mask: `Sums.answer_bytes`.

        Raises:
            ValueError: These are not as many sums as declared, or sums were opened before.
        """
        sums = self._sums
        if len(masked) != sums.masked_bytes:
            raise ValueError(
                f"{sums.columns} masked sums have {sums.masked_bytes} bytes, not {len(masked)}"
            )
        if self._opened:
            raise ValueError("the keys of a round open its sums once: a new round has new keys")
        self._opened = True
        rows = [key.constant_row() for key in self.encryptor.keys]
        size, unit = sums.masked_bytes // sums.columns, 1 << sums.word_bits - sums.answer_bits
        answers = list[int]()
        for column in range(sums.columns):
            words = memoryview(masked)[column * size : (column + 1) * size]
            phase = _phase(sums, words, rows[column // SUMS_PER_KEY])
            answers.append((phase + unit // 2) // unit % (1 << sums.answer_bits))
        return np.array(answers, "<u8").tobytes()


def _phase(sums: Sums, words: memoryview, row: Words) -> int:
    """Returns the constant coefficient of the phase, with its mask, modulo a word."""
    if not sums.modular:
        both = np.frombuffer(words, "<u8")
        return int(both[0]) + int((both[1:] * row).sum(dtype=np.uint64))
    degree = sums.ring.degree
    constant = int.from_bytes(words[:8], "little") << 16 | int.from_bytes(words[8:10], "little")
    high, more = np.frombuffer(words, "<u8", degree, 10), words[10 + 8 * degree :]
    signed = np.frombuffer(more, "<u2").astype(np.int64) * row.view(np.int64)
    return constant + (int((high * row).sum(dtype=np.uint64)) << 16) + int(signed.sum())
