"""What an alignment takes: the same figures for ours and for its rivals."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What an alignment took one party, its own enclave included."""

    wall: float
    """Seconds of the call alone: the processes run, and the line is open."""

    cpu: float

    memory: int
    """Most bytes of memory that its processes ever had, interpreters and libraries included."""

    sent: int
    """Bytes that left, frames included, TLS not."""

    shared: int
    """How many of its rows it found to be shared."""

    enclave_memory: int = 0
    """The part of the memory that is its enclave's, where it has one."""


@dataclass(frozen=True)
class Run:
    """An alignment by all its parties."""

    parties: Sequence[Cost]

    whole: float
    """Seconds from before the first process until after the last one."""

    @property
    def wall(self) -> float:
        """Seconds until all parties were done."""
        return max(party.wall for party in self.parties)

    @property
    def cpu(self) -> float:
        """CPU seconds of all parties."""
        return sum(party.cpu for party in self.parties)

    @property
    def memory(self) -> int:
        """Peak bytes of the party that needs most."""
        return max(party.memory for party in self.parties)

    @property
    def enclave_memory(self) -> int:
        """Peak bytes of the enclave that needs most."""
        return max(party.enclave_memory for party in self.parties)

    @property
    def sent(self) -> int:
        """Bytes that crossed, both ways."""
        return sum(party.sent for party in self.parties)


def peak_memory(process: int | str = "self") -> int:
    """Most bytes of memory that a process ever had: VmHWM of Linux."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
