"""What master and children keep of rounds, so that a run that was cut off goes on where it was.

The master keeps the course of training after each round. A child keeps its update before it sends
it: asked for the same round over the same parameters again, it sends the same update again. Under
secure aggregation it also keeps which sum it helped to open, so that it opens no other one.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from isthmus.core.errors import PeerError
from isthmus.horizontal.course import Course, Round
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

    update: Arrays
    """As it is sent: made smaller, if the job says so."""

    metrics: dict[str, float]
    opened: str = ""
    """Which sum with this update was opened, if one was; under secure aggregation."""


@dataclass
class ChildMemory:
    """A child's last update, and what its training keeps; on disk where a path is given."""

    path: Path | None = None
    job: str = ""
    last: LastUpdate | None = None
    state: Arrays = field(default_factory=Arrays)
    rounds: int = 0
    """In how many the child has trained, from the beginning of the run."""

    def load(self) -> None:
        """Read what an earlier run of this job left, if there is anything."""
        saved = checkpoint.load(self.path, self.job) if self.path else None
        if saved is not None:
            self.state = _part(saved.arrays, _STATE)
            self.rounds = int(saved.facts["rounds"])
            self.last = LastUpdate(
                round=int(saved.facts["round"]),
                start=str(saved.facts["start"]),
                update=_part(saved.arrays, _PARAMETERS),
                metrics=msgspec.json.decode(str(saved.facts["metrics"]), type=dict[str, float]),
                opened=str(saved.facts["opened"]),
            )

    def recall(self, number: int, start: str) -> LastUpdate | None:
        """The update of a round over certain parameters, if it was made before."""
        last = self.last
        return last if last is not None and (last.round, last.start) == (number, start) else None

    def keep(self, last: LastUpdate, state: Arrays) -> None:
        """Keep an update and the state after it, on disk before the update leaves."""
        if self.last is None or self.last.round != last.round:
            self.rounds += 1
        self.last, self.state = last, state
        if self.path is not None:
            arrays = _named(last.update, _PARAMETERS) | _named(state, _STATE)
            facts: dict[str, checkpoint.Fact] = {
                "round": last.round,
                "start": last.start,
                "metrics": msgspec.json.encode(last.metrics).decode(),
                "opened": last.opened,
                "rounds": self.rounds,
            }
            checkpoint.save(self.path, self.job, Checkpoint(arrays, facts))

    def check_order(self, number: int) -> None:
        """Refuse to make an update of a round a second time, where updates are summed under masks.

        Args:
            number: The round; `recall` has nothing of it.

        Raises:
            PeerError: This round, over other parameters, or a later one was played before.
        """
        if self.last is not None and number <= self.last.round:
            raise PeerError(
                f"the master begins round {number} anew after we have played round "
                f"{self.last.round}: two sums of one round would tell more than one. To train from "
                "the beginning, remove the folder of this run on all sides."
            )

    def promise(self, opened: str) -> None:
        """Keep, on disk before it is opened, which sum has our last update in it.

        Args:
            opened: What identifies the sum.

        Raises:
            PeerError: Another sum with this update was opened before: the difference of both could
                be the update of a single child.
        """
        if self.last is None or self.last.opened not in {"", opened}:
            raise PeerError(
                "the master wants a second sum of one round opened, of other children. Nothing was "
                "opened; run the same command again when the same children are there as before."
            )
        self.keep(self.last._replace(opened=opened), self.state)


_PARAMETERS, _STATE = "parameters.", "state."


def _named(arrays: Arrays, part: str) -> Arrays:
    return {f"{part}{name}": array for name, array in arrays.items()}


def _part(arrays: Arrays, part: str) -> Arrays:
    return {
        name.removeprefix(part): array for name, array in arrays.items() if name.startswith(part)
    }
