"""How does cryptographic alignment scale, and what does it cost beside a join in the clear?

Both parties run as processes on this machine, over mutual TLS.
"""

import hashlib
import multiprocessing
import re
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import rbcl

from benchmarks.measurement import Measurement, Row
from isthmus.alignment.cryptographic import CryptographicAlignment, receiver, sender
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates
from isthmus.transport import grpc
from isthmus.transport.grpc import GrpcChannel, Identity

ROWS = (10_000, 100_000)
"""Of each party; half of them are shared."""

NAIVE_ROWS = 2_000
"""Of each party, for the rival that takes one identifier at a time."""

RECEIVER, SENDER = "receiver", "sender"
"""The parties are named after their roles."""

_WAIT = 60.0


@dataclass(frozen=True)
class Cost:
    """What an alignment took one party."""

    wall: float
    cpu: float
    memory: int
    """Most bytes of memory that the party ever had, the interpreter and its libraries included."""

    sent: int
    """Bytes that left, frames included, TLS not."""


@dataclass(frozen=True)
class Compared:
    """An alignment beside its rivals."""

    rows: int
    parties: list[Cost]
    join_cpu: float
    naive_cpu: float

    @property
    def wall(self) -> float:
        """Seconds until both parties were done."""
        return max(party.wall for party in self.parties)

    @property
    def cpu(self) -> float:
        """CPU seconds of both parties."""
        return sum(party.cpu for party in self.parties)

    def row(self) -> Row:
        """The table row."""
        identifiers = 2 * self.rows
        return {
            "rows": f"{self.rows:,} x {self.rows:,}",
            "wall s": self.wall,
            "CPU s, both parties": self.cpu,
            "ids / s": identifiers / self.wall,
            "bytes / id": sum(party.sent for party in self.parties) / identifiers,
            "peak MiB, larger party": max(party.memory for party in self.parties) / 2**20,
            "CPU s, join in the clear": self.join_cpu,
            "isthmus / join": self.cpu / self.join_cpu,
            "CPU s, naive": self.naive_cpu,
            "isthmus / naive": self.cpu / self.naive_cpu,
        }


def measure(sizes: Sequence[int] = ROWS, naive_rows: int = NAIVE_ROWS) -> Measurement:
    """Align, join and exponentiate.

    Args:
        sizes: Rows of each party.
        naive_rows: Rows of each party that the naive rival is timed on.

    Returns:
        The comparison.
    """
    naive = time_naive(naive_rows) / naive_rows
    found = [Compared(rows, align(rows), time_join(rows), naive_cpu=naive * rows) for rows in sizes]
    last = found[-1]
    return Measurement(
        answer=(
            f"{2 * last.rows / last.wall:,.0f} ids a second at {last.rows:,} x {last.rows:,}, with "
            f"{last.cpu / last.naive_cpu:.2f} of the CPU of naive Diffie-Hellman on one thread and "
            f"{last.cpu / last.join_cpu:,.0f} times that of a join in the clear."
        ),
        tables={"An alignment": [compared.row() for compared in found]},
        notes=[
            "Each party is a process; they share the cores of this one machine, and the line "
            "between them is gRPC with mutual TLS on loopback. The clock starts when it is open.",
            "Half of each party's rows are shared; both parties' ids count. Bytes are those of "
            "both parties, frames included, TLS not.",
            "Memory is VmHWM of Linux, with the interpreter and all its libraries.",
            "The floor is an inner join by pyarrow of both tables of ids in one process, which "
            "hides nothing.",
            "The naive rival is the same cryptography, libsodium's ristretto255 by rbcl, in one "
            "thread and without a line: every id hashed to the curve and multiplied by both keys. "
            f"{naive_rows:,} ids of each party were timed and reckoned up linearly.",
        ],
        falls_short=["No other toolkit's intersection was measured: the rivals here are floors."],
    )


def align(rows: int) -> list[Cost]:
    """Let two processes align so many rows each, half of them shared.

    Args:
        rows: Rows of each party.

    Returns:
        What it took the receiver and the sender.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    identities = {party: _identity(party) for party in (RECEIVER, SENDER)}
    spawn = multiprocessing.get_context("spawn")  # a forked gRPC does not work
    with ProcessPoolExecutor(2, spawn) as processes:
        playing = [
            processes.submit(_play, party, rows, identities, address) for party in identities
        ]
        return [future.result() for future in playing]


def _play(party: str, rows: int, identities: dict[str, Identity], address: str) -> Cost:
    ours = receiver if party == RECEIVER else sender
    with _line(party, identities, address) as line:
        wall, cpu = time.perf_counter(), time.process_time()
        index = ours(line, _identifiers(party, rows), CryptographicAlignment(), b"", Telemetry())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert len(index) == rows // 2
    return Cost(wall, cpu, _peak_memory(), line.bytes_sent)


@contextmanager
def _line(party: str, identities: dict[str, Identity], address: str) -> Iterator[GrpcChannel]:
    us, (peer,) = identities[party], (name for name in identities if name != party)
    theirs = identities[peer].certificate
    if party == SENDER:
        with grpc.dial(us, address, peer, theirs, _WAIT, _nobody_watches) as line:
            yield line
        return
    with (
        grpc.listen(us, address, {peer: theirs}) as listener,
        listener.accept(peer, _WAIT, _nobody_watches) as line,
    ):
        yield line


def time_join(rows: int) -> float:
    """CPU seconds to join the same identifiers in one process, in the clear; the best of three."""
    tables = [pa.table({"id": _identifiers(party, rows)}) for party in (RECEIVER, SENDER)]
    seconds = list[float]()
    for _ in range(3):
        started = time.process_time()
        joined = tables[0].join(tables[1], "id", join_type="inner")
        seconds.append(time.process_time() - started)
        assert len(joined) == rows // 2
    return min(seconds)


def time_naive(rows: int) -> float:
    """CPU seconds of the same cryptography for so many rows of each party, one after the other."""
    started = time.process_time()
    keys = {party: rbcl.crypto_core_ristretto255_scalar_random() for party in (RECEIVER, SENDER)}
    shared = set[bytes]()
    for party in keys:
        points = _identifiers(party, rows)
        points = [
            rbcl.crypto_core_ristretto255_from_hash(hashlib.sha512(point).digest())
            for point in points
        ]
        for key in keys.values():
            points = [rbcl.crypto_scalarmult_ristretto255(key, point) for point in points]
        shared = shared & set(points) if shared else set(points)
    assert len(shared) == rows // 2
    return time.process_time() - started


def _identifiers(party: str, rows: int) -> list[bytes]:
    first = 0 if party == RECEIVER else rows - rows // 2
    return [b"%012d" % number for number in range(first, first + rows)]


def _identity(party: str) -> Identity:
    key = certificates.make_key()
    return Identity(party, certificates.self_signed(party, key), key)


def _nobody_watches(seconds_left: float) -> None:
    del seconds_left


def _peak_memory() -> int:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
