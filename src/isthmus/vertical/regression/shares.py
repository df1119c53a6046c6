"""Sums over all passive parties: each sends a share, and the active party learns the sum.

One passive party sends its share as it is. Several agree on keys with each other through the active
party, which cannot pretend to be one of them: each signs its public key, and the others know its
certificate. Then each masks its shares, and the masks cancel in the sum over all.

The masks of a sum follow from these keys, which are new for every attempt at a run, from all that
the active party has told so far, and from the number of the sum. So a mask is never on two values.
And if the active party tells passive parties different things, to learn a share from how a sum
changes, nothing cancels: what it gets is random.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import JobError, PeerError
from isthmus.crypto import pairwise
from isthmus.crypto.agreement import KEY_BYTES, KeyPair
from isthmus.crypto.identity import Identity
from isthmus.crypto.pairwise import LongWords, PairwiseMasks
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, MessageT, encode
from isthmus.vertical.regression.messages import (
    MaskedNumbers,
    MaskedPredictor,
    MaskedSlope,
    PairKey,
    PairKeys,
    PartialNumbers,
    PartialPredictor,
    PartialSlope,
    SignedKey,
)
from isthmus.vertical.regression.rows import blocks

PerRow = type[PartialPredictor] | type[PartialSlope]
"""Kinds of values per row."""

_MASKED: Mapping[PerRow, type[MaskedPredictor] | type[MaskedSlope]] = {
    PartialPredictor: MaskedPredictor,
    PartialSlope: MaskedSlope,
}

Share = Floats | LongWords
"""One party's share of values of rows: as they are, or under masks."""

_T = TypeVar("_T")

_PURPOSE = "isthmus: keys of passive parties, 1"


class Hearing:
    """What the active party has told a passive one, in a digest: the same at all of them."""

    def __init__(self, active: Channel) -> None:
        self.active = active
        self._digest = hashlib.sha256()

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Wait for a message that all passive parties get alike."""
        message = self.active.receive(kind)
        self._digest.update(encode(message))
        return message

    def digest(self) -> bytes:
        """Returns a digest of all such messages so far."""
        return self._digest.digest()


class Shares:
    """A passive party's side of sums."""

    def __init__(self, hearing: Hearing, block_rows: int, masks: PairwiseMasks | None) -> None:
        """Keep what all sums need.

        Args:
            hearing: The line to the active party.
            block_rows: Rows of a block.
            masks: Those that we share with the other passive parties; None: there are none.
        """
        self._hearing = hearing
        self._block_rows = block_rows
        self._masks = masks
        self._sums = 0

    def numbers(self, values: Floats) -> None:
        """Send our share of a few numbers.

        Args:
            values: Shape (count,).

        Raises:
            JobError: A number is too large.
        """
        if self._masks is None:
            self._hearing.active.send(PartialNumbers(values=values))
            return
        masked = self._masks.wide(_fixed(pairwise.to_wide, values), self._context())
        self._hearing.active.send(MaskedNumbers(values=masked))

    def rows(self, kind: PerRow, values: Floats) -> None:
        """Send our share of values of all rows.

        Args:
            kind: What one passive party sends.
            values: Shape (rows,) or (rows, outputs).

        Raises:
            JobError: A value is too large.
        """
        for block in blocks(0, len(values), self._block_rows):
            part = values[block]
            if self._masks is None:
                self._hearing.active.send(kind(first_row=block.start, values=part))
                continue
            words = _fixed(pairwise.to_words, part)
            words += self._masks(part.size, self._context()).reshape(part.shape)
            self._hearing.active.send(_MASKED[kind](first_row=block.start, values=words))

    def _context(self) -> bytes:
        self._sums += 1
        return self._hearing.digest() + self._sums.to_bytes(8)


