"""Snapshots while training goes on: copied at once, written in the background."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from isthmus.core.errors import IsthmusError
from isthmus.paramserver.engine import Engine, StoredArray
from isthmus.paramserver.shards.snapshots import Manifest, Progress, Snapshots, write_arrays
from isthmus.paramserver.spec import Server
from isthmus.paramserver.tiers.reading_ahead import State

FEEDER = "feeder"
"""The part of a snapshot that is the feeder's state."""


class Saver:
    """Takes the snapshots of a run, one at a time."""

    def __init__(
        self,
        engine: Engine,
        snapshots: Snapshots,
        server: Server,
        job: str,
        latest: Manifest | None,
    ) -> None:
        """Go on after a snapshot.

        Args:
            engine: Has the shards.
            snapshots: Where they go.
            server: How many shards there are, and which snapshots are whole.
            job: Digest of the job.
            latest: The snapshot from which the run goes on; None at its begin.
        """
        self._engine = engine
        self._snapshots = snapshots
        self._server = server
        self._job = job
        self._version = latest.version if latest else 0
        self._whole = latest.whole if latest else 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="snapshot")
        self._under_way: Future[None] | None = None

    @property
    def version(self) -> int:
        """Number of the last snapshot, which may not be whole yet; 0 if there is none."""
        return self._version

    def save(self, state: State, progress: Progress) -> None:
        """Copy all shards, then begin to write.

        Args:
            state: The feeder's.
            progress: How far the run has come.

        Raises:
            IsthmusError: The snapshot before could not be written, or shards were lost.
        """
        self.wait()
        self._version += 1
        if not self._whole or self._version - self._whole >= self._server.full_every:
            self._whole = self._version
        whole = self._whole == self._version
        copies = [
            self._engine.copy(shard, self._version, whole=whole)
            for shard in range(self._server.shards)
        ]
        for copy in copies:
            self._engine.result(copy)
        manifest = Manifest(
            job=self._job,
            version=self._version,
            whole=self._whole,
            shards=self._server.shards,
            progress=progress,
            files={},
        )
        self._under_way = self._thread.submit(self._write, manifest, state)

    def check(self) -> None:
        """Raise what went wrong in the background, if anything did; does not wait."""
        if self._under_way is not None and self._under_way.done():
            self.wait()

    def wait(self) -> None:
        """Wait for the snapshot that is being written.

        Raises:
            DiskError: The disk is full.
            IsthmusError: Shards were lost.
        """
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            under_way.result()

    def close(self) -> None:
        """Wait for the snapshot that is being written, whether or not it can be written."""
        with suppress(IsthmusError, OSError):
            self.wait()
        self._thread.shutdown()

    def _write(self, manifest: Manifest, state: State) -> None:
        with self._snapshots.new(manifest.version) as folder:
            files = self._write_shards(manifest.version, folder)
            files |= write_arrays(folder, FEEDER, state)
            self._snapshots.finish(folder, manifest, files)
        self._engine.saved(manifest.version, self._snapshots.chain(manifest))

    def _write_shards(self, version: int, folder: Path) -> dict[str, StoredArray]:
        handles = [
            self._engine.write(shard, version, folder) for shard in range(self._server.shards)
        ]
        written: Sequence[dict[str, StoredArray]] = [self._engine.result(each) for each in handles]
        return {name: stored for part in written for name, stored in part.items()}
