"""Shards and workers as processes, any of which may die.

- A worker keeps nothing: another one trains on its window again.
- A shard is made anew from the last snapshot, and is asked again all that it had done since. What
  workers had pushed still lies in shared memory, and is applied once, in the same order.
- If a shard and a worker are found dead together, or shared memory is lost with its machine, all
  are made anew, and the loop goes back to the last snapshot (`LostError`).
"""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Lock, RLock
from typing import Any, NamedTuple, TypeVar

import msgspec

from isthmus.core.errors import IsthmusError
from isthmus.paramserver import packing
from isthmus.paramserver.actors import Recipe, text_of
from isthmus.paramserver.engine import (
    Handle,
    LostError,
    Plan,
    ShardFacts,
    StoredArray,
    WindowReport,
)
from isthmus.paramserver.remote import Actor, Answer, Call, DiedError, GoneError, Reference, Remote
from isthmus.paramserver.window import Float32s, Pull, Window

T = TypeVar("T")

_ATTEMPTS = 4
_PING = Call("ping", (), beside=True)
_READY = Call("ready", (), patience=180)
_FACTS = Call("facts", ())
_CLOSED = -2


class DyingError(IsthmusError):
    """The process of a shard or worker dies again and again at the same step."""

    exit_code = 4


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


class _Step(NamedTuple):
    """A call of a shard."""

    call: Call
    lasting: bool = True
    """Whether the shard is called again when it is made anew."""

    copies: int = 0
    """Number of the snapshot that it copies."""