@dataclass(frozen=True)
class Totals:
    """The active party's side of sums."""

    passives: Sequence[Channel]
    block_rows: int

    def numbers(self, count: int) -> Floats:
        """Learn the sums of a few numbers.

        Args:
            count: How many.

        Returns:
            Shape (count,).

        Raises:
            PeerError: A party sent something else.
        """
        if len(self.passives) == 1:
            (passive,) = self.passives
            values = passive.receive(PartialNumbers).values
            if values.shape != (count,):
                raise PeerError(
                    _other(passive, f"numbers of shape {values.shape} where {count} were due")
                )
            return values
        shares = [passive.receive(MaskedNumbers).values for passive in self.passives]
        try:
            return pairwise.wide_sum(shares, count)
        except ValueError as error:
            raise PeerError(
                _other(self.passives[0], f"or another passive party, {error}")
            ) from None

    def rows(self, kind: PerRow, rows: int, outputs: tuple[int, ...] = ()) -> Floats:
        """Learn the sums of values of all rows.

        Args:
            kind: What one passive party sends.
            rows: How many.
            outputs: Shape of the values of a row.

        Returns:
            Shape (rows, *outputs).

        Raises:
            PeerError: A party sent something else.
        """
        found = np.empty((rows, *outputs))
        for block in blocks(0, rows, self.block_rows):
            found[block] = self.add(
                [self.share(passive, kind, block, outputs) for passive in self.passives]
            )
        return found

    def share(
        self, passive: Channel, kind: PerRow, block: slice, outputs: tuple[int, ...] = ()
    ) -> Share:
        """Receive the share of one party of one block: all parties send theirs.

        Args:
            passive: The channel to it.
            kind: What it sends if it is the only one.
            block: The rows.
            outputs: Shape of the values of a row.

        Returns:
            Shape (rows of the block, *outputs).

        Raises:
            PeerError: It sent something else.
        """
        message = passive.receive(kind if len(self.passives) == 1 else _MASKED[kind])
        expected = (block.stop - block.start, *outputs)
        if message.first_row != block.start or message.values.shape != expected:
            raise PeerError(
                _other(
                    passive,
                    f"rows from {message.first_row} of shape {message.values.shape} where "
                    f"{expected[0]} rows from {block.start} were due",
                )
            )
        return message.values

    def add(self, shares: Sequence[Share]) -> Floats:
        """Returns the sum of what `share` returned for each passive party."""
        if len(self.passives) == 1:
            return np.asarray(shares[0], np.float64)
        total = np.zeros(shares[0].shape, np.uint64)
        for share in shares:
            total += share.astype(np.uint64, copy=False)
        return pairwise.to_numbers(total)


def tell(passives: Sequence[Channel], message: Message) -> None:
    """Tell all passive parties the same: what differs would keep their masks from cancelling."""
    for passive in passives:
        passive.send(message)


def relay(passives: Sequence[Channel]) -> None:
    """Pass on the public keys of several passive parties, at the active party.

    Args:
        passives: The channels to them, in the order of their names.
    """
    if len(passives) > 1:
        signed = [passive.receive(PairKey).signed for passive in passives]
        tell(passives, PairKeys(signed=signed))


def agree(hearing: Hearing, identity: Identity | None) -> PairwiseMasks | None:
    """Agree with all other passive parties on masks, at one of them.

    The active party sees public keys. It cannot put a key of its own in place of another party's.

    Args:
        hearing: The line to the active party, which has told what this attempt is about.
        identity: Who we are to the others; None: there are none.

    Returns:
        The masks; None likewise.

    Raises:
        PeerError: The keys are not those of all passive parties of the job, for this attempt.
    """
    if identity is None:
        return None
    pair, attempt = KeyPair(secrets.token_bytes(KEY_BYTES)), hearing.digest()
    signature = identity.sign(_PURPOSE, identity.party, attempt, pair.public)
    ours = SignedKey(key=pair.public, certificate=identity.certificate, signature=signature)
    hearing.active.send(PairKey(signed=ours))
    names, signed = sorted(identity.fingerprints), hearing.receive(PairKeys).signed
    if len(signed) != len(names):
        raise PeerError(
            _refusal(hearing.active, f"{len(signed)} keys of {len(names)} passive parties")
        )
    for name, each in zip(names, signed, strict=True):
        same = each == ours if name == identity.party else True
        if not same or not identity.has_signed(
            name, each.certificate, each.signature, _PURPOSE, name, attempt, each.key
        ):
            raise PeerError(
                _refusal(
                    hearing.active,
                    f"a key of {name!r} that is not signed, for this training, with the "
                    f"certificate whose fingerprint we have of {name!r}",
                )
            )
    context = hearing.digest()  # with all keys in it
    others = {name: each.key for name, each in zip(names, signed, strict=True)}
    del others[identity.party]
    try:
        keys = {name: pair.shared(key, context, "regression") for name, key in others.items()}
    except ValueError:
        raise PeerError(_refusal(hearing.active, "public keys that are none")) from None
    return PairwiseMasks(identity.party, keys)


def _fixed(convert: Callable[[Floats], _T], values: Floats) -> _T:
    try:
        return convert(values)
    except ValueError as error:
        raise JobError(
            f"{error}, and cannot be summed under masks: agree on a higher `penalty`, or look for "
            "extreme values in the columns of all parties."
        ) from None


def _refusal(active: Channel, what: str) -> str:
    return (
        f"{active.peer!r} hands us {what}. Nothing of ours was sent under masks: ask them what "
        "they run."
    )


def _other(passive: Channel, what: str) -> str:
    return f"{passive.peer!r} sent {what}. Run `isthmus check` on both sides."
