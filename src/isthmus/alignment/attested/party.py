"""The role outside the enclave: a party starts its enclave, relays messages, gets the result.

The party sees messages between enclaves only encrypted. It knows how many to relay: the number of
frames follows from the rounded numbers of rows, which all parties know.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from isthmus.alignment.attested.buckets import bucket_count, frame_count, padded
from isthmus.alignment.attested.messages import (
    BLOCK_BYTES,
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
from isthmus.core.errors import JobError, PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.index import Index
from isthmus.tee import handshake
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.handshake import owned
from isthmus.tee.policy import EnclavePolicy
from isthmus.transport.channel import Channel
from isthmus.transport.message import MessageT

Sign = Callable[[bytes], bytes]

Shown = Callable[[str, Evidence], None]
"""Called with a party and the evidence of its enclave, before the evidence is verified."""


def ignore(party: str, evidence: Evidence) -> None:
    """Ignore evidence."""


class Trust(NamedTuple):
    """The evidence of our enclave, and the policy for the enclaves of others."""

    kind: Kind
    endorsements: bytes
    policy: EnclavePolicy
    at_time: datetime
    """When evidence must be valid, with its time zone."""

    sign: Sign
    """Signs with our party's private key."""

    shown: Shown = ignore
    """Called with the evidence of every enclave, including ours."""


@dataclass(frozen=True)
class Found:
    """The result of an alignment at this party."""

    index: Index | None
    """Our shared rows in the common order; None if the job does not give us rows."""

    size: int | None
    """Number of shared rows; None if the job does not tell us."""

    claims: dict[str, Claims]
    """The verified claims of our peers' enclaves, by party."""


@dataclass(frozen=True)
class Relay:
    """Relays messages between the first enclave and another one, through this party."""

    first: Channel
    """The channel towards the first enclave."""

    other: Channel
    """The channel towards the other enclave."""

    def to_first(self, kind: type[MessageT]) -> MessageT:
        """Relay a message to the first enclave, and return it."""
        message = self.other.receive(kind)
        self.first.send(message)
        return message

    def to_other(self, kind: type[MessageT]) -> MessageT:
        """Relay a message to the other enclave, and return it."""
        message = self.first.receive(kind)
        self.other.send(message)
        return message


@dataclass(frozen=True)
class Attested:
    """The first enclave and another one, after they have attested each other."""

    other: str
    """Name of the other party."""

    relay: Relay
    rows: dict[str, int]
    """Number of rows of both parties, rounded up."""

    claims: Claims
    """The claims of the peer's enclave, verified by ours."""


def party(  # noqa: PLR0913, PLR0917 - the caller knows all of these, and nobody else does
    us: str,
    peers: Mapping[str, Channel],
    identifiers: Sequence[bytes],
    terms: Terms,
    enclave: Channel,
    trust: Trust,
    telemetry: Telemetry,
    limits: Mapping[str, int | None],
) -> Found:
    """Find the rows that all parties have, by comparing identifiers inside an enclave only.

    The parties learn each other's rounded number of rows, and what `results` of the job gives each
    of them. No party learns an identifier that it does not have, if the enclaves are what their
    evidence says. A party can still put in identifiers that it made up: `limits` bounds how many.

    Args:
        us: Name of our party.
        peers: At the first party, the channel to each other; at the others, to the first.
        identifiers: Normalised key of each of our rows, all different.
        terms: The terms that all enclaves must be given alike.
        enclave: The channel to our own enclave.
        trust: The evidence of our enclave, and our policy for others.
        telemetry: Receives progress.
        limits: The most rows that the job allows each other party; None for no limit.

    Returns:
        The result that the job lets us know.

    Raises:
        JobError: Fewer rows are shared than the job requires, or its limit of memory is too low.
        SpecError: An identifier is too long, or occurs twice.
        PolicyError: Our policy does not trust the enclave of a peer.
        PeerError: A peer broke the protocol.
        ChannelError: A connection is lost, or our enclave has stopped.

    Source:
        US20240323023A1 (S7); our reading: docs/systems/s7.md.
    """
    if us == terms.first:
        relays = {name: Relay(first=enclave, other=peers[name]) for name in terms.others}
    else:
        relays = {us: Relay(first=peers[terms.first], other=enclave)}

    # 1. Start our enclave.
    enclave.send(
        EnclaveStart(
            terms=terms,
            us=us,
            rows=len(identifiers),
            kind=trust.kind,
            endorsements=trust.endorsements,
            policy=trust.policy,
            at_time=trust.at_time,
        )
    )

    # 2. Let the enclaves attest each other.
    attested = list[Attested]()
    for other, relay in relays.items():
        rows = _relay_row_counts(other, relay, terms, limits)
        _relay_evidence(us, other, relay, terms, trust)
        attested.append(Attested(other, relay, rows, enclave.receive(EnclaveClaims).claims))

    # 3. Let them agree on keys.
    for relay in relays.values():
        relay.to_first(SealedSeed)
    for relay in relays.values():
        relay.to_other(SealedKey)

    # 4. Send our identifiers to our enclave.
    for block in _blocks(identifiers):
        enclave.send(block)

    # 5. Relay those of the others to the first enclave.
    _relay_identifiers(attested, telemetry)

    # 6. Stop if too few rows are shared: single people could be identified.
    for relay in relays.values():
        relay.to_other(SealedVerdict)
    verdict = enclave.receive(EnclaveVerdict)
    if not verdict.enough:
        raise JobError(_too_few(terms))

    # 7. Give every party the result that the job gives it.
    _relay_positions(attested, terms)
    return Found(
        index=_receive_rows(enclave, verdict.size) if terms.share(us) == "rows" else None,
        size=verdict.size,
        claims={pair.other if us == terms.first else terms.first: pair.claims for pair in attested},
    )


