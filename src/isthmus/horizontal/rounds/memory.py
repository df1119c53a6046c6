"""Checkpoints of master and children, from which an interrupted run is resumed.

The master stores the state of training after each round. A child stores its update before it sends
it: asked for the same round over the same parameters again, it sends the same update again. Under
secure aggregation it also stores which sum it helped to open, so that it opens no other one.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from isthmus.core.errors import PeerError
from isthmus.horizontal.rounds.training import Round, TrainingState
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Arrays, Checkpoint


@dataclass
class MasterMemory:
    """The state of training after the last round; on disk where a path is given."""

    path: Path | None = None
    job: str = ""
    state: TrainingState | None = None
    vocabulary: bytes = b""
    """The file `tokenizer.json` that was agreed on, where the job asks for one."""

    holders: tuple[str, ...] = ()
    """Children that have confirmed that they have the final parameters."""

    def load(self) -> None:
        """Read what an earlier run of this job left, if there is anything."""
        told = checkpoint.load(_holders(self.path), self.job) if self.path else None
        if told is not None:
            self.holders = msgspec.json.decode(str(told.facts["holders"]), type=tuple[str, ...])
        agreed = checkpoint.load(_beside(self.path), self.job) if self.path else None
        if agreed is not None:
            self.vocabulary = agreed.arrays[_CONTENT].tobytes()
        saved = checkpoint.load(self.path, self.job) if self.path else None
        if saved is not None:
            self.state = TrainingState(
                parameters=_part(saved.arrays, _PARAMETERS),
                rule_state=_part(saved.arrays, _STATE),
                rounds=msgspec.json.decode(str(saved.facts["rounds"]), type=tuple[Round, ...]),
                done=bool(saved.facts["done"]),
            )

    def keep_holder(self, child: str) -> None:
        """Store that a child has the final parameters: nobody has to wait for it any more."""
        self.holders = tuple(sorted({*self.holders, child}))
        if self.path is not None:
            facts: dict[str, checkpoint.Fact] = {
                "holders": msgspec.json.encode(self.holders).decode()
            }
            checkpoint.save(_holders(self.path), self.job, Checkpoint({}, facts))

    def keep_vocabulary(self, content: bytes) -> None:
        """Store the vocabulary, on disk before anybody is sent it."""
        self.vocabulary = content
        if self.path is not None:
            arrays = {_CONTENT: np.frombuffer(content, np.uint8)}
            checkpoint.save(_beside(self.path), self.job, Checkpoint(arrays, {}))

    def keep(self, state: TrainingState) -> None:
        """Store the state after a round, on disk before the next one starts."""
        self.state = state
        if self.path is not None:
            arrays = _named(state.parameters, _PARAMETERS) | _named(state.rule_state, _STATE)
            rounds = msgspec.json.encode(state.rounds).decode()
            facts: dict[str, checkpoint.Fact] = {"rounds": rounds, "done": int(state.done)}
            checkpoint.save(self.path, self.job, Checkpoint(arrays, facts))


class LastUpdate(NamedTuple):
    """The update of a child in a round, and the parameters it started from."""

    round: int
    start: str
    """SHA-256 of the parameters."""

    update: Arrays
    """As it is sent: compressed, if the job says so."""

    metrics: dict[str, float]
    opened: str = ""
    """The secure sum with this update that was opened, if one was."""


@dataclass
class ChildMemory:
    """The last update of a child and the state of its training; on disk where a path is given."""

    path: Path | None = None
    job: str = ""
    last: LastUpdate | None = None
    state: Arrays = field(default_factory=Arrays)
    rounds: int = 0
    """Number of rounds in which the child has trained, from the beginning of the run."""

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
        """Returns the update of a round that started from these parameters, if it is stored."""
        last = self.last
        return last if last is not None and (last.round, last.start) == (number, start) else None

    def keep(self, last: LastUpdate, state: Arrays) -> None:
        """Store an update and the state after it, on disk before the update is sent."""
        if last.round and (self.last is None or self.last.round != last.round):
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
        """Refuse to train a second time in a round whose updates are summed under masks.

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

    def commit(self, opened: str) -> None:
        """Commit to one sum with our last update: stored on disk before that sum is opened.

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
_CONTENT = "content"


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.vocabulary")


def _holders(path: Path) -> Path:
    return path.with_name(f"{path.name}.holders")


def _named(arrays: Arrays, part: str) -> Arrays:
    return {f"{part}{name}": array for name, array in arrays.items()}


def _part(arrays: Arrays, part: str) -> Arrays:
    return {
        name.removeprefix(part): array for name, array in arrays.items() if name.startswith(part)
    }
