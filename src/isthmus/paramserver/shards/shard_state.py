"""The state of a shard as a snapshot holds it, and how it comes onto shards of another number."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.engine import StoredArray
from isthmus.paramserver.shards import snapshots
from isthmus.paramserver.tables.dump import Dump
from isthmus.paramserver.window import Float32s, Int64s

_DENSE = "dense"


@dataclass(frozen=True)
class ShardState:
    """All of a shard, or what has changed in it, but for its part of the dense numbers."""

    rows: Dump
    applied: Int64s
    """The last window of each worker that it contains, shape (workers,)."""

    calls: int
    """Exchanges so far."""


def write_state(
    folder: Path, shard: int, state: ShardState, dense: Float32s
) -> dict[str, StoredArray]:
    """Write the files of a shard.

    Args:
        folder: An existing folder.
        shard: Number of the shard.
        state: What to write.
        dense: Its part of the dense numbers and their state, shape (1 + states, part).

    Returns:
        The files.

    Raises:
        DiskError: The disk is full.
    """
    others: dict[str, NDArray[Any]] = {
        _DENSE: dense,
        "applied": state.applied,
        "calls": np.array([state.calls], np.int64),
    }
    return snapshots.write_arrays(folder, _name(shard), state.rows.arrays() | others)


def remove_state(folder: Path, shard: int) -> None:
    """Remove what was written of a shard: somebody died of it, and another begins anew."""
    for left in folder.glob(f"{_name(shard)}.*"):
        left.unlink()


def read_states(
    folder: Path, manifest: snapshots.Manifest, shard: int, shards: int
) -> Iterator[ShardState]:
    """Read what becomes of a shard from a snapshot.

    Args:
        folder: Folder of the snapshot.
        manifest: What it is.
        shard: Number of the shard.
        shards: How many there are now; when the snapshot was taken there may have been others.

    Yields:
        One state or, if there were others, one of each of them: the keys that now lie on this
        shard.

    Raises:
        SpecError: A file is missing or is not as it was written.
    """
    if manifest.shards == shards:
        yield _read(folder, manifest, shard)
        return
    for before in range(manifest.shards):
        state = _read(folder, manifest, before)
        yield ShardState(state.rows.of_shard(shard, shards), state.applied, state.calls)


def read_dense(folder: Path, manifest: snapshots.Manifest) -> Float32s:
    """Read the dense numbers of all shards.

    Args:
        folder: Folder of a snapshot.
        manifest: What it is.

    Returns:
        The numbers and their state, shape (1 + states, size).

    Raises:
        SpecError: A file is missing or is not as it was written.
    """
    parts = [
        snapshots.read_array(folder, manifest, f"{_name(shard)}.{_DENSE}")
        for shard in range(manifest.shards)
    ]
    return np.concatenate(parts, axis=1)


def _read(folder: Path, manifest: snapshots.Manifest, shard: int) -> ShardState:
    arrays = snapshots.read_arrays(folder, manifest, _name(shard), without=_DENSE)
    return ShardState(Dump.of(arrays), arrays["applied"], int(arrays["calls"][0]))


def _name(shard: int) -> str:
    return f"shard-{shard:04}"
