"""The code inside the enclaves: the first party's, which compares identifiers, and the others'.

An enclave has one channel, to its own party, which relays the messages of other enclaves. Their
evidence and encryption prove that messages really come from those enclaves.

The enclaves form a star. Only the first one sees the digests of the others, so the others must
trust that enclave, but not each other: all they share is the hashing key, which reveals nothing
without digests. All that other parties can learn of a party's rows is limited to rows that the
first party has too.
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
from isthmus.alignment.attested.terms import Terms
from isthmus.core.arrays import Integers
from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.crypto import certificates
from isthmus.crypto.column_mac import column_mac
from isthmus.crypto.keystream import KEY_BYTES, keystream, mixed
from isthmus.crypto.sealing import Session
from isthmus.tee import handshake
from isthmus.tee.handshake import Handshake
from isthmus.transport.channel import Channel

_WIRE = np.dtype("<u4")


@dataclass(frozen=True)
class Peer:
    """Another party's enclave, after its evidence was verified."""

    name: str
    rows: int
    """Its number of rows, rounded up."""

    session: Session

    def open(self, frame: bytes) -> bytes:
        """Decrypt its next frame.

        Args:
            frame: The frame that our party relayed.

        Returns:
            The payload.

        Raises:
            PeerError: It is not exactly the next frame of that enclave.
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
    """Run the role of our party's enclave: `first` or `other`."""
    role = first if start.us == start.terms.first else other
    role(party, start)


def first(party: Channel, start: EnclaveStart) -> None:
    """Compare the identifiers of all parties, and tell every party what the job lets it know.

    Our party learns the rounded number of the others' rows, and what `results` of the job gives
    it. Digests of others are held in memory one bucket at a time.

    Args:
        party: The channel to our own party.
        start: The message that our party started us with.

    Raises:
        PeerError: A peer's enclave, or somebody on the way, breaks the protocol.
        PolicyError: Our party does not trust a peer's enclave.
        SpecError: Our party's identifiers are not all different.

    Source:
        US20240323023A1 (S7); our reading: docs/systems/s7.md.
    """
    terms = start.terms

    # 1. Exchange evidence with every other enclave.
    peers = [_attest(party, start, name) for name in terms.others]

    # 2. Make keys from seeds of all enclaves: one to hash, one to shuffle.
    seeds = [secrets.token_bytes(KEY_BYTES)]
    seeds += [peer.open(party.receive(SealedSeed).frame)[:KEY_BYTES] for peer in peers]
    key = mixed(seeds, "hash")
    for peer in peers:
        party.send(SealedKey(frame=peer.session.seal(key)))

    # 3. Receive the identifiers of our own party.
    digests, rows = _receive_identifiers(party, start.rows, key)

    # 4. Receive those of the others, and note the slot of each that we have too.
    places = [_find(party, digests, peer) for peer in peers]
    del digests
    (initial,) = np.nonzero(
        np.logical_and.reduce([slots != buckets.NOT_SHARED for slots in places])
    )

    # 5. Tell all whether enough rows are shared: with too few, single people could be identified.
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

    # 7. Tell each party the positions of its own rows in it.
    for peer, slots in zip(peers, places, strict=True):
        if terms.share(peer.name) == "rows":
            _send_positions(party, peer, slots[target])
    if terms.share(start.us) == "rows":
        _send_shared_rows(party, rows[target])


def other(party: Channel, start: EnclaveStart) -> None:
    """Send identifiers to the first party's enclave, and tell our party what it may know.

    Args:
        party: The channel to our own party.
        start: The message that our party started us with.

    Raises:
        PeerError: The first enclave, or somebody on the way, breaks the protocol.
        PolicyError: Our party does not trust the first enclave.
        SpecError: Our party's identifiers are not all different.
        ChannelError: A bucket overflows by chance: another run has other buckets.

    Source:
        US20240323023A1 (S7); our reading: docs/systems/s7.md.
    """
    terms = start.terms

    # 1. Exchange evidence with the first enclave.
    peer = _attest(party, start, terms.first)

    # 2. Contribute a seed to the keys, and receive the hashing key.
    party.send(SealedSeed(frame=peer.session.seal(secrets.token_bytes(KEY_BYTES))))
    key = peer.open(party.receive(SealedKey).frame)[:KEY_BYTES]

    # 3. Receive the identifiers of our own party.
    digests, rows = _receive_identifiers(party, start.rows, key)

    # 4. Send their digests bucket by bucket.
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
        _send_shared_rows(party, rows[_ours(slots, starts, peer)])


def _attest(party: Channel, start: EnclaveStart, name: str) -> Peer:
    # 1. Exchange the numbers of rows. Evidence covers both numbers, so that no party on the way
    #    can change one.
    terms = start.terms
    ours = buckets.padded(start.rows, terms.rows_step)
    party.send(PaddedRowCount(rows=ours))
    theirs = party.receive(PaddedRowCount).rows
    counts = {start.us: ours, name: theirs}
    agreed = b"".join(counts[each].to_bytes(8) for each in terms.parties if each in counts)

    # 2. Challenge each other.
    shaking = Handshake(start.us, name, terms.digest() + agreed, start.kind, start.endorsements)
    nonce, key = shaking.challenge
    party.send(Challenge(nonce=nonce, key=key))
    signed = party.receive(Challenge)
    challenge = handshake.Challenge(signed.nonce, signed.key)
    _check_owner(terms, name, challenge, signed.signature)

    # 3. Send our evidence, and verify the other's.
    evidence = shaking.evidence(challenge)
    party.send(EnclaveEvidence(evidence=evidence))
    shown = party.receive(EnclaveEvidence).evidence
    session, claims = shaking.complete(shown, start.policy, start.at_time)
    party.send(EnclaveClaims(claims=claims))
    return Peer(name, theirs, session)


def _check_owner(terms: Terms, name: str, challenge: handshake.Challenge, signature: bytes) -> None:
    # Evidence says which program an enclave runs, but not for whom. So its party signs for it, and
    # all enclaves were given the same certificates: no party can play another one.
    own = handshake.owned(terms.digest(), name, challenge)
    if not certificates.verify(terms.certificates[name], signature, own):
        raise PeerError(
            f"the enclave that is said to be of {name!r} is not signed by the key of {name!r}, or "
            "was given other terms: somebody else may have started it. Stop, compare the "
            f"certificates of all parties (`isthmus keys show`), and ask {name!r} whether it takes "
            "part."
        )


def _receive_identifiers(party: Channel, rows: int, key: bytes) -> tuple[Words, Integers]:
    # Returns the sorted digests of the identifiers, and the row of each.
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
    # Returns the peer's slot of each of our digests, shape (rows,).
    slots = np.empty(len(digests), np.uint32)
    starts = buckets.starts(digests, buckets.bucket_count(peer.rows))
    for number, (begin, end) in enumerate(pairwise(starts.tolist())):
        theirs = buckets.read(peer.open(party.receive(SealedIdentifiers).frame))
        if buckets.repeats(buckets.sort(theirs)[0]):
            raise PeerError(
                f"the enclave of {peer.name!r} sent an identifier twice. Do not go on: ask them "
                "how they prepared their rows."
            )
        slots[begin:end] = buckets.slots(number, buckets.match(digests[begin:end], theirs))
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
    for number in range(buckets.frame_count(peer.rows)):  # the last frames may be empty
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


def _send_shared_rows(party: Channel, rows: Integers) -> None:
    for begin in range(0, rows.size, BLOCK_ROWS):
        party.send(SharedBlock(rows=rows[begin : begin + BLOCK_ROWS]))