@dataclass
class _Shard:
    actor: Actor
    generation: int = -1
    """Generation in which it got its state."""

    steps: list[_Step] = field(default_factory=list[_Step])
    """Its begin, and all that has changed it since."""

    restoring: Lock = field(default_factory=Lock)


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
        self._text = text_of(dataclasses.replace(plan, spill=plan.spill.absolute()))
        self._recipe = recipe
        self._remote = remote
        self._generation = 0
        self._losses = 0
        """Since the last snapshot."""
        self._mutex = RLock()
        numbers = range(plan.server.shards)
        self._shards = [_Shard(self._new_shard(number)) for number in numbers]
        self._workers = [self._new_worker() for _ in range(plan.server.workers)]
        self._lanes = [_lane(f"shard-{number}") for number in numbers]
        self._writers = [_lane(f"writer-{number}") for number in numbers]
        self._trainers = [_lane(f"worker-{number}") for number in range(plan.server.workers)]
        self._make_ready()

    def begin(self, shard: int, dense: Float32s, snapshots: Sequence[Path]) -> Handle:
        """Give a shard its first state."""
        self._shards[shard].generation = self._current()
        call = Call("begin", (dense, tuple(str(folder.absolute()) for folder in snapshots)))
        return _Told(self._ask(shard, lambda: _Step(call)), None)

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

        def step() -> _Step:
            given = [_reference(push) for push in pushes]
            return _Step(Call("exchange", (number, clock, asked, *given), len(pulls) + 1))

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
        generation = self._current()

        def task() -> Answer:
            parts = [_reference(part) for part in chain(rows, *carried)]
            call = Call("train", (packing.pack(window), len(carried), *parts), len(rows) + 1)
            return self._repeated(
                generation,
                lambda: self._worker(worker, generation).call(call),
                lambda: self._replace_worker(worker, generation),
            )

        done = self._trainers[worker].submit(task)
        pushes = [_Stored(done, each, packing.push) for each in range(len(rows))]
        return pushes, _Told(done, WindowReport)

    def evict(self, shard: int, clock: int) -> Handle:
        """Evict rows by the rules."""
        call = Call("evict", (clock,))
        return _Told(self._ask(shard, lambda: _Step(call)), ShardFacts)

    def copy(self, shard: int, version: int, *, whole: bool) -> Handle:
        """Copy what a snapshot holds."""
        call = Call("copy", (version, whole))
        return _Told(self._ask(shard, lambda: _Step(call, copies=version)), None)

    def write(self, shard: int, version: int, folder: Path) -> Handle:
        """Write the copy."""
        generation = self._current()
        call = Call("write", (version, str(folder.absolute())), beside=True)
        done = self._writers[shard].submit(
            self._repeated,
            generation,
            lambda: self._shard(shard, generation).call(call),
            lambda: self._ask(shard, lambda: _Step(_PING, lasting=False)).result(),
        )
        return _Told(done, dict[str, StoredArray])

    def saved(self, version: int, snapshots: Sequence[Path]) -> None:
        """Forget what the snapshot holds."""
        self._losses = 0
        folders = tuple(str(folder.absolute()) for folder in snapshots)
        for shard in self._shards:
            with shard.restoring:
                copies = [step.copies for step in shard.steps]
                if version in copies:
                    dense = shard.steps[0].call.arguments[0]
                    since = shard.steps[copies.index(version) + 1 :]
                    shard.steps = [_Step(Call("begin", (dense, folders))), *since]

    def facts(self, shard: int) -> Handle:
        """Returns a handle of the facts."""
        return _Told(self._ask(shard, lambda: _Step(_FACTS, lasting=False)), ShardFacts)

    def result(self, handle: Handle) -> Any:
        """Returns what the handle is of."""
        if isinstance(handle, _Told):
            last = handle.of.result().last
            return msgspec.msgpack.decode(last, type=handle.kind) if handle.kind else None
        assert isinstance(handle, _Stored)  # noqa: S101 - a mistake of ours
        generation = self._current()
        try:
            return handle.read(self._remote.get(_reference(handle)))
        except GoneError:
            raise self._lose(generation) from None

    def close(self) -> None:
        """End all processes."""
        lanes = [*self._lanes, *self._writers, *self._trainers]
        for lane in lanes:
            lane.shutdown(wait=False, cancel_futures=True)
        with self._mutex:
            self._generation = _CLOSED
            self._end_all()
        for lane in lanes:
            lane.shutdown()

    def _ask(self, number: int, make: Callable[[], _Step]) -> "Future[Answer]":
        """Let the lane of a shard make a step, and take it."""
        generation = self._current()
        shard = self._shards[number]
        if shard.generation != generation:
            return _failed(_lost())  # the loop has not heard yet

        def task() -> Answer:
            step = make()
            answer = self._repeated(
                generation,
                lambda: self._shard(number, generation).call(step.call),
                lambda: self._restore_shard(number, generation),
            )
            if step.lasting:
                with shard.restoring:
                    shard.steps = [*([] if step.call.method == "begin" else shard.steps), step]
            return answer

        return self._lanes[number].submit(task)

    def _repeated(self, generation: int, attempt: Callable[[], T], mend: Callable[[], object]) -> T:
        """Attempt something until no process dies of it.

        Args:
            generation: In which the loop asked for it.
            attempt: What is to be done.
            mend: Makes the process anew that died.

        Returns:
            What the attempt returns.

        Raises:
            DyingError: A process dies each time.
            LostError: All processes were made anew.
            IsthmusError: What the attempt raises.
        """
        for turn in range(_ATTEMPTS):
            try:
                if turn:
                    mend()
                return attempt()
            except DiedError:
                continue
            except GoneError:
                raise self._lose(generation) from None
        self._check(generation)
        raise DyingError(_dying("at the same step"))

    def _restore_shard(self, number: int, generation: int) -> None:
        self._check(generation)
        shard = self._shards[number]
        if not all(_lives(worker) for worker in self._workers):
            raise self._lose(generation)
        shard.actor.end()
        with shard.restoring:
            actor = self._new_shard(number)
            for call in (_READY, *(step.call for step in shard.steps)):
                actor.call(call)
            self._put(generation, actor, lambda: setattr(shard, "actor", actor))

    def _replace_worker(self, number: int, generation: int) -> None:
        self._check(generation)
        if not all(_lives(shard.actor) for shard in self._shards):
            raise self._lose(generation)
        self._workers[number].end()
        actor = self._new_worker()
        actor.call(_READY)
        self._put(generation, actor, lambda: self._workers.__setitem__(number, actor))

    def _put(self, generation: int, actor: Actor, put: Callable[[], None]) -> None:
        """Put a new process in its place.

        Args:
            generation: In which it was made.
            actor: The process.
            put: Puts it there.

        Raises:
            LostError: All have been made anew meanwhile.
        """
        with self._mutex:
            if self._generation != generation:
                actor.end()
            self._check(generation)
            put()

    def _lose(self, generation: int) -> IsthmusError:
        """Make all processes anew, once; returns the error to raise."""
        with self._mutex:
            if self._generation == generation:
                self._losses += 1
                if self._losses > _ATTEMPTS:
                    return DyingError(_dying("since the last snapshot"))
                self._generation += 1
                self._end_all()
                for number, shard in enumerate(self._shards):
                    shard.actor = self._new_shard(number)
                    shard.steps = []
                self._workers = [self._new_worker() for _ in self._workers]
                self._make_ready()
        return _lost()

    def _make_ready(self) -> None:
        """Wait until all processes can begin; they start at the same time.

        Raises:
            DyingError: One of them ended.
        """
        actors = [*(shard.actor for shard in self._shards), *self._workers]
        with ThreadPoolExecutor(len(actors)) as threads:
            for done in [threads.submit(actor.call, _READY) for actor in actors]:
                try:
                    done.result()
                except DiedError:
                    raise DyingError(
                        "A process of a shard or worker ended while it started. Is there memory "
                        f"for {len(actors)} of them? Each takes about 300 MB, and its rows."
                    ) from None

    def _current(self) -> int:
        """Returns the generation of all processes, once they are ready."""
        with self._mutex:
            return self._generation

    def _shard(self, number: int, generation: int) -> Actor:
        with self._mutex:
            self._check(generation)
            return self._shards[number].actor

    def _worker(self, number: int, generation: int) -> Actor:
        with self._mutex:
            self._check(generation)
            return self._workers[number]

    def _check(self, generation: int) -> None:
        if self._generation != generation:
            raise _lost()

    def _end_all(self) -> None:
        for actor in (*(shard.actor for shard in self._shards), *self._workers):
            actor.end()

    def _new_shard(self, number: int) -> Actor:
        return self._remote.shard(self._text, number)

    def _new_worker(self) -> Actor:
        return self._remote.worker(self._text, self._recipe)


def _lane(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=name)


def _reference(handle: _Stored) -> Reference:
    return handle.of.result().references[handle.number]


def _lives(actor: Actor) -> bool:
    try:
        actor.call(_PING)
    except DiedError:
        return False
    return True


def _lost() -> LostError:
    return LostError(
        "A shard and a worker ended at the same time, or the machine of one was lost. The last "
        "snapshot is whole: start the same command again to go on from it."
    )


def _dying(when: str) -> str:
    return (
        f"Processes of shards or workers ended {_ATTEMPTS} times {when}. Is the memory of their "
        "machine too short? The last snapshot is whole: start the same command again to go on from "
        "it."
    )


def _failed(error: Exception) -> "Future[Answer]":
    done: Future[Answer] = Future()
    done.set_exception(error)
    return done
