"""Inside: the enclave of the first party, where identifiers meet, and those of the others.

An enclave has one line, to its own party, which relays the messages for other enclaves. It never
knows whether they really come from there: evidence and seals tell.

The enclaves form a star. Only the first one sees what others bring, so the others have to trust
that one and not each other: of each other they learn the hashing key, which tells nothing without
digests. What all parties together learn of a party is bounded by the rows of the first one.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np

from isthmus.alignment.attested import buckets
from isthmus.alignment.attested.buckets import Slots, Words
from isthmus.alignment.attested.messages import (
    BLOCK_ROWS,
    Challenge,
    EnclaveClaims,
    EnclaveEvidence,
    EnclaveStart,
    EnclaveVerdict,
    IdentifierBlock,
    PaddedRowCount,
    SealedIdentifiers,
    SealedKey,
    SealedPositions,
    SealedSeed,
    SealedVerdict,
    SharedBlock,
)
from isthmus.core.arrays import Integers
from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.crypto.column_mac import column_mac
from isthmus.crypto.keystream import KEY_BYTES, keystream, mixed
from isthmus.crypto.sealing import Session
from isthmus.tee import handshake
from isthmus.tee.handshake import Handshake
from isthmus.transport.channel import Channel

_WIRE = np.dtype("<u4")


@dataclass(frozen=True)
class Peer:
    """Another party's enclave, once it has proved what it is."""

    name: str
    rows: int
    """How many it brings, rounded up."""

    session: Session

    def open(self, frame: bytes) -> bytes:
        """Read its next frame.

        Args:
            frame: What our party relayed.

        Returns:
            The payload.

        Raises:
            PeerError: It is not that frame.
        """
        try:
            return self.session.open(frame)
        except ValueError as error:
            raise PeerError(
                f"a message from the enclave of {self.name!r} does not open: {error}. One of the "
                "parties between the enclaves meddles with them, or its machine does: stop, and "
                "ask them."
            ) from None


def enclave(party: Channel, start: EnclaveStart) -> None:
    """Play the part of our party's enclave: the first one, or another."""
    role = first if start.us == start.terms.first else other
    role(party, start)


def first(party: Channel, start: EnclaveStart) -> None:
    """Let identifiers meet here, and tell every party what the job lets it know.

    Our party learns the rounded number of the others' rows, and what `results` of the job gives
    it. What others send is kept one bucket at a time, and nothing of it outlives this function.

    Args:
        party: The line to our own party.
        start: What it told us.

    Raises:
        PeerError: A peer's enclave, or somebody between, does not keep to the protocol.
        PolicyError: Our party does not trust a peer's enclave.
        SpecError: Our party's identifiers are not all different.

    Source:
        US20240323023A1 (S7); our reading: docs/systems/s7.md.
    """
    terms = start.terms

    # 1. Prove to every other enclave what we are, and see what it is.
    peers = [_meet(party, start, name) for name in terms.others]

    # 2. Make the keys, to which every enclave contributes: one to hash, one to shuffle.
    seeds = [secrets.token_bytes(KEY_BYTES)]
    seeds += [peer.open(party.receive(SealedSeed).frame)[:KEY_BYTES] for peer in peers]
    key = mixed(seeds, "hash")
    for peer in peers:
        party.send(SealedKey(frame=peer.session.seal(key)))

    # 3. Take in the identifiers of our own party.
    digests, rows = _take_in(party, start.rows, key)

    # 4. Get those of the others, and keep the place of each that we have too; then forget them all.
    places = [_find(party, digests, peer) for peer in peers]
    del digests
    (initial,) = np.nonzero(np.logical_and.reduce([slots != buckets.NOWHERE for slots in places]))

    # 5. Tell all when that singles people out: no more than that.
    enough = initial.size >= terms.minimum_size
    for peer in peers:
        verdict = _verdict(start, peer.name, initial.size)
        party.send(SealedVerdict(frame=peer.session.seal(msgspec.json.encode(verdict))))
    party.send(_verdict(start, start.us, initial.size))
    if not enough:
        return

    # 6. Shuffle the initial intersection into the target intersection.
    stream = keystream(mixed(seeds, "shuffle"), 8 * initial.size)
    target = initial[buckets.shuffled(stream)]

    # 7. Tell each party where its own rows are in it.
    for peer, slots in zip(peers, places, strict=True):
        if terms.share(peer.name) == "rows":
            _send_positions(party, peer, slots[target])
    if terms.share(start.us) == "rows":
        _tell(party, rows[target])


def other(party: Channel, start: EnclaveStart) -> None:
    """Bring identifiers to the first party's enclave, and tell our party what it may know.

    Args:
        party: The line to our own party.
        start: What it told us.

    Raises:
        PeerError: The first enclave, or somebody between, does not keep to the protocol.
        PolicyError: Our party does not trust the first enclave.
        SpecError: Our party's identifiers are not all different.
        ChannelError: A bucket overflows, which is bad luck: another run has other buckets.

    Source:
        US20240323023A1 (S7); our reading: docs/systems/s7.md.
    """
    terms = start.terms

    # 1. Prove to the first enclave what we are, and see what it is.
    peer = _meet(party, start, terms.first)

    # 2. Contribute to the keys, and learn the one to hash with.
    party.send(SealedSeed(frame=peer.session.seal(secrets.token_bytes(KEY_BYTES))))
    key = peer.open(party.receive(SealedKey).frame)[:KEY_BYTES]

    # 3. Take in the identifiers of our own party.
    digests, rows = _take_in(party, start.rows, key)

    # 4. Send them bucket by bucket, and forget them.
    padded = buckets.padded(start.rows, terms.rows_step)
    starts = buckets.starts(digests, buckets.bucket_count(padded))
    for begin, end in pairwise(starts.tolist()):
        party.send(SealedIdentifiers(frame=peer.session.seal(_fill(digests[begin:end]))))
    del digests

    # 5. Learn whether enough of them are shared.
    verdict = _read_verdict(start, peer, peer.open(party.receive(SealedVerdict).frame))
    party.send(verdict)

    # 6. Learn which they are, in the common order.
    if verdict.size is not None and terms.share(start.us) == "rows":
        slots = _receive_positions(party, peer, padded)[: verdict.size]
        _tell(party, rows[_ours(slots, starts, peer)])


