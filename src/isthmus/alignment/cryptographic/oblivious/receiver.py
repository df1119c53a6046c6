"""The receiver's side of the oblivious protocol: learns which of its rows the sender has too."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.alignment.cryptographic.messages import ComparedRows
from isthmus.alignment.cryptographic.oblivious.attempt import (
    NONCE_BYTES,
    draw_nonce,
    refuse_cheat,
    refuse_points,
    seed_of,
    sized,
)
from isthmus.alignment.cryptographic.oblivious.matching import match
from isthmus.alignment.cryptographic.oblivious.messages import (
    Corrections,
    CorrectionsChallenge,
    CorrectionsProof,
    GrownTrees,
    Nonce,
    TransferChoices,
)
from isthmus.alignment.cryptographic.rows import Matches, Terms
from isthmus.core.errors import ChannelError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.oblivious import base_transfers, corrections, okvs, trees
from isthmus.crypto.oblivious.base_transfers import CHOICE_BYTES
from isthmus.crypto.oblivious.bits import Bytes, Words
from isthmus.crypto.oblivious.corrections import CHALLENGE_BYTES
from isthmus.crypto.oblivious.okvs import HashedRows
from isthmus.crypto.oblivious.row_hash import compared_bytes, row_hash
from isthmus.crypto.oblivious.trees import TRANSFERS
from isthmus.crypto.oblivious.vole import BLOCK, Expansion
from isthmus.transport.channel import Channel


def receive(
    sender: Channel,
    identifiers: Sequence[bytes],
    theirs: int,
    terms: Terms,
    telemetry: Telemetry,
) -> Matches:
    """Find the rows that the sender has too, with the values of a function that it keeps secret.

    The sender has a secret function of identifiers, made of its secret numbers. We get its values
    of our own rows without showing them, and then those of the sender's rows.

    Args:
        sender: The channel to the sender.
        identifiers: Normalised key of each of our rows, all different.
        theirs: The sender's number of rows.
        terms: With the context of our hashes.
        telemetry: Receives progress.

    Returns:
        The rows that both hold.

    Raises:
        ChannelError: Our rows have no table under this seed: once in 2^40 attempts.
        PeerError: The sender broke the protocol.

    Source:
        Rindal and Schoppmann 2021, "VOLE-PSI: fast OPRF and circuit-PSI from vector-OLE", figure 6;
        Raghuraman and Rindal 2022, "Blazing fast PSI from improved OKVS and subfield VOLE"; Roy
        2022, "SoftSpokenOT", for the vector oblivious linear evaluation (VOLE). The composition is
        ours.
    """
    # 1. Exchange nonces: all hashes are those of this attempt.
    nonce = draw_nonce()
    sender.send(Nonce(value=nonce))
    its = sized(sender.receive(Nonce).value, NONCE_BYTES, sender.peer, "a nonce")
    seed = seed_of(terms.context, nonce, its)

    # 2. Grow trees of keys. The sender gets all but one of each, we do not know which.
    leaves = _grow(sender, seed)

    # 3. Fill a table in which each of our rows has its hash as a value.
    rows = okvs.hashed(identifiers, seed, len(identifiers))
    table = corrections.with_hiding(_filled(rows), len(identifiers))

    # 4. Send the table under the streams of our keys, and keep our side of each slot.
    slots = _correct(sender, table, Expansion(leaves), theirs, telemetry)

    # 5. Prove that this was all of the right form.
    challenge = sized(
        sender.receive(CorrectionsChallenge).value, CHALLENGE_BYTES, sender.peer, "a challenge"
    )
    sender.send(CorrectionsProof(tags=corrections.prove(table, slots, challenge)))
    del table

    # 6. Find the function's values of our rows in the slots, and compare them with the sender's.
    ours = row_hash(okvs.looked_up(slots, rows), seed)
    width, count = compared_bytes(len(identifiers), theirs), len(slots)
    del slots, rows
    its_values = _receive_values(sender, theirs, width, count, telemetry)
    try:
        return Matches(*match(ours[:, :width], its_values))
    except ValueError:
        refuse_cheat(sender.peer)


def _grow(sender: Channel, seed: bytes) -> Bytes:
    size = TRANSFERS * CHOICE_BYTES
    chosen = sized(sender.receive(TransferChoices).points, size, sender.peer, "choices")
    try:
        answer, pairs = base_transfers.offer(chosen, seed)
    except ValueError:
        refuse_points(sender.peer)
    leaves, grown = trees.grow(pairs, seed)
    sender.send(GrownTrees(answer=answer, keys=grown))
    return leaves


def _filled(rows: HashedRows) -> NDArray[np.uint64]:
    try:
        return okvs.filled(rows)
    except okvs.Unsolvable:
        raise ChannelError(
            "the rows of this party have no table under the seed of this attempt, which happens "
            "once in 10^12. Run the same command again on both sides."
        ) from None


def _correct(
    sender: Channel,
    table: NDArray[np.uint64],
    expansion: Expansion,
    theirs: int,
    telemetry: Telemetry,
) -> Words:
    encoder, slots = corrections.encoder(), np.empty((len(table), 2), np.uint64)
    for start in range(0, len(table), BLOCK):
        block = slice(start, min(start + BLOCK, len(table)))
        slots[block], sums = expansion.folded_with_sums(block.stop - start)
        corrections.add_words(table[block], encoder, sums)
        sender.send(Corrections(slots=sums.tobytes()))
        telemetry.progress("align", block.stop, len(table) + theirs)
    return slots


def _receive_values(
    sender: Channel, rows: int, width: int, slots: int, telemetry: Telemetry
) -> Bytes:
    values = np.empty((rows, width), np.uint8)
    for start in range(0, rows, BLOCK):
        block = values[start : start + BLOCK]
        received = sender.receive(ComparedRows).values
        sized(received, block.size, sender.peer, "values of rows")
        block[:] = np.frombuffer(received, np.uint8).reshape(block.shape)
        telemetry.progress("align", slots + start + len(block), slots + rows)
    return values
