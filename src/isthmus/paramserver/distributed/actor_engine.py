"""Shards and workers as processes, any of which may die.

- A worker keeps nothing: another one trains on its window again.
- A shard is made anew from the last snapshot, and is asked again all that it had done since. What
  workers had pushed still lies in shared memory, and is applied once, in the same order.
- If a shard and a worker are found dead together, or shared memory is lost with its machine, all
  are made anew, and the loop goes back to the last snapshot (`LostError`).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from isthmus.paramserver.distributed import packing
from isthmus.paramserver.distributed.actors import Recipe
from isthmus.paramserver.distributed.members import PING, Members, Step, lost
from isthmus.paramserver.distributed.remote import Answer, Call, GoneError, Reference, Remote
from isthmus.paramserver.engine import (
    Handle,
    Plan,
    ShardFacts,
    StoredArray,
    WindowReport,
)
from isthmus.paramserver.tiers.in_process import lane
from isthmus.paramserver.window import Float32s, Pull, Window

_FACTS = Call("facts", ())


@dataclass(frozen=True)
class _Stored:
    """A handle of something that stays in shared memory."""

    of: "Future[Answer]"
    number: int
    read: Callable[[Any], Any]


@dataclass(frozen=True)
class _Told:
    """A handle of what a call says of itself."""

    of: "Future[Answer]"
    kind: Any


class ActorEngine:
    """Shards and workers as actors; see `engine.Engine` for what each method does."""

    def __init__(self, plan: Plan, recipe: Recipe, remote: Remote) -> None:
        """Make all processes.

        Args:
            plan: Of the run.
            recipe: Of the trainers.
            remote: Makes processes.

        Raises:
            IsthmusError: A shard or a trainer cannot be made.
        """
        self._remote = remote
        numbers = range(plan.server.shards)
        self._members = Members(plan, recipe, remote)
        self._lanes = [lane(f"shard-{number}") for number in numbers]
        self._writers = [lane(f"writer-{number}") for number in numbers]
        self._trainers = [lane(f"worker-{number}") for number in range(plan.server.workers)]

    def begin(self, shard: int, dense: Float32s, snapshots: Sequence[Path]) -> Handle:
        """Give a shard its first state."""
        self._members.shards[shard].generation = self._members.current()
        call = Call("begin", (dense, tuple(str(folder.absolute()) for folder in snapshots)))
        return _Told(self._ask(shard, lambda: Step(call)), None)

    def exchange(
        self,
        shard: int,
        number: int,
        pushes: Sequence[Handle],
        pulls: Sequence[Pull],
        clock: int,
    ) -> Sequence[Handle]:
        """Apply pushes, then get rows."""
        asked = packing.pack(pulls)

        def step() -> Step:
            given = [_reference(push) for push in pushes]
            return Step(Call("exchange", (number, clock, asked, *given), len(pulls) + 1))

        done = self._ask(shard, step)
        rows = [_Stored(done, each, packing.rows) for each in range(len(pulls))]
        return rows or [_Told(done, None)]

    def train(
        self,
        worker: int,
        window: Window,
        rows: Sequence[Handle],
        carried: Sequence[Sequence[Handle]],
    ) -> tuple[Sequence[Handle], Handle]:
        """Train on a window."""
        generation = self._members.current()

        def task() -> Answer:
            parts = [_reference(part) for part in chain(rows, *carried)]
            call = Call("train", (packing.pack(window), len(carried), *parts), len(rows) + 1)
            return self._members.repeated(
                generation,
                lambda: self._members.worker(worker, generation).call(call),
                lambda: self._members.replace_worker(worker, generation),
            )

        done = self._trainers[worker].submit(task)
        pushes = [_Stored(done, each, packing.push) for each in range(len(rows))]
        return pushes, _Told(done, WindowReport)

    def evict(self, shard: int, clock: int) -> Handle:
        """Evict rows by the rules."""
        call = Call("evict", (clock,))
        return _Told(self._ask(shard, lambda: Step(call)), ShardFacts)

    def copy(self, shard: int, version: int, *, whole: bool) -> Handle:
        """Copy what a snapshot holds."""
        call = Call("copy", (version, whole))
        return _Told(self._ask(shard, lambda: Step(call, copies=version)), None)

    def write(self, shard: int, version: int, folder: Path) -> Handle:
        """Write the copy."""
        generation = self._members.current()
        if not self._started(shard, generation):
            return _Told(_failed(lost()), None)  # the copy went with its process
        call = Call("write", (version, str(folder.absolute())), beside=True)
        done = self._writers[shard].submit(
            self._members.repeated,
            generation,
            lambda: self._members.shard(shard, generation).call(call),
            lambda: self._ask(shard, lambda: Step(PING, lasting=False)).result(),
        )
        return _Told(done, dict[str, StoredArray])

    def saved(self, version: int, snapshots: Sequence[Path]) -> None:
        """Forget what the snapshot holds."""
        self._members.saved()
        folders = tuple(str(folder.absolute()) for folder in snapshots)
        for shard in self._members.shards:
            with shard.restoring:
                copies = [step.copies for step in shard.steps]
                if version in copies:
                    dense = shard.steps[0].call.arguments[0]
                    since = shard.steps[copies.index(version) + 1 :]
                    shard.steps = [Step(Call("begin", (dense, folders))), *since]

    def facts(self, shard: int) -> Handle:
        """Returns a handle of the facts."""
        return _Told(self._ask(shard, lambda: Step(_FACTS, lasting=False)), ShardFacts)

    def result(self, handle: Handle) -> Any:
        """Returns what the handle is of."""
        if isinstance(handle, _Told):
            last = handle.of.result().last
            return msgspec.msgpack.decode(last, type=handle.kind) if handle.kind else None
        assert isinstance(handle, _Stored)  # noqa: S101 - a mistake of ours
        generation = self._members.current()
        try:
            return handle.read(self._remote.get(_reference(handle)))
        except GoneError:
            raise self._members.lose(generation) from None

    def close(self) -> None:
        """End all processes."""
        lanes = [*self._lanes, *self._writers, *self._trainers]
        for each in lanes:
            each.shutdown(wait=False, cancel_futures=True)
        self._members.end()
        for each in lanes:
            each.shutdown()

    def _started(self, shard: int, generation: int) -> bool:
        """Returns whether a shard got its state in this generation; else the loop has to hear."""
        return self._members.shards[shard].generation == generation

    def _ask(self, number: int, make: Callable[[], Step]) -> "Future[Answer]":
        """Let the lane of a shard make a step, and take it."""
        generation = self._members.current()
        shard = self._members.shards[number]
        if not self._started(number, generation):
            return _failed(lost())

        def task() -> Answer:
            step = make()
            answer = self._members.repeated(
                generation,
                lambda: self._members.shard(number, generation).call(step.call),
                lambda: self._members.restore_shard(number, generation),
            )
            if step.lasting:
                with shard.restoring:
                    shard.steps = [*([] if step.call.method == "begin" else shard.steps), step]
            return answer

        return self._lanes[number].submit(task)


def _reference(handle: _Stored) -> Reference:
    return handle.of.result().references[handle.number]


def _failed(error: Exception) -> "Future[Answer]":
    done: Future[Answer] = Future()
    done.set_exception(error)
    return done
