"""Shards and workers as threads of this process: the engine `local`.

Every shard and every worker has a lane, which does one thing after the other in the order in which
it was asked. What waits for something in another lane waits for something that was asked before, so
lanes never wait for each other in a circle.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from isthmus.paramserver.engine import Handle, Plan, WindowReport
from isthmus.paramserver.shards.shard import Shard
from isthmus.paramserver.tiers.builtin import train_window
from isthmus.paramserver.window import Float32s, Pull, Push, Rows, Trainer, Window


@dataclass(frozen=True)
class _Part:
    """A handle of one item of what a task returns."""

    of: "Future[Sequence[Any]]"
    number: int

    def result(self) -> Any:
        return self.of.result()[self.number]


class Engine:
    """Shards and workers of this process; see `engine.Engine` for what each method does."""

    def __init__(self, plan: Plan, make_trainer: Callable[[], Trainer]) -> None:
        """Start the threads.

        Args:
            plan: Of the run.
            make_trainer: Makes the trainer of each worker: they compute at the same time.
        """
        server = plan.server
        self._plan = plan
        self._shards = [Shard(plan, number) for number in range(server.shards)]
        self._trainers = [make_trainer() for _ in range(server.workers)]
        self._lanes = [lane(f"shard-{number}") for number in range(server.shards)]
        self._writers = [lane(f"writer-{number}") for number in range(server.shards)]
        self._workers = [lane(f"worker-{number}") for number in range(server.workers)]

    def begin(self, shard: int, dense: Float32s, snapshots: Sequence[Path]) -> Handle:
        """Give a shard its first state."""
        return self._lanes[shard].submit(self._shards[shard].begin, dense, snapshots)

    def exchange(
        self,
        shard: int,
        number: int,
        pushes: Sequence[Handle],
        pulls: Sequence[Pull],
        clock: int,
    ) -> Sequence[Handle]:
        """Apply pushes, then get rows."""

        def task() -> Sequence[Rows]:
            given = [cast(Push, push.result()) for push in pushes]
            return self._shards[shard].exchange(number, given, pulls, clock)

        done = self._lanes[shard].submit(task)
        return [_Part(done, each) for each in range(len(pulls))] or [done]

    def train(
        self,
        worker: int,
        window: Window,
        rows: Sequence[Handle],
        carried: Sequence[Sequence[Handle]],
    ) -> tuple[Sequence[Handle], Handle]:
        """Train on a window."""

        def task() -> Sequence[Push | WindowReport]:
            pushes, report = train_window(
                self._trainers[worker],
                self._plan,
                window,
                [cast(Rows, each.result()) for each in rows],
                [[cast(Push, push.result()) for push in before] for before in carried],
            )
            return [*pushes, report]

        done = self._workers[worker].submit(task)
        parts = [_Part(done, each) for each in range(len(rows) + 1)]
        return parts[:-1], parts[-1]

    def evict(self, shard: int, clock: int) -> Handle:
        """Evict rows by the rules."""
        return self._lanes[shard].submit(self._shards[shard].evict, clock)

    def copy(self, shard: int, version: int, *, whole: bool) -> Handle:
        """Copy what a snapshot holds."""
        return self._lanes[shard].submit(self._shards[shard].copy, version, whole=whole)

    def write(self, shard: int, version: int, folder: Path) -> Handle:
        """Write the copy."""
        return self._writers[shard].submit(self._shards[shard].write, version, folder)

    def saved(self, version: int, snapshots: Sequence[Path]) -> None:
        """Nothing to do: threads are not lost one by one."""

    def facts(self, shard: int) -> Handle:
        """Returns a handle of the facts."""
        return self._lanes[shard].submit(self._shards[shard].facts)

    def result(self, handle: Handle) -> Any:
        """Returns what the handle is of."""
        return handle.result()

    def close(self) -> None:
        """End all lanes, after what they are just doing."""
        lanes = [*self._lanes, *self._writers, *self._workers]
        for each in lanes:
            each.shutdown(wait=False, cancel_futures=True)
        for each in lanes:
            each.shutdown()
        for shard in self._shards:
            shard.close()


def lane(name: str) -> ThreadPoolExecutor:
    """Returns a thread that does one thing after the other."""
    return ThreadPoolExecutor(1, thread_name_prefix=name)
