"""Plays an attested alignment: every party and every enclave in a thread of its own."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from isthmus.alignment.attested.enclave import enclave
from isthmus.alignment.attested.messages import EnclaveStart
from isthmus.alignment.attested.party import Found, Trust, party
from isthmus.alignment.attested.terms import Terms
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates
from isthmus.tee.evidence import Kind
from isthmus.tee.policy import EnclavePolicy
from isthmus.transport.channel import Channel
from isthmus.transport.framing import FramedChannel
from isthmus.transport.loopback import LoopbackEnd, loopback

_KEYS = defaultdict[str, bytes](certificates.make_key)
"""The private key of each party."""


@cache
def certificate_of(party: str) -> bytes:
    """The certificate of a party."""
    return certificates.normal(certificates.self_signed(party, _KEYS[party]))


def trust_of(party: str, **changes: Any) -> Trust:
    """What a party trusts, and the key that it signs with."""
    usual: dict[str, Any] = {"policy": EnclavePolicy(allow_simulated=True)}
    said = {"at_time": datetime.now(UTC), "sign": partial(certificates.sign, _KEYS[party])}
    return Trust(Kind.SIMULATED, b"", **(usual | said | changes))


Enclaves = Callable[[str], AbstractContextManager[Channel]]
"""Starts the enclave of a party."""

Wrap = Callable[[FramedChannel], Channel]


@dataclass
class Star:
    """What came of an alignment, by party."""

    found: dict[str, Found] = field(default_factory=dict)
    raised: dict[str, Exception] = field(default_factory=dict)
    sent: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)
    """Encoded messages, by who sent them to whom."""


@contextmanager
def in_a_thread(us: str, patience: float = 600.0) -> Any:
    """An enclave beside the test: it says its errors to its party, as one in a process does."""
    outside, inside = loopback(us, "our enclave", patience)

    def program() -> None:
        try:
            enclave(inside, inside.receive(EnclaveStart))
        except Exception as error:  # noqa: BLE001 - the party gets it
            inside.close(str(error))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(program)
        with outside:
            yield outside


def terms(*parties: str, **changes: Any) -> Terms:
    """Terms of an alignment of these parties."""
    usual: dict[str, Any] = {"minimum_size": 1, "rows_step": 8, "results": {}, "memory_mib": 512}
    usual["certificates"] = {party: certificate_of(party) for party in parties}
    return Terms(job="digest of the job", dataset="people", parties=parties, **(usual | changes))


def align(  # noqa: PLR0913 - what differs from one test to the next
    identifiers: Mapping[str, Sequence[bytes]],
    *,
    agreed: Mapping[str, Terms] | None = None,
    limits: Mapping[str, int | None] | None = None,
    enclaves: Enclaves = in_a_thread,
    wrap: Mapping[tuple[str, str], Wrap] | None = None,
    trust: Mapping[str, Trust] | None = None,
    patience: float = 600.0,
    telemetry: Telemetry | None = None,
    **changes: Any,
) -> Star:
    """Align what each party brings; the first one is the one where identifiers meet.

    Args:
        identifiers: By party.
        agreed: Terms of parties that hold other ones.
        limits: Most rows, by party.
        enclaves: How enclaves are started.
        wrap: What to put around lines, by who holds them and where they lead.
        trust: Trust of parties that differ.
        patience: Seconds that parties wait for each other.
        telemetry: Where progress of the first party goes.
        **changes: What differs from the usual terms.

    Returns:
        What came of it.
    """
    first, *others = identifiers
    usual, outcome = terms(first, *others, **changes), Star()
    ends = dict[tuple[str, str], LoopbackEnd]()
    for other in others:
        ends[first, other], ends[other, first] = loopback(first, other, patience)

    def perform(us: str) -> None:
        ours = {peer: end for (owner, peer), end in ends.items() if owner == us}
        lines = {peer: (wrap or {}).get((us, peer), _as_it_is)(end) for peer, end in ours.items()}
        error: Exception | None = None
        try:
            with enclaves(us) as inside:
                outcome.found[us] = party(
                    us,
                    lines,
                    identifiers[us],
                    (agreed or {}).get(us, usual),
                    inside,
                    (trust or {}).get(us) or trust_of(us),
                    telemetry if telemetry and us == first else Telemetry(),
                    {name: limit for name, limit in (limits or {}).items() if name != us},
                )
        except Exception as caught:  # noqa: BLE001 - the test looks at it
            outcome.raised[us] = error = caught
        for end in ours.values():
            end.close(type(error).__name__ if error else "")

    with ThreadPoolExecutor(len(identifiers)) as threads:
        running: list[Future[None]] = [threads.submit(perform, us) for us in identifiers]
        for each in running:
            each.result()
    outcome.sent = {way: end.sent for way, end in ends.items()}
    return outcome


def _as_it_is(line: FramedChannel) -> Channel:
    return line


def rows_of(star: Star, identifiers: Mapping[str, Sequence[bytes]]) -> list[bytes]:
    """The identifiers that every party was told to share, which are the same in the same order."""
    for error in star.raised.values():
        raise error
    told = list[list[bytes]]()
    for name, found in star.found.items():
        assert found.index is not None
        assert found.size == len(found.index)
        told.append([identifiers[name][row] for row in found.index.rows])
    assert all(each == told[0] for each in told)
    return told[0]