def _relay_row_counts(
    other: str, relay: Relay, terms: Terms, limits: Mapping[str, int | None]
) -> dict[str, int]:
    rows = {
        terms.first: relay.to_other(PaddedRowCount).rows,
        other: relay.to_first(PaddedRowCount).rows,
    }
    _check_limits(rows, limits, terms)
    return rows


def _relay_evidence(us: str, other: str, relay: Relay, terms: Terms, trust: Trust) -> None:
    for name, source, drain in (
        (terms.first, relay.first, relay.other),
        (other, relay.other, relay.first),
    ):
        challenge = source.receive(Challenge)
        if name == us:  # nobody but us can say which enclave is ours
            own = owned(terms.digest(), us, handshake.Challenge(challenge.nonce, challenge.key))
            challenge = replace(challenge, signature=trust.sign(own))
        drain.send(challenge)
    trust.shown(terms.first, relay.to_other(EnclaveEvidence).evidence)
    trust.shown(other, relay.to_first(EnclaveEvidence).evidence)


def _check_limits(rows: Mapping[str, int], limits: Mapping[str, int | None], terms: Terms) -> None:
    for name, count in rows.items():
        limit = limits.get(name)
        if limit is not None and count > padded(limit, terms.rows_step):
            raise PeerError(
                f"{name!r} brings up to {count} rows to the alignment, but the job allows it "
                f"{limit}. Ask them why, before you agree to a higher limit."
            )


def _blocks(identifiers: Sequence[bytes]) -> Iterator[IdentifierBlock]:
    start = 0
    while start < len(identifiers):
        block = identifiers[start : start + BLOCK_ROWS]
        ends = np.cumsum(np.fromiter(map(len, block), np.int64, len(block)))
        fitting = int(np.searchsorted(ends, BLOCK_BYTES, side="right"))
        if not fitting:
            raise SpecError(
                f"the identifier of row {start} has {ends[0]} bytes, and the longest that can be "
                f"aligned has {BLOCK_BYTES}. Is that column the right one?"
            )
        octets = np.frombuffer(b"".join(block[:fitting]), np.uint8)
        yield IdentifierBlock(offsets=np.append(0, ends[:fitting]), octets=octets)
        start += fitting


def _relay_identifiers(attested: Sequence[Attested], telemetry: Telemetry) -> None:
    buckets = [pair for pair in attested for _ in range(bucket_count(pair.rows[pair.other]))]
    for done, pair in enumerate(buckets, 1):
        pair.relay.to_first(SealedIdentifiers)
        telemetry.progress("align", done, len(buckets))


def _relay_positions(attested: Sequence[Attested], terms: Terms) -> None:
    for pair in attested:
        if terms.share(pair.other) == "rows":
            for _ in range(frame_count(pair.rows[pair.other])):
                pair.relay.to_other(SealedPositions)


def _too_few(terms: Terms) -> str:
    """Returns the error text, which is the same at every party, so that none learns more."""
    return (
        f"the alignment found too few shared rows: the job asks for {terms.minimum_size}. Compare "
        "what the identifier columns of all parties hold and the job's `data.normalise`, or agree "
        "on a lower `alignment.minimum_size`."
    )


def _receive_rows(enclave: Channel, size: int | None) -> Index | None:
    if size is None:
        return None
    rows = np.empty(size, np.int64)
    for start in range(0, size, BLOCK_ROWS):
        rows[start : start + BLOCK_ROWS] = enclave.receive(SharedBlock).rows
    return Index(rows)
