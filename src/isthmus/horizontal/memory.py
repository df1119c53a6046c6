"""What master and children keep of rounds, so that a run that was cut off goes on where it was.

The master keeps the course of training after each round. A child keeps its update before it sends
it: asked for the same round over the same parameters again, it sends the same update again.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from isthmus.horizontal.course import Course, Round
from isthmus.horizontal.parameters import Parameters
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Arrays, Checkpoint


@dataclass
class MasterMemory:
    """The course of training after the last round; on disk where a path is given."""

    path: Path | None = None
    job: str = ""
    course: Course | None = None

    def load(self) -> None:
        """Read what an earlier run of this job left, if there is anything."""
        saved = checkpoint.load(self.path, self.job) if self.path else None
        if saved is not None:
            self.course = Course(
                parameters=_part(saved.arrays, _PARAMETERS),
                state=_part(saved.arrays, _STATE),
                rounds=msgspec.json.decode(str(saved.facts["rounds"]), type=tuple[Round, ...]),
                done=bool(saved.facts["done"]),
            )

    def keep(self, course: Course) -> None:
        """Keep the course after a round, on disk before the next one starts."""
        self.course = course
        if self.path is not None:
            arrays = _named(course.parameters, _PARAMETERS) | _named(course.state, _STATE)
            rounds = msgspec.json.encode(course.rounds).decode()
            facts: dict[str, checkpoint.Fact] = {"rounds": rounds, "done": int(course.done)}
            checkpoint.save(self.path, self.job, Checkpoint(arrays, facts))


class LastUpdate(NamedTuple):
    """What a child sent in a round, and the parameters it started from."""

    round: int
    start: str
    """SHA-256 of the parameters."""

    update: Parameters
    metrics: dict[str, float]


@dataclass
class ChildMemory:
    """A child's last update, and what its training keeps; on disk where a path is given."""

    path: Path | None = None
    job: str = ""
    last: LastUpdate | None = None
    state: Arrays = field(default_factory=Arrays)

    def load(self) -> None:
        """Read what an earlier run of this job left, if there is anything."""
        saved = checkpoint.load(self.path, self.job) if self.path else None
        if saved is not None:
            self.state = _part(saved.arrays, _STATE)
            self.last = LastUpdate(
                round=int(saved.facts["round"]),
                start=str(saved.facts["start"]),
                update=_part(saved.arrays, _PARAMETERS),
                metrics=msgspec.json.decode(str(saved.facts["metrics"]), type=dict[str, float]),
            )

    def recall(self, number: int, start: str) -> LastUpdate | None:
        """The update of a round over certain parameters, if it was made before."""
        last = self.last
        return last if last is not None and (last.round, last.start) == (number, start) else None

    def keep(self, last: LastUpdate, state: Arrays) -> None:
        """Keep an update and the state after it, on disk before the update leaves."""
        self.last, self.state = last, state
        if self.path is not None:
            arrays = _named(last.update, _PARAMETERS) | _named(state, _STATE)
            facts: dict[str, checkpoint.Fact] = {
                "round": last.round,
                "start": last.start,
                "metrics": msgspec.json.encode(last.metrics).decode(),
            }
            checkpoint.save(self.path, self.job, Checkpoint(arrays, facts))


_PARAMETERS, _STATE = "parameters.", "state."


def _named(arrays: Arrays, part: str) -> Arrays:
    return {f"{part}{name}": array for name, array in arrays.items()}


def _part(arrays: Arrays, part: str) -> Arrays:
    return {
        name.removeprefix(part): array for name, array in arrays.items() if name.startswith(part)
    }
