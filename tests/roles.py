"""Plays the roles of a protocol against each other, each in a thread of its own."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from isthmus.transport.loopback import LoopbackEnd, loopback

Role = Callable[[LoopbackEnd], Any]
"""Takes the line to the other party; what it returns or raises is its result."""

Hub = Callable[[Mapping[str, LoopbackEnd]], Any]
"""Takes the lines to all other parties, by name."""


@dataclass
class Play:
    """What came of two roles, by party."""

    returned: dict[str, Any] = field(default_factory=dict)
    raised: dict[str, Exception] = field(default_factory=dict)  # in the order of time
    sent: dict[str, list[bytes]] = field(default_factory=dict)  # encoded messages


def play(patience: float = 600.0, **roles: Role) -> Play:
    """Run two roles, one keyword each: the party's name. A role that fails hangs up."""
    first, second = roles
    outcome = Play()
    ends = dict(zip((first, second), loopback(first, second, patience), strict=True))

    def perform(party: str) -> None:
        try:
            with ends[party] as line:
                outcome.returned[party] = roles[party](line)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            outcome.raised[party] = error

    with ThreadPoolExecutor(max_workers=2) as threads:
        list(threads.map(perform, ends))
    outcome.sent = {party: end.sent for party, end in ends.items()}
    return outcome


def gather(hub: Hub, others: Mapping[str, Role], patience: float = 600.0) -> Play:
    """Run a role that talks to several others, and these.

    What the hub sent to another party is in `sent` under "hub to NAME".
    """
    outcome, ours, theirs = Play(), dict[str, LoopbackEnd](), dict[str, LoopbackEnd]()
    for party in others:
        ours[party], theirs[party] = loopback("hub", party, patience)

    def talk() -> Any:
        with ExitStack() as lines:
            return hub({party: lines.enter_context(line) for party, line in ours.items()})

    def answer(party: str) -> Any:
        with theirs[party] as line:
            return others[party](line)

    def perform(party: str) -> None:
        try:
            outcome.returned[party] = talk() if party == "hub" else answer(party)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            outcome.raised[party] = error

    with ThreadPoolExecutor(max_workers=1 + len(others)) as threads:
        list(threads.map(perform, ["hub", *others]))
    outcome.sent = {party: end.sent for party, end in theirs.items()}
    outcome.sent |= {f"hub to {party}": end.sent for party, end in ours.items()}
    return outcome


def run_together(patience: float = 600.0, **roles: Role) -> dict[str, Any]:
    """What two roles return, by party; the first error of either is raised."""
    outcome = play(patience, **roles)
    for error in outcome.raised.values():
        raise error
    return outcome.returned
