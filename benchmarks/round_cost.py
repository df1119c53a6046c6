"""What a round takes: the same payloads and the same figures for ours and for Flower."""

import statistics
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import psutil


class Payload(msgspec.Struct, frozen=True):
    """Parameters that go to every child and come back changed, and how often."""

    name: str
    numbers: int
    """Of 4 bytes, over all arrays."""

    rounds: int
    """That count; one more comes before them."""

    arrays: int = 1
    """Of equal size."""


class Plan(msgspec.Struct, frozen=True):
    """What a run of Flower does."""

    nodes: int
    payloads: list[Payload]
    root: int
    """The process above all of the federation: whose CPU seconds count, with all below it."""

    answer: str
    """File for a list of `Marks`, one for each payload."""


class Marks(msgspec.Struct, frozen=True):
    """When rounds ended, and what was spent between the first end and the last."""

    ends: list[float]
    """Seconds of a clock, when the updates of a round had become one."""

    cpu: float
    """CPU seconds of all processes."""

    received: int = 0
    """Bytes that the master received; 0 where nobody counted."""


@dataclass(frozen=True)
class RoundCost:
    """What a round takes: from the end of one to the end of the next."""

    rounds: int
    """How many were measured."""

    wall: float
    """Seconds, the median."""

    slowest: float
    """Seconds of the slowest."""

    cpu: float
    """CPU seconds of all processes, the mean."""

    received: float = 0.0
    """Bytes that the master received, the mean."""

    @classmethod
    def of(cls, marks: Marks) -> "RoundCost":
        """Reckon it from marks of two rounds or more."""
        gaps = [end - start for start, end in pairwise(marks.ends)]
        return cls(
            rounds=len(gaps),
            wall=statistics.median(gaps),
            slowest=max(gaps),
            cpu=marks.cpu / len(gaps),
            received=marks.received / len(gaps),
        )


def cpu_seconds(process: int) -> float:
    """Of a process and all below it, those that have ended included."""
    root = psutil.Process(process)
    spent = 0.0
    for each in [root, *root.children(recursive=True)]:
        try:
            spent += sum(each.cpu_times()[:4])  # user, system, and the same of ended children
        except psutil.NoSuchProcess:  # it ended meanwhile: its parent has its seconds
            continue
    return spent
