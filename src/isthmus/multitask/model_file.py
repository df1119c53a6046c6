"""The model of a finished run: the folder `model` in its run folder.

    model/model.json          what it was trained by, and size and checksum of every other file
    model/dense.npy           all layers, flat
    model/0003.id.npy, ...    the part of the table that lay on shard 3, sorted by feature and id

Arrays of the table are mapped, not read: a table larger than memory serves too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.broken import fault
from isthmus.core.errors import SpecError
from isthmus.multitask.network.networks import row_dimension
from isthmus.multitask.network.trainer import Description
from isthmus.multitask.spec import sparse_features
from isthmus.paramserver.engine import StoredArray
from isthmus.paramserver.shards.array_files import checksum
from isthmus.paramserver.shards.shard_state import read_dense, read_states
from isthmus.paramserver.shards.snapshots import read_manifest
from isthmus.paramserver.tables.kernels.hashing import shard_of
from isthmus.paramserver.window import DEFAULT, Float32s, Int32s, Keys
from isthmus.store import atomic

_MODEL, _DENSE = "model.json", "dense"
_ADVICE = "Copy the run folder again, or run the job again."


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    description: Description
    snapshot: int
    parts: int
    files: dict[str, StoredArray]
    format: Literal[1] = 1


@dataclass(frozen=True)
class Part:
    """The rows of one shard, sorted by feature and id."""

    keys: Keys
    values: Float32s
    """Shape (keys, numbers of a row)."""

    changed: Int32s
    """The first snapshot that has the row as it is now, shape (keys,)."""

    evicted: Keys
    """Keys that lost their rows; some may have one again."""

    evicted_at: Int32s
    """The first snapshot without the row, shape (evicted,)."""

    def range_of(self, feature: int) -> tuple[int, int]:
        """Returns where the rows of a feature begin and end."""
        # Of the same type as the array, or all of it would be converted.
        edges = np.array([feature, feature + 1], np.uint16)
        begin, end = np.searchsorted(self.keys.feature, edges)
        return int(begin), int(end)


@dataclass(frozen=True)
class Model:
    """A model that predicts."""

    description: Description
    snapshot: int
    """Number of the snapshot that it is."""

    dense: Float32s
    """All layers, flat."""

    parts: Sequence[Part]

    def values_of(self, keys: Keys) -> Float32s:
        """Look rows up.

        Args:
            keys: The keys.

        Returns:
            Shape (keys, numbers of a row); those of the feature's DEFAULT key where a key has no
            row of its own, and zeros where that was never trained.
        """
        features = len(sparse_features(self.description.spec))
        own = Keys(np.arange(features, dtype=np.uint16), np.full(features, DEFAULT))
        defaults, _ = self._find(own)
        values, found = self._find(keys)
        values[~found] = defaults[keys.feature[~found]]
        return values

    def _find(self, keys: Keys) -> tuple[Float32s, NDArray[np.bool_]]:
        values = np.zeros((len(keys), row_dimension(self.description.spec)), np.float32)
        found = np.zeros(len(keys), np.bool_)
        shards = shard_of(keys, len(self.parts))
        for number, part in enumerate(self.parts):
            here = np.flatnonzero(shards == number)
            places = _places(part, keys.take(here))
            there = places >= 0
            values[here[there]] = part.values[places[there]]
            found[here[there]] = True
        return values, found


def save(folder: Path, description: Description, snapshots: Sequence[Path]) -> None:
    """Store the model that is in a snapshot.

    Args:
        folder: Where to; a model that is there is replaced.
        description: What it was trained by.
        snapshots: Folders of a whole snapshot and of those after it, up to the one to store.

    Raises:
        SpecError: A file of a snapshot is missing or is not as it was written.
        DiskError: The disk is full.
    """
    manifest = read_manifest(snapshots[-1])
    with atomic.replacing_folder(folder) as new:
        files = {
            f"{_DENSE}.npy": _write(new / f"{_DENSE}.npy", read_dense(snapshots[-1], manifest)[0])
        }
        for number in range(manifest.shards):
            part = _merged(snapshots, number, manifest.shards, row_dimension(description.spec))
            for name, array in _arrays(part).items():
                path = new / f"{number:04}.{name}.npy"
                files[path.name] = _write(path, array)
        stored = _Stored(
            description=description, snapshot=manifest.version, parts=manifest.shards, files=files
        )
        atomic.write(new / _MODEL, msgspec.json.format(msgspec.json.encode(stored)) + b"\n")


def read(folder: Path) -> Model:
    """Open a model.

    Args:
        folder: Where `save` stored it.

    Returns:
        The model; the arrays of its table stay on disk, and are read here once to check them.

    Raises:
        SpecError: A file is missing or is not as it was written.
    """
    path = folder / _MODEL
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
    except OSError as error:
        raise SpecError(
            f"{path}: cannot be read: {error.strerror}. Has this run finished? Its model is stored "
            "at its end."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"{path}: is not the description of a model: {fault(error)}. {_ADVICE}"
        ) from None
    dense = np.array(_open(folder, stored, _DENSE))
    parts = [_part(folder, stored, f"{number:04}") for number in range(stored.parts)]
    return Model(stored.description, stored.snapshot, dense, parts)


def _arrays(part: Part) -> dict[str, NDArray[Any]]:
    return {
        "feature": part.keys.feature,
        "id": part.keys.id,
        "values": part.values,
        "changed": part.changed,
        "evicted_feature": part.evicted.feature,
        "evicted_id": part.evicted.id,
        "evicted_at": part.evicted_at,
    }


def _part(folder: Path, stored: _Stored, name: str) -> Part:
    def array(key: str) -> NDArray[Any]:
        return _open(folder, stored, f"{name}.{key}")

    return Part(
        Keys(array("feature"), array("id")),
        array("values"),
        array("changed"),
        Keys(array("evicted_feature"), array("evicted_id")),
        array("evicted_at"),
    )


def _open(folder: Path, stored: _Stored, name: str) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    try:
        size = path.stat().st_size
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. {_ADVICE}") from None
    except (ValueError, EOFError):
        raise SpecError(f"{path}: is not an array of a model. {_ADVICE}") from None
    written = stored.files.get(path.name)
    if written is None or (written.size, written.checksum) != (size, checksum(array)):
        raise SpecError(f"{path}: is not as it was written: it was changed or cut. {_ADVICE}")
    return array


def _write(path: Path, array: NDArray[Any]) -> StoredArray:
    whole = np.ascontiguousarray(array)
    np.save(path, whole, allow_pickle=False)
    return StoredArray(path.stat().st_size, checksum(whole))


def _places(part: Part, keys: Keys) -> NDArray[np.intp]:
    """Returns where each key lies in a part, -1 where it does not."""
    places = np.full(len(keys), -1)
    for feature in np.unique(keys.feature):
        wanted = np.flatnonzero(keys.feature == feature)
        wanted = wanted[np.argsort(keys.id[wanted])]  # neighbours are found faster in order
        begin, end = part.range_of(int(feature))
        if begin < end:
            ids = part.keys.id[begin:end]
            near = np.minimum(np.searchsorted(ids, keys.id[wanted]), end - begin - 1)
            places[wanted] = np.where(ids[near] == keys.id[wanted], begin + near, -1)
    return places


def _merged(snapshots: Sequence[Path], shard: int, shards: int, dimension: int) -> Part:
    """Returns the rows of a shard after a whole snapshot and those after it."""
    chain = [
        state.rows
        for folder in reversed(snapshots)
        for state in read_states(folder, read_manifest(folder), shard, shards)
    ]
    # What a later snapshot says of a key counts; and that it has a row before that it lost one.
    told = [(keys, alive) for it in chain for keys, alive in ((it.keys, True), (it.evicted, False))]
    feature = np.concatenate([keys.feature for keys, _ in told])
    identity = np.concatenate([keys.id for keys, _ in told])
    alive = np.repeat([alive for _, alive in told], [len(keys) for keys, _ in told])
    order = np.lexsort((identity, feature))  # stable: the latest of equal keys comes first
    newest = np.ones(len(order), np.bool_)
    newest[1:] = _steps(feature[order]) | _steps(identity[order])
    chosen = order[newest & alive[order]]
    rows = np.cumsum(alive)[chosen] - 1
    gone = Keys(
        np.concatenate([it.evicted.feature for it in chain]),
        np.concatenate([it.evicted.id for it in chain]),
    )
    return Part(
        Keys(feature[chosen], identity[chosen]),
        np.concatenate([it.rows[:, :dimension] for it in chain])[rows],
        np.concatenate([it.seen.changed for it in chain])[rows],
        gone,
        np.concatenate([it.evicted_at for it in chain]),
    )


def _steps(values: NDArray[Any]) -> NDArray[np.bool_]:
    differs: NDArray[np.bool_] = values[1:] != values[:-1]
    return differs
