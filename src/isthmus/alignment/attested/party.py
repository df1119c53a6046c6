"""Outside: the party, which starts its enclave, relays what enclaves say, and gets the result.

The party sees what its enclave says to others only sealed. It relays in lock-step: how many frames
there are follows from the parties' rounded numbers of rows, which all know.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

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
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from isthmus.transport.channel import Channel
from isthmus.transport.message import MessageT

Shown = Callable[[str, Evidence], None]
"""(party, what its enclave shows); called before anybody judges it."""


def unseen(party: str, evidence: Evidence) -> None:
    """Let evidence pass without a look."""


class Trust(NamedTuple):
    """How our enclave proves itself, and which enclaves of others we trust."""

    kind: Kind
    endorsements: bytes
    policy: EnclavePolicy
    at_time: datetime
    """When evidence must be valid, with its time zone."""

    shown: Shown = unseen
    """Sees the evidence of all enclaves, ours too."""


@dataclass(frozen=True)
class Found:
    """What an alignment told this party."""

    index: Index | None
    """Our shared rows in the common order; None where the job does not give us rows."""

    size: int | None
    """How many rows are shared; None where the job does not tell us."""

    claims: dict[str, Claims]
    """What the enclaves of our peers proved to ours, by party."""


@dataclass(frozen=True)
class Way:
    """How messages go between the first enclave and another one: we stand in the middle."""

    first: Channel
    """Leads towards the first enclave."""

    other: Channel
    """Leads towards the other one."""

    def to_first(self, kind: type[MessageT]) -> MessageT:
        """Relay a message to the first enclave, and look at it."""
        message = self.other.receive(kind)
        self.first.send(message)
        return message

    def to_other(self, kind: type[MessageT]) -> MessageT:
        """Relay a message to the other enclave, and look at it."""
        message = self.first.receive(kind)
        self.other.send(message)
        return message


@dataclass(frozen=True)
class Meeting:
    """How the first enclave and another one met, as the parties between them saw it."""

    other: str
    """The other party."""

    way: Way
    rows: dict[str, int]
    """How many both parties bring, rounded up."""

    claims: Claims
    """What our enclave found in the evidence of its peer."""


def party(  # noqa: PLR0913, PLR0917 - each is one thing that only the caller knows
    us: str,
    peers: Mapping[str, Channel],
    identifiers: Sequence[bytes],
    terms: Terms,
    enclave: Channel,
    trust: Trust,
    telemetry: Telemetry,
    limits: Mapping[str, int | None],
) -> Found:
    """Find the rows that all parties hold, by letting identifiers meet inside an enclave only.

    The parties learn each other's rounded number of rows, and what `results` of the job gives each
    of them. Neither learns an identifier that it does not hold, as long as the enclaves are what
    their evidence says. A party can still bring identifiers that it made up: `limits` bounds how
    many.

    Args:
        us: Our name.
        peers: The line to each other party, at the first party; at the others, to the first one.
        identifiers: Normalised key of each of our rows, all different.
        terms: What all parties agreed on.
        enclave: The line to our own enclave.
        trust: How our enclave proves itself, and whom it shall trust.
        telemetry: Where progress goes.
        limits: The most rows that the job lets each of the others bring; None for no limit.

    Returns:
        What the job lets us know.

    Raises:
        JobError: Fewer rows are shared than the job asks for, or its limit of memory is too low.
        SpecError: An identifier is too long, or occurs twice.
        PolicyError: Our policy does not trust the enclave of a peer.
        PeerError: A peer sent something that the protocol does not allow.
        ChannelError: A line is gone, or our enclave is.

    Source:
        US20240323023A1 (S7); our reading: docs/systems/s7.md.
    """
    if us == terms.first:
        ways = {name: Way(first=enclave, other=peers[name]) for name in terms.others}
    else:
        ways = {us: Way(first=peers[terms.first], other=enclave)}

    # 1. Tell our enclave what it needs to know.
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

    # 2. Let the enclaves prove to each other what they are.
    meetings = list[Meeting]()
    for other, way in ways.items():
        rows = _tell_rows(other, way, terms, limits)
        _attest(other, way, terms, trust)
        meetings.append(Meeting(other, way, rows, enclave.receive(EnclaveClaims).claims))

    # 3. Let them agree on keys.
    for way in ways.values():
        way.to_first(SealedSeed)
    for way in ways.values():
        way.to_other(SealedKey)

    # 4. Hand our identifiers to our enclave.
    for block in _blocks(identifiers):
        enclave.send(block)

    # 5. Let the first enclave have those of the others.
    _relay_identifiers(meetings, telemetry)

    # 6. Stop if the shared rows single people out.
    for way in ways.values():
        way.to_other(SealedVerdict)
    verdict = enclave.receive(EnclaveVerdict)
    if not verdict.enough:
        raise JobError(_too_few(terms))

    # 7. Let every party have what the job gives it.
    _relay_positions(meetings, terms)
    return Found(
        index=_receive_rows(enclave, verdict.size) if terms.share(us) == "rows" else None,
        size=verdict.size,
        claims={met.other if us == terms.first else terms.first: met.claims for met in meetings},
    )


def _tell_rows(
    other: str, way: Way, terms: Terms, limits: Mapping[str, int | None]
) -> dict[str, int]:
    rows = {
        terms.first: way.to_other(PaddedRowCount).rows,
        other: way.to_first(PaddedRowCount).rows,
    }
    _check_limits(rows, limits, terms)
    return rows


def _attest(other: str, way: Way, terms: Terms, trust: Trust) -> None:
    way.to_other(Challenge)
    way.to_first(Challenge)
    trust.shown(terms.first, way.to_other(EnclaveEvidence).evidence)
    trust.shown(other, way.to_first(EnclaveEvidence).evidence)


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


def _relay_identifiers(meetings: Sequence[Meeting], telemetry: Telemetry) -> None:
    buckets = [met for met in meetings for _ in range(bucket_count(met.rows[met.other]))]
    for done, meeting in enumerate(buckets, 1):
        meeting.way.to_first(SealedIdentifiers)
        telemetry.progress("align", done, len(buckets))


def _relay_positions(meetings: Sequence[Meeting], terms: Terms) -> None:
    for meeting in meetings:
        if terms.share(meeting.other) == "rows":
            for _ in range(frame_count(meeting.rows[meeting.other])):
                meeting.way.to_other(SealedPositions)


def _too_few(terms: Terms) -> str:
    """Why we do not go on: in the same words at every party, which learn nothing more."""
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
