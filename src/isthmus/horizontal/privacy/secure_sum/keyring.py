"""The secrets of a child in one secure sum, and the shares of them that it hands out."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from isthmus.crypto import secret_sharing
from isthmus.crypto.agreement import KeyPair, seal, unseal
from isthmus.horizontal.privacy.messages import Keys, MaskKeys
from isthmus.horizontal.privacy.secure_sum.cohort import Cohort
from isthmus.horizontal.privacy.secure_sum.identity import Identity
from isthmus.horizontal.privacy.secure_sum.masking import Words, mask

_SECRET = secret_sharing.SECRET_BYTES


class Shares(NamedTuple):
    """One holder's shares of the two secrets of a child."""

    seed: bytes
    """Share of the seed of its own mask."""

    key: bytes
    """Share of the secret key of the masks that it shares with others."""

    def sealed(self, pair: "PairKeys") -> bytes:
        """Returns these shares encrypted for the other child of a pair; call once per pair."""
        return seal(pair.sending, self.seed + self.key)

    @classmethod
    def unsealed(cls, note: bytes, pair: "PairKeys") -> "Shares":
        """Decrypt the shares that another child sealed for us.

        Args:
            note: What it sent.
            pair: The keys that we share with it.

        Returns:
            The shares.

        Raises:
            ValueError: It was not sealed for us in this sum.
        """
        both = unseal(pair.receiving, note)
        return cls(both[:_SECRET], both[_SECRET:])


class PairKeys(NamedTuple):
    """Keys that two children share in one sum and nobody else knows."""

    mask: bytes
    """Seed of the mask that they share."""

    sending: bytes
    """Seals our shares for the other."""

    receiving: bytes
    """Opens the shares that the other sealed for us."""


class Keyring:
    """The secrets of a child, new for every sum and never stored."""

    def __init__(self) -> None:
        self._seed, self._key = secrets.token_bytes(_SECRET), secrets.token_bytes(_SECRET)
        self._masking, self._sealing = KeyPair(self._key), KeyPair(secrets.token_bytes(_SECRET))
        self.public = Keys(masking=self._masking.public, sealing=self._sealing.public)

    def introduce(
        self, number: int, start: str, metrics: Mapping[str, float], identity: Identity
    ) -> MaskKeys:
        """The message that offers our update.

        Args:
            number: Of the round.
            start: SHA-256 of the parameters that the round starts from.
            metrics: Of training.
            identity: Who we are.

        Returns:
            Public keys, signed, and the metrics.
        """
        return MaskKeys(
            round=number,
            keys=self.public,
            seed=digest(self._seed),
            certificate=identity.certificate,
            signature=identity.sign_keys(number, start, self.public),
            metrics=dict(metrics),
        )

    def shares(self, cohort: Cohort, ours: str) -> dict[str, Shares]:
        """Returns shares of both secrets by the child that holds them; we hold one ourselves."""
        holders, due = cohort.holders(ours), cohort.threshold(ours)
        seeds = secret_sharing.split(self._seed, due, len(holders))
        keys = secret_sharing.split(self._key, due, len(holders))
        return {it: Shares(*both) for it, *both in zip(holders, seeds, keys, strict=True)}

    def pair_keys(self, cohort: Cohort, ours: str) -> dict[str, PairKeys]:
        """Agree on keys with each neighbour.

        Args:
            cohort: Who takes part.
            ours: Our name.

        Returns:
            Keys, by neighbour.

        Raises:
            ValueError: A public key is not valid.
        """
        return {
            theirs: PairKeys(
                mask=mask_key(self._masking, cohort, theirs),
                sending=self._note_key(cohort, theirs, ours, theirs),
                receiving=self._note_key(cohort, theirs, theirs, ours),
            )
            for theirs in cohort.neighbours(ours)
        }

    def own_mask(self, size: int) -> Words:
        """Returns the mask that no other child shares, shape (size,)."""
        return mask(self._seed, size)

    def _note_key(self, cohort: Cohort, other: str, sender: str, receiver: str) -> bytes:
        purpose = f"shares of {sender!r} for {receiver!r}"
        return self._sealing.shared(cohort.keys[other].sealing, cohort.context, purpose)


def mask_key(masking: KeyPair, cohort: Cohort, other: str) -> bytes:
    """Returns the seed of the mask that the holder of a key pair shares with another child."""
    return masking.shared(cohort.keys[other].masking, cohort.context, "mask")


def common_masks(whose: str, keys: Mapping[str, bytes], size: int) -> Words:
    """The masks that a child shares with others: of two, one adds what the other subtracts.

    Args:
        whose: Name of the child.
        keys: Seeds of these masks, by name of the other child.
        size: Numbers of an update.

    Returns:
        What the child adds to its update, shape (size,).
    """
    total = np.zeros(size, np.uint32)
    for other, key in keys.items():
        if whose < other:
            total += mask(key, size)
        else:
            total -= mask(key, size)
    return total


def digest(seed: bytes) -> str:
    """Returns SHA-256 of a seed in hex: it shows whether a seed is the same, and nothing of it."""
    return hashlib.sha256(seed).hexdigest()
