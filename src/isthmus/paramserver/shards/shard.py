"""A shard of the external server: rows of some keys, and a part of the dense numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isthmus.paramserver.engine import Plan, ShardFacts, StoredArray
from isthmus.paramserver.shards import snapshots
from isthmus.paramserver.shards.merging import merge_dense, merge_rows
from isthmus.paramserver.shards.placement import part
from isthmus.paramserver.shards.shard_state import ShardState, read_dense, read_states, write_state
from isthmus.paramserver.spec import in_bytes
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import Table
from isthmus.paramserver.window import Float32s, Keys, Pull, Push, Rows


class Shard:
    """One shard; `engine.Engine` says what its methods do.

    What decides its numbers is the order of the calls, and `write` takes no part in that: it may
    run in another thread.
    """

    def __init__(self, plan: Plan, number: int) -> None:
        self._plan = plan
        self._number = number
        self._copies = dict[int, tuple[ShardState, Float32s]]()
        self.table = _table(plan, number)

    def begin(self, dense: Float32s, folders: Sequence[Path]) -> None:
        """Take the first state, or that of snapshots.

        Args:
            dense: First dense numbers of all shards, shape (size,).
            folders: Of a whole snapshot and those after it; may be of another number of shards.

        Raises:
            SpecError: A file is missing or corrupt, or the rows do not fit into the memory.
        """
        plan, server = self._plan, self._plan.server
        self.close()
        self.table = _table(plan, self._number)
        first = Layout(1, server.dense).begin(dense[:, None]).T
        self.dense = np.ascontiguousarray(first[:, part(plan.size, server.shards, self._number)])
        self._applied = [worker - server.workers for worker in range(server.workers)]
        self._calls = 0
        self._version = 0
        self._answer: Sequence[Rows] = []
        self._staleness = 0
        for folder in folders:
            self._load(folder)
        if folders:
            self._load_dense(folders[-1])

    def exchange(
        self, number: int, pushes: Sequence[Push], pulls: Sequence[Pull], clock: int
    ) -> Sequence[Rows]:
        """Apply pushes, then get rows.

        Args:
            number: Counts up; for one that it had before, it returns what it returned.
            pushes: Of the workers of one round, in the order of their windows.
            pulls: Of the workers of a later round.
            clock: Samples of the run before the later round.

        Returns:
            The rows of each pull.

        Raises:
            RuntimeError: A call or a window is left out, or the rows would be too stale: the caller
                is wrong.
            SpecError: The rows do not fit into the memory.
        """
        if number == self._calls - 1:
            return self._answer
        if number != self._calls:
            raise RuntimeError(f"exchange {number} came where {self._calls} is the next")
        self._apply([push for push in pushes if self._is_new(push)], clock)
        for pull in pulls:
            self._check_staleness(pull.window)
        self._answer = [self._rows(pull, clock) for pull in pulls]
        self._calls += 1
        return self._answer

    def evict(self, clock: int) -> ShardFacts:
        """Evict rows by the rules.

        Args:
            clock: Samples of the run so far.

        Returns:
            The facts after it.
        """
        self.table.evict(clock, self._mark)
        return self.facts()

    def copy(self, version: int, *, whole: bool) -> None:
        """Copy what a snapshot holds, for `write`.

        Args:
            version: Number of the snapshot.
            whole: Whether it holds all rows.
        """
        state = ShardState(
            rows=self.table.dump(None if whole else self._version),
            applied=np.array(self._applied, np.int64),
            calls=self._calls,
        )
        self._copies[version] = state, self.dense.copy()
        self._version = version

    def write(self, version: int, folder: Path) -> dict[str, StoredArray]:
        """Write a copy, and forget it.

        Args:
            version: The number that `copy` was given.
            folder: An existing folder.

        Returns:
            The files.

        Raises:
            DiskError: The disk is full.
        """
        return write_state(folder, self._number, *self._copies.pop(version))

    def close(self) -> None:
        """Remove what lies on disk outside snapshots, and forget copies."""
        self._copies.clear()
        self.table.close()

    def facts(self) -> ShardFacts:
        """Returns the size of the shard."""
        table = self.table
        return ShardFacts(len(table), table.bytes, table.evicted, self._staleness)

    def _load(self, folder: Path) -> None:
        shards = self._plan.server.shards
        manifest = snapshots.read_manifest(folder)
        for state in read_states(folder, manifest, self._number, shards):
            self.table.load(state.rows)
            self._applied = state.applied.tolist()
            self._calls = state.calls
        self._version = manifest.version

    def _load_dense(self, folder: Path) -> None:
        dense = read_dense(folder, snapshots.read_manifest(folder))
        here = part(dense.shape[1], self._plan.server.shards, self._number)
        self.dense = dense[:, here].copy()

    @property
    def _mark(self) -> int:
        """The next snapshot is the first that holds what changes now."""
        return self._version + 1

    def _is_new(self, push: Push) -> bool:
        # Notes it as applied, too: what is new is applied at once.
        workers = self._plan.server.workers
        worker = push.window % workers
        if push.window <= self._applied[worker]:
            return False
        if push.window != self._applied[worker] + workers:
            raise RuntimeError(f"window {push.window} came after {self._applied[worker]}")
        self._applied[worker] = push.window
        return True

    def _apply(self, pushes: Sequence[Push], clock: int) -> None:
        if pushes:
            table = self.table
            keys, rows = merge_rows(pushes, self._read, table.layout, self._plan.server.merge)
            table.push(keys, rows, clock, self._mark)
            self.dense = merge_dense(self.dense, pushes)

    def _read(self, keys: Keys) -> Float32s:
        return self.table.read(keys)[0]

    def _check_staleness(self, window: int) -> None:
        workers = self._plan.server.workers
        missing = window // workers - 1 - min(self._applied) // workers
        if missing > self._plan.server.staleness:
            raise RuntimeError(f"the rows of window {window} would miss {missing} windows")
        self._staleness = max(self._staleness, missing)

    def _rows(self, pull: Pull, clock: int) -> Rows:
        rows, admitted = self.table.pull(pull.keys, pull.occurrences, clock, self._mark)
        return Rows(rows, admitted, self.dense)


def _table(plan: Plan, number: int) -> Table:
    server = plan.server
    return Table(
        Layout(plan.dimension, server.rows),
        plan.rules,
        plan.seed,
        memory=in_bytes(server.memory) if server.memory else None,
        spill=plan.spill / f"shard-{number:04}",
    )