def _meet(party: Channel, start: EnclaveStart, name: str) -> Peer:
    # 1. Tell each other how many rows there are. Evidence binds both numbers, so that no party
    #    between can change one.
    terms = start.terms
    ours = buckets.padded(start.rows, terms.rows_step)
    party.send(PaddedRowCount(rows=ours))
    theirs = party.receive(PaddedRowCount).rows
    counts = {start.us: ours, name: theirs}
    agreed = b"".join(counts[each].to_bytes(8) for each in terms.parties if each in counts)

    # 2. Challenge each other.
    meeting = Handshake(start.us, name, terms.digest() + agreed, start.kind, start.endorsements)
    nonce, key = meeting.challenge
    party.send(Challenge(nonce=nonce, key=key))
    challenge = party.receive(Challenge)

    # 3. Show evidence, and verify the other's.
    evidence = meeting.evidence(handshake.Challenge(challenge.nonce, challenge.key))
    party.send(EnclaveEvidence(evidence=evidence))
    shown = party.receive(EnclaveEvidence).evidence
    session, claims = meeting.complete(shown, start.policy, start.at_time)
    party.send(EnclaveClaims(claims=claims))
    return Peer(name, theirs, session)


def _take_in(party: Channel, rows: int, key: bytes) -> tuple[Words, Integers]:
    # The digests, sorted, and the row of each.
    digests = np.empty((rows, 2), np.uint64)
    taken = 0
    while taken < rows:
        block = party.receive(IdentifierBlock)
        found = column_mac(key, block.offsets, block.octets.data)
        digests[taken : taken + len(found)] = found
        taken += len(found)
    ordered = buckets.sort(digests)
    if buckets.repeats(ordered[0]):
        raise SpecError(
            "an identifier occurs twice among our own rows. Keep one row of each, and align again."
        )
    return ordered


def _find(party: Channel, digests: Words, peer: Peer) -> Slots:
    # The slot of each of our digests, shape (rows,).
    slots = np.empty(len(digests), np.uint32)
    starts = buckets.starts(digests, buckets.bucket_count(peer.rows))
    for number, (begin, end) in enumerate(pairwise(starts.tolist())):
        theirs = buckets.read(peer.open(party.receive(SealedIdentifiers).frame))
        if buckets.repeats(buckets.sort(theirs)[0]):
            raise PeerError(
                f"the enclave of {peer.name!r} sent an identifier twice. Do not go on: ask them "
                "how they prepared their rows."
            )
        slots[begin:end] = buckets.slots(number, buckets.meet(digests[begin:end], theirs))
    return slots


def _fill(digests: Words) -> bytes:
    try:
        return buckets.fill(digests)
    except OverflowError:
        raise ChannelError(
            "by rare chance, more identifiers fell into one bucket than fit. Run the same command "
            "again on all sides: buckets are others in every run."
        ) from None


def _verdict(start: EnclaveStart, party: str, size: int) -> EnclaveVerdict:
    enough = size >= start.terms.minimum_size
    told = enough and start.terms.share(party) != "nothing"
    return EnclaveVerdict(enough=enough, size=size if told else None)


def _read_verdict(start: EnclaveStart, peer: Peer, payload: bytes) -> EnclaveVerdict:
    told = start.terms.share(start.us) != "nothing"
    possible = range(start.terms.minimum_size, start.rows + 1)
    with suppress(ValueError):
        verdict = msgspec.json.decode(payload.rstrip(b"\0"), type=EnclaveVerdict)
        if verdict.size in possible if verdict.enough and told else verdict.size is None:
            return verdict
    raise PeerError(
        f"the enclave of {peer.name!r} found a number of shared rows that cannot be. Do not go on: "
        "compare `isthmus version` on both sides."
    )


def _send_positions(party: Channel, peer: Peer, slots: Slots) -> None:
    for number in range(buckets.frame_count(peer.rows)):  # the last ones may hold nothing
        part = slots[number * buckets.SLOTS : (number + 1) * buckets.SLOTS]
        frame = peer.session.seal(part.astype(_WIRE).tobytes())
        party.send(SealedPositions(frame=frame))


def _receive_positions(party: Channel, peer: Peer, padded_rows: int) -> Slots:
    frames = range(buckets.frame_count(padded_rows))
    parts = [peer.open(party.receive(SealedPositions).frame) for _ in frames]
    return np.frombuffer(b"".join(parts), _WIRE)


def _ours(slots: Slots, starts: Integers, peer: Peer) -> Integers:
    try:
        return buckets.positions(slots, starts)
    except ValueError as error:
        raise PeerError(
            f"the enclave of {peer.name!r} found rows of ours that we do not have: {error}. Do not "
            "go on: compare `isthmus version` on both sides."
        ) from None


def _tell(party: Channel, rows: Integers) -> None:
    for begin in range(0, rows.size, BLOCK_ROWS):
        party.send(SharedBlock(rows=rows[begin : begin + BLOCK_ROWS]))
