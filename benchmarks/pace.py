"""What a boosted tree takes: the same figures for ours and for its rivals."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """Where one process was before its first tree, or after a tree."""

    time: float
    """Seconds of a clock."""

    cpu: float
    """CPU seconds spent until then."""

    sent: int
    """Bytes sent until then."""


class Course(msgspec.Struct, frozen=True):
    """The training of one process, as a rival leaves it in cost.json."""

    marks: list[Mark]
    auc: float
    """On the test rows."""


@dataclass(frozen=True)
class Pace:
    """What a tree takes on average: all trees but the first, which sets things up."""

    wall: float
    """Seconds from the end of one tree to that of the next."""

    cpu: float
    """CPU seconds of all processes."""

    sent: float
    """Bytes that crossed, both ways."""

    auc: float
    """Of the whole model, on the test rows."""


def pace(processes: Sequence[Course]) -> Pace:
    """What a tree took.

    Args:
        processes: Those of one training, each with a mark before its first tree and one after
            each, which are two or more; the first process has the clock.

    Returns:
        The average over all trees but the first.
    """
    first = processes[0].marks
    spans = [(course.marks[1], course.marks[-1]) for course in processes]
    trees = len(first) - 2
    return Pace(
        wall=(first[-1].time - first[1].time) / trees,
        cpu=sum(end.cpu - begin.cpu for begin, end in spans) / trees,
        sent=sum(end.sent - begin.sent for begin, end in spans) / trees,
        auc=processes[0].auc,
    )
