"""What a child keeps secret in one sum, and what it hands out of it."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from isthmus.crypto import secret_sharing
from isthmus.crypto.agreement import KeyPair, seal, unseal
from isthmus.horizontal.privacy.assembly import Assembly
from isthmus.horizontal.privacy.masking import Words, mask
from isthmus.horizontal.privacy.messages import Keys, MaskKeys

_SECRET = secret_sharing.SECRET_BYTES


class Shares(NamedTuple):
    """One holder's shares of the two secrets of a child."""

    seed: bytes
    """Of what its own mask is made of."""

    key: bytes
    """Of the secret key behind the masks that it has in common with others."""

    def sealed(self, line: "Line") -> bytes:
        """A note that only the other end of a line can read; one on each line."""
        return seal(line.sending, self.seed + self.key)

    @classmethod
    def unsealed(cls, note: bytes, line: "Line") -> "Shares":
        """What the other end has sealed.

        Args:
            note: What came from it.
            line: Between us and it.

        Returns:
            The shares.

        Raises:
            ValueError: It has not sealed this for us in this sum.
        """
        both = unseal(line.receiving, note)
        return cls(both[:_SECRET], both[_SECRET:])


class Line(NamedTuple):
    """What two children share in one sum, and nobody else knows."""

    mask: bytes
    """What the mask is made of that both have in common."""

    sending: bytes
    """Seals our note to the other."""

    receiving: bytes
    """Opens the other's note to us."""


class Keyring:
    """The secrets of a child, fresh for every sum; nothing of them is ever stored."""

    def __init__(self) -> None:
        self._seed, self._key = secrets.token_bytes(_SECRET), secrets.token_bytes(_SECRET)
        self._masking, self._sealing = KeyPair(self._key), KeyPair(secrets.token_bytes(_SECRET))
        self.public = Keys(masking=self._masking.public, sealing=self._sealing.public)

    def introduce(self, number: int, metrics: Mapping[str, float]) -> MaskKeys:
        """The message with which we offer an update: public keys and metrics of training."""
        return MaskKeys(
            round=number, keys=self.public, seed=digest(self._seed), metrics=dict(metrics)
        )

    def shares(self, assembly: Assembly, ours: str) -> dict[str, Shares]:
        """Shares of both secrets, by the child that is to hold them; one of these is our own."""
        holders, due = assembly.holders(ours), assembly.threshold(ours)
        seeds = secret_sharing.split(self._seed, due, len(holders))
        keys = secret_sharing.split(self._key, due, len(holders))
        return {it: Shares(*both) for it, *both in zip(holders, seeds, keys, strict=True)}

    def lines(self, assembly: Assembly, ours: str) -> dict[str, Line]:
        """What we share with each neighbour.

        Args:
            assembly: Who takes part.
            ours: Our name.

        Returns:
            Keys, by neighbour.

        Raises:
            ValueError: A public key is none.
        """
        return {
            theirs: Line(
                mask=mask_key(self._masking, assembly, theirs),
                sending=self._note_key(assembly, theirs, ours, theirs),
                receiving=self._note_key(assembly, theirs, theirs, ours),
            )
            for theirs in assembly.neighbours(ours)
        }

    def own_mask(self, size: int) -> Words:
        """The mask that is ours alone, shape (size,)."""
        return mask(self._seed, size)

    def _note_key(self, assembly: Assembly, other: str, sender: str, receiver: str) -> bytes:
        purpose = f"shares of {sender!r} for {receiver!r}"
        return self._sealing.shared(assembly.keys[other].sealing, assembly.context, purpose)


def mask_key(masking: KeyPair, assembly: Assembly, other: str) -> bytes:
    """What the mask is made of that the holder of a key pair has in common with another child."""
    return masking.shared(assembly.keys[other].masking, assembly.context, "mask")


def common_masks(whose: str, keys: Mapping[str, bytes], size: int) -> Words:
    """The masks that a child has in common with others: of two, one adds what the other subtracts.

    Args:
        whose: Name of the child.
        keys: What these masks are made of, by name of the other.
        size: Numbers of an update.

    Returns:
        What the child adds to its words, shape (size,).
    """
    total = np.zeros(size, np.uint32)
    for other, key in keys.items():
        if whose < other:
            total += mask(key, size)
        else:
            total -= mask(key, size)
    return total


def digest(seed: bytes) -> str:
    """SHA-256 of a seed, in hex: tells nothing of it, and whether another one is the same."""
    return hashlib.sha256(seed).hexdigest()
