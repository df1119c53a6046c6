"""The interface between the training loop and what carries it: threads of one process, or Ray.

The loop asks an engine to do things and gets a handle of each at once; it hands handles of rows and
pushes on without looking into them, so they go from shard to worker and back without passing the
loop. An engine does what it is asked

- of one shard in the order in which it is asked, `write` excepted, which runs beside the rest;
- of one worker in the order in which it is asked;
- of different shards and workers at the same time, each as soon as the handles that it needs are
  there.

So every engine gives the same numbers: what a shard and a worker compute is decided by the order in
which the loop asks, and never by which of two was faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec

from isthmus.core.errors import IsthmusError
from isthmus.paramserver.spec import Server
from isthmus.paramserver.tables.table import FeatureRule
from isthmus.paramserver.window import Float32s, Pull, Window

Handle: TypeAlias = Any
"""Of something that is or will be there; only the engine that made it knows what it is."""


@dataclass(frozen=True)
class Plan:
    """All that an engine needs to know to make its shards and workers; JSON by msgspec."""

    server: Server
    dimension: int
    """Numbers of a row that are its value."""

    size: int
    """Number of dense numbers."""

    rules: tuple[FeatureRule, ...]
    """Admission and eviction, by number of the feature."""

    seed: int
    """Of the job: decides the first values of rows."""

    spill: Path
    """Folder for rows that do not fit into the memory of their shard."""


class WindowReport(msgspec.Struct, frozen=True):
    """What a worker tells of a window that it trained on."""

    window: int
    samples: int
    loss: float
    """Mean loss of the samples; not a number if it diverged."""

    traffic: int
    """Bytes of the rows that came from the shards, and of what goes back."""

    seconds: float
    tally: tuple[float, ...] = ()
    """Sums of what the trainer counted."""

    diverged: int | None = None
    """The feature whose gradients grew until something was not finite any more; NO_FEATURE if there
    is none. A window that diverged has no pushes that may be applied."""


NO_FEATURE = -1


class ShardFacts(msgspec.Struct, frozen=True):
    """The size of a shard."""

    rows: int
    """Rows of admitted keys, those on disk included."""

    memory: int
    """Bytes of memory that its table uses."""

    evicted: int
    """Rows evicted so far."""

    staleness: int
    """Most windows of a worker that were missing in rows that it got."""


class StoredArray(msgspec.Struct, frozen=True):
    """A file of a snapshot as it was written: one array, in numpy's format."""

    size: int
    """Bytes of the file."""

    checksum: int
    """CRC-32 of the array."""


class LostError(IsthmusError):
    """Shards or workers are gone and cannot be made whole alone.

    The engine has made all of them anew: the loop goes back to the last snapshot with all of them.
    """

    exit_code = 4


class Engine(Protocol):
    """Shards and workers; `in_process.Engine` and `on_ray.Engine` are some."""

    def begin(self, shard: int, dense: Float32s, snapshots: Sequence[Path]) -> Handle:
        """Give a shard its first state, whatever its state was.

        Args:
            shard: Number of the shard.
            dense: First dense numbers of all shards, shape (size,).
            snapshots: Folders of a whole snapshot and those after it, oldest first, to go on from;
                none to begin from the beginning.

        Returns:
            A handle of None; its result is an error if a file is missing or corrupt.
        """
        ...

    def exchange(
        self,
        shard: int,
        number: int,
        pushes: Sequence[Handle],
        pulls: Sequence[Pull],
        clock: int,
    ) -> Sequence[Handle]:
        """Apply what the workers made of one round, then get the rows of another.

        Args:
            shard: Number of the shard.
            number: 0 for the first exchange since the begin of the run, then one more each time: a
                shard that gets a number again returns what it returned, and applies nothing.
            pushes: Handles of the `Push` of each worker of a round, in the order of their windows.
            pulls: Of each worker of a later round, in the order of their windows.
            clock: Samples of the run before the round that pulls.

        Returns:
            A handle of `Rows` for each of `pulls`; a handle of None alone if there are none.
        """
        ...

    def train(
        self,
        worker: int,
        window: Window,
        rows: Sequence[Handle],
        carried: Sequence[Sequence[Handle]],
    ) -> tuple[Sequence[Handle], Handle]:
        """Train on a window with `builtin.train_window`.

        A worker keeps nothing from one window to the next, so any worker can train on any window.

        Args:
            worker: Number of the worker that should do it.
            window: The window.
            rows: Handles of the `Rows` of each shard.
            carried: Pushes of the worker's windows that `rows` does not contain yet, oldest first:
                of each window a handle for each shard.

        Returns:
            A handle of the `Push` for each shard, and a handle of the `WindowReport`.
        """
        ...

    def evict(self, shard: int, clock: int) -> Handle:
        """Evict rows by the rules of their features.

        Args:
            shard: Number of the shard.
            clock: Samples of the run so far.

        Returns:
            A handle of `ShardFacts`.
        """
        ...

    def copy(self, shard: int, version: int, *, whole: bool) -> Handle:
        """Copy what a snapshot holds of a shard; the shard is idle no longer than this takes.

        Args:
            shard: Number of the shard.
            version: Number of the snapshot: 1 for the first of the run.
            whole: Whether it holds all rows, or those that changed since the snapshot before.

        Returns:
            A handle of None.
        """
        ...

    def write(self, shard: int, version: int, folder: Path) -> Handle:
        """Write the copy of a shard, beside whatever else the shard does.

        Args:
            shard: Number of the shard.
            version: The number that `copy` was given.
            folder: An existing folder, to write files into.

        Returns:
            A handle of the `StoredArray` of every file that it wrote, by name; its result is a
            DiskError if the disk is full.
        """
        ...

    def saved(self, version: int, snapshots: Sequence[Path]) -> None:
        """Hear that a snapshot is whole: what came before its `copy` need not be kept any more.

        Args:
            version: Number of the snapshot.
            snapshots: Folders of a whole snapshot and those after it up to this one, for `begin`.
        """
        ...

    def facts(self, shard: int) -> Handle:
        """Returns a handle of the `ShardFacts` of a shard."""
        ...

    def result(self, handle: Handle) -> Any:
        """Wait until something is there; may be called by several threads.

        Args:
            handle: Its handle.

        Returns:
            What it is.

        Raises:
            LostError: Shards and workers were lost and made anew; every handle is void.
            IsthmusError: What the shard or worker raised.
        """
        ...

    def close(self) -> None:
        """End all shards and workers, whatever they are doing."""
        ...
