"""What share of a training round goes into the ledger?

The round is one of two processes over mutual TLS; its messages are then recorded and nothing else.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from benchmarks import simulated
from benchmarks.measurement import Measurement, Row
from benchmarks.simulated import ACTIVE, PASSIVE
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.ledger.channel import RecordedChannel
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.ledger.policy import Policy
from isthmus.ledger.record import Ledger
from isthmus.transport.message import Message, MessageT, encode
from isthmus.vertical.regression.encrypted.forecast import forecast
from isthmus.vertical.regression.spec import Regression

ROWS = 24_000
COLUMNS = {ACTIVE: 13, PASSIVE: 10}
"""As many as default_credit has."""

ROUNDS = 5
ENCRYPTION = RegressionEncryption()

AIM_SHARE = 0.05


@dataclass
class Recording:
    """Seconds for all messages of one type in a training."""

    count: int = 0
    bytes: int = 0
    sender: float = 0.0
    """Encode, check the policy, hash, append."""

    reader: float = 0.0
    """Describe and count."""

    hashing: float = 0.0
    """SHA-256 of the same bytes alone: the floor."""


class Nowhere:
    """A line that drops what is sent, and receives one message over and over."""

    peer = "nobody"

    def __init__(self, message: Message) -> None:
        self._message = message

    def send(self, message: Message) -> None:
        """Drop it."""

    def receive(self, kind: type[MessageT]) -> MessageT:
        """The message, whatever is asked for."""
        del kind
        return cast(MessageT, self._message)


def measure(
    rows: int = ROWS,
    columns: Mapping[str, int] = COLUMNS,
    encryption: RegressionEncryption = ENCRYPTION,
    rounds: int = ROUNDS,
) -> Measurement:
    """Train some rounds, then record messages of the same number and size.

    Args:
        rows: Rows to train on.
        columns: Columns of each party.
        encryption: How the job encrypts.
        rounds: How many to train at most.

    Returns:
        The comparison.
    """
    regression = Regression(
        passive_columns=columns[PASSIVE], max_rounds=rounds, encryption=encryption
    )
    with TemporaryDirectory() as folder:
        ran = simulated.run(simulated.synthetic(rows, columns, Path(folder)), regression=regression)
        rounds = ran.joint.rounds
        sizes = Sizes(
            rows=dict.fromkeys(columns, rows),
            shared=rows,
            train=rows,
            test=1,
            test_rows={},
            rounds=rounds,
        )
        found = record(forecast(regression, PASSIVE, sizes), Path(folder))
    ledger = sum(kind.sender + kind.reader for kind in found.values()) / rounds
    floor = sum(kind.hashing for kind in found.values()) / rounds
    share = ledger / ran.round_wall
    return Measurement(
        answer=(
            f"{share:.1%} of a round: {ledger:.3f} s of {ran.round_wall:.2f} s, "
            f"{ledger / floor:.1f} times what SHA-256 of the same bytes takes."
        ),
        tables={"A round": [_row(name, kind, rounds) for name, kind in found.items()]},
        notes=[
            f"The round is one of {rounds} on {rows:,} made-up rows with "
            f"{columns[ACTIVE]}+{columns[PASSIVE]} columns, by two processes that share the cores "
            "of this one machine, over mutual TLS on loopback.",
            "The ledger's seconds are those of a `RecordedChannel` on a line that goes nowhere, "
            "with messages of the sizes that `isthmus explain` forecasts. Both parties' seconds "
            "are added up, as if none of them passed while the other party computes.",
            "The rival is hashlib's SHA-256 over the same bytes: no ledger with digests is faster.",
        ],
        falls_short=(
            [f"{share:.1%} of a round; the aim is {AIM_SHARE:.0%}."] if share > AIM_SHARE else []
        ),
    )


def record(flows: list[Flow], folder: Path) -> dict[str, Recording]:
    """Record the messages of all rounds, as their sender and their reader do.

    Args:
        flows: What is sent in a whole training; only what belongs to a round is recorded.
        folder: Where the ledger goes.

    Returns:
        What it took, by name of the message.
    """
    found = defaultdict[str, Recording](Recording)
    with Ledger(folder / "ledger.jsonl") as ledger:
        for flow in flows:
            kind = type(flow.sample)
            if kind in simulated.IN_A_ROUND:
                line = RecordedChannel(Nowhere(flow.sample), ledger, Policy())
                encoded, seconds = encode(flow.sample), found[kind.__name__]
                seconds.count += flow.count
                seconds.bytes += flow.bytes
                seconds.sender += _repeat(partial(line.send, flow.sample), flow.count)
                seconds.reader += _repeat(partial(line.receive, kind), flow.count)
                seconds.hashing += _repeat(partial(hashlib.sha256, encoded), flow.count)
    return found


def _repeat(work: Callable[[], object], count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        work()
    return time.perf_counter() - started


def _row(name: str, seconds: Recording, rounds: int) -> Row:
    return {
        "message": name,
        "messages": seconds.count / rounds,
        "MB": seconds.bytes / rounds / 1e6,
        "ms at its sender": seconds.sender / rounds * 1e3,
        "ms at its reader": seconds.reader / rounds * 1e3,
        "ms of SHA-256 alone": seconds.hashing / rounds * 1e3,
    }
