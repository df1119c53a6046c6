"""The sender's side of the oblivious protocol: helps the receiver to find the shared rows."""

import secrets
from collections.abc import Sequence

import numpy as np

from isthmus.alignment.cryptographic.messages import ComparedRows
from isthmus.alignment.cryptographic.oblivious.attempt import (
    NONCE_BYTES,
    draw_nonce,
    refuse_cheat,
    refuse_points,
    seed_of,
    sized,
)
from isthmus.alignment.cryptographic.oblivious.messages import (
    Corrections,
    CorrectionsChallenge,
    CorrectionsProof,
    GrownTrees,
    Nonce,
    TransferChoices,
)
from isthmus.alignment.cryptographic.rows import Terms, secret_order
from isthmus.core.arrays import Integers
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.curve import POINT_BYTES
from isthmus.crypto.oblivious import base_transfers, corrections, okvs, trees
from isthmus.crypto.oblivious.bits import ROW_BYTES, Bytes, Words
from isthmus.crypto.oblivious.code import COLUMNS
from isthmus.crypto.oblivious.corrections import CHALLENGE_BYTES, PROOF_BYTES, Corrector
from isthmus.crypto.oblivious.okvs import HashedRows
from isthmus.crypto.oblivious.row_hash import compared_bytes, row_hash
from isthmus.crypto.oblivious.trees import GROWN_BYTES, LEAVES
from isthmus.crypto.oblivious.vole import BLOCK, Expansion
from isthmus.transport.channel import Channel


def send(
    receiver: Channel,
    identifiers: Sequence[bytes],
    theirs: int,
    terms: Terms,
    telemetry: Telemetry,
) -> Integers:
    """Let the receiver find the rows that both hold, with the values of a secret function of ours.

    Args:
        receiver: The channel to the receiver.
        identifiers: Normalised key of each of our rows, all different.
        theirs: The receiver's number of rows.
        terms: With the context of our hashes.
        telemetry: Receives progress.

    Returns:
        The secret order of our rows, in which the receiver knows them: positions among
        `identifiers`, shape (rows,).

    Raises:
        PeerError: The receiver broke the protocol.

    Source:
        As of the receiver's side.
    """
    # 1. Exchange nonces: all hashes are those of this attempt.
    its = sized(receiver.receive(Nonce).value, NONCE_BYTES, receiver.peer, "a nonce")
    nonce = draw_nonce()
    receiver.send(Nonce(value=nonce))
    seed = seed_of(terms.context, its, nonce)

    # 2. Draw our secret numbers, and get all keys of each tree but that of its number.
    drawn = np.frombuffer(secrets.token_bytes(COLUMNS), np.uint8)
    numbers = (drawn % LEAVES).astype(np.int64)  # uniform: LEAVES divides 256
    leaves = _grow(receiver, numbers, seed)

    # 3. Expand our side of each slot, before we hash our rows: the receiver fills its table now.
    slots = _expand(Expansion(leaves, numbers), corrections.slots(theirs))
    order = secret_order(len(identifiers))
    rows = okvs.hashed(identifiers, seed, theirs).take(order)

    # 4. Correct it by what the receiver sends, and check that this was of the right form.
    corrector = Corrector(numbers)
    _correct(receiver, corrector, slots, len(identifiers), telemetry)
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    receiver.send(CorrectionsChallenge(value=challenge))
    proof = sized(receiver.receive(CorrectionsProof).tags, PROOF_BYTES, receiver.peer, "a proof")
    if not corrector.accepts(slots, proof, challenge):
        refuse_cheat(receiver.peer)

    # 5. Send the function's values of our rows.
    width = compared_bytes(theirs, len(identifiers))
    for start in range(0, len(rows), BLOCK):
        values = _values(slots, rows.take(slice(start, start + BLOCK)), corrector, seed)
        receiver.send(ComparedRows(values=values[:, :width].tobytes()))
        done = len(slots) + min(start + BLOCK, len(rows))
        telemetry.progress("align", done, len(slots) + len(rows))
    return order


def _grow(receiver: Channel, numbers: Integers, seed: bytes) -> Bytes:
    choices: list[int] = trees.sides(numbers).ravel().tolist()
    points, keys = base_transfers.choose(choices, seed)
    receiver.send(TransferChoices(points=points))
    grown = receiver.receive(GrownTrees)
    sized(grown.keys, GROWN_BYTES, receiver.peer, "keys")
    answer = sized(grown.answer, POINT_BYTES, receiver.peer, "a point")
    try:
        chosen = keys(answer)
    except ValueError:
        refuse_points(receiver.peer)
    try:
        return trees.grow_others(numbers, chosen, grown.keys, seed)
    except ValueError:
        refuse_cheat(receiver.peer)


def _expand(expansion: Expansion, count: int) -> Words:
    slots = np.empty((count, 2), np.uint64)
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        slots[start:stop] = expansion.folded(stop - start)
    return slots


def _correct(
    receiver: Channel, corrector: Corrector, slots: Words, rows: int, telemetry: Telemetry
) -> None:
    for start in range(0, len(slots), BLOCK):
        block = slots[start : start + BLOCK]
        received = receiver.receive(Corrections).slots
        sized(received, block.nbytes, receiver.peer, "corrections")
        sums = np.frombuffer(received, np.uint8).reshape(-1, ROW_BYTES)
        corrector.corrections.add(sums, block)
        telemetry.progress("align", start + len(block), len(slots) + rows)


def _values(slots: Words, rows: HashedRows, corrector: Corrector, seed: bytes) -> Bytes:
    return row_hash(okvs.looked_up(slots, rows, corrector.values), seed)
