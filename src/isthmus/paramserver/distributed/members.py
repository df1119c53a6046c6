"""The processes of shards and workers: any of them may die, and is made anew.

All that live at the same time are of one generation. If a shard and a worker are found dead
together, or something in shared memory is lost with its machine, all begin anew in the next one.
"""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock, RLock
from typing import NamedTuple, TypeVar

from isthmus.core.errors import IsthmusError
from isthmus.paramserver.distributed.actors import Recipe, text_of
from isthmus.paramserver.distributed.remote import Actor, Call, DiedError, GoneError, Remote
from isthmus.paramserver.engine import LostError, Plan

T = TypeVar("T")

PING = Call("ping", (), beside=True)
_READY = Call("ready", (), patience=180)
_ATTEMPTS = 4
_CLOSED = -2


class DyingError(IsthmusError):
    """The process of a shard or worker dies again and again at the same step."""

    exit_code = 4


class Step(NamedTuple):
    """A call of a shard."""

    call: Call
    lasting: bool = True
    """Whether the shard is called again when it is made anew."""

    copies: int = 0
    """Number of the snapshot that it copies."""


@dataclass
class Shard:
    """The process of a shard, and what another one needs to take its place."""

    actor: Actor
    generation: int = -1
    """Generation in which it got its state."""

    steps: list[Step] = field(default_factory=list[Step])
    """Its begin, and all that has changed it since."""

    restoring: Lock = field(default_factory=Lock)


class Members:
    """Shards and workers of a run."""

    def __init__(self, plan: Plan, recipe: Recipe, remote: Remote) -> None:
        """Make all processes, and wait until they can begin.

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
        self.shards = [Shard(self._new_shard(number)) for number in range(plan.server.shards)]
        self._workers = [self._new_worker() for _ in range(plan.server.workers)]
        self._make_ready()

    def saved(self) -> None:
        """Begin to count losses anew: there is a snapshot."""
        self._losses = 0

    def end(self) -> None:
        """End all processes for good."""
        with self._mutex:
            self._generation = _CLOSED
            self._end_all()

    def repeated(self, generation: int, attempt: Callable[[], T], mend: Callable[[], object]) -> T:
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
                raise self.lose(generation) from None
        self._check(generation)
        raise DyingError(_dying("at the same step"))

    def restore_shard(self, number: int, generation: int) -> None:
        """Make a shard anew, with all that it had done since the last snapshot."""
        self._check(generation)
        shard = self.shards[number]
        if not all(_lives(worker) for worker in self._workers):
            raise self.lose(generation)
        shard.actor.end()
        with shard.restoring:
            actor = self._new_shard(number)
            for call in (_READY, *(step.call for step in shard.steps)):
                actor.call(call)
            self._put(generation, actor, lambda: setattr(shard, "actor", actor))

    def replace_worker(self, number: int, generation: int) -> None:
        """Make a worker anew."""
        self._check(generation)
        if not all(_lives(shard.actor) for shard in self.shards):
            raise self.lose(generation)
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

    def lose(self, generation: int) -> IsthmusError:
        """Make all processes anew, once; returns the error to raise."""
        with self._mutex:
            if self._generation == generation:
                self._losses += 1
                if self._losses > _ATTEMPTS:
                    return DyingError(_dying("since the last snapshot"))
                self._generation += 1
                self._end_all()
                for number, shard in enumerate(self.shards):
                    shard.actor = self._new_shard(number)
                    shard.steps = []
                self._workers = [self._new_worker() for _ in self._workers]
                self._make_ready()
        return lost()

    def _make_ready(self) -> None:
        """Wait until all processes can begin; they start at the same time.

        Raises:
            DyingError: One of them ended.
        """
        actors = [*(shard.actor for shard in self.shards), *self._workers]
        with ThreadPoolExecutor(len(actors)) as threads:
            for done in [threads.submit(actor.call, _READY) for actor in actors]:
                try:
                    done.result()
                except DiedError:
                    raise DyingError(
                        "A process of a shard or worker ended while it started. Is there memory "
                        f"for {len(actors)} of them? Each takes about 300 MB, and its rows."
                    ) from None

    def current(self) -> int:
        """Returns the generation of all processes, once they are ready."""
        with self._mutex:
            return self._generation

    def shard(self, number: int, generation: int) -> Actor:
        """Returns the process of a shard, if it still is of that generation."""
        with self._mutex:
            self._check(generation)
            return self.shards[number].actor

    def worker(self, number: int, generation: int) -> Actor:
        """Returns the process of a worker, likewise."""
        with self._mutex:
            self._check(generation)
            return self._workers[number]

    def _check(self, generation: int) -> None:
        if self._generation != generation:
            raise lost()

    def _end_all(self) -> None:
        for actor in (*(shard.actor for shard in self.shards), *self._workers):
            actor.end()

    def _new_shard(self, number: int) -> Actor:
        return self._remote.shard(self._text, number)

    def _new_worker(self) -> Actor:
        return self._remote.worker(self._text, self._recipe)


def _lives(actor: Actor) -> bool:
    try:
        actor.call(PING)
    except DiedError:
        return False
    return True


def lost() -> LostError:
    """Returns the error for what all processes were made anew for."""
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
