"""Snapshots of a run: a folder each, with one file per array, that is whole or not there.

    snapshots/000012/shard-0000.rows.npy    an array of a shard; `shard` says which there are
    snapshots/000012/feeder.rows.npy        an array of the feeder's state
    snapshots/000012/manifest.json          all else, and size and checksum of every file

A snapshot is written under a name that begins with a dot, its manifest last, and then gets its
name. One that is not whole by itself holds what changed since the snapshot before it.
"""

import os
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.broken import fault
from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.paramserver.engine import StoredArray
from isthmus.paramserver.shards import array_files
from isthmus.paramserver.shards.array_files import checksum
from isthmus.store import atomic

Arrays = Mapping[str, NDArray[Any]]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come."""

    windows: int = 0
    samples: int = 0
    calls: int = 0
    """Exchanges of each shard, those for a snapshot included: the number of the next one."""

    traffic: int = 0
    """Bytes that crossed between workers and shards."""

    staleness: int = 0
    """Most windows of a worker that were missing in rows that it got."""

    memory: int = 0
    """Most bytes that the tables of all shards used together."""

    seconds: float = 0.0
    """Of training, without those that an interruption lost."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is."""

    job: str
    """Digest of the job."""

    version: int
    whole: int
    """Version of the snapshot that it needs first: its own if it is whole."""

    shards: int
    progress: Progress
    files: dict[str, StoredArray]
    """By name of the file."""


class Snapshots:
    """The folder of the snapshots of a run."""

    def __init__(self, folder: Path, job: str | None = None) -> None:
        """Open the folder.

        Args:
            folder: The folder; there may be none yet.
            job: Digest of the job that they must be of. None: of any, to read them only.
        """
        self._folder = folder
        self._job = job

    def latest(self) -> Manifest | None:
        """Find the newest snapshot.

        Returns:
            Its manifest; None before the first snapshot.

        Raises:
            SpecError: A manifest is broken or belongs to another job, or a snapshot that this one
                needs is missing.
        """
        versions = self._versions()
        if not versions:
            return None
        manifest = read_manifest(self.at(max(versions)))
        if self._job is not None and manifest.job != self._job:
            raise SpecError(
                f"{self.at(manifest.version)}: belongs to another job, or to this one before it "
                "was changed. Go back to the job that wrote it, or choose another run folder."
            )
        missing = set(range(manifest.whole, manifest.version)) - set(versions)
        if missing:
            raise SpecError(
                f"{self._folder}: snapshot {manifest.version} needs those from {manifest.whole} "
                f"on, but {len(missing)} of them are missing, the first of them {min(missing)}. "
                "Put them back, or remove all that come after it."
            )
        return manifest

    def at(self, version: int) -> Path:
        """Returns the folder of a snapshot."""
        return self._folder / f"{version:06}"

    def chain(self, manifest: Manifest) -> Sequence[Path]:
        """Returns the folders that make up a snapshot: a whole one, and those after it."""
        return [self.at(version) for version in range(manifest.whole, manifest.version + 1)]

    @contextmanager
    def new(self, version: int) -> Generator[Path]:
        """Make a folder to write a snapshot into; what an interruption left is removed.

        Args:
            version: Its number.

        Yields:
            The folder, empty, under a name that no snapshot has; for `finish` in the block.

        Raises:
            DiskError: The disk is full.
            OSError: It cannot be made for another reason.
        """
        with disk_full_is_error(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in self._folder.glob(".[0-9]*"):
                shutil.rmtree(left)
            folder = self._folder / f".{version:06}"
            folder.mkdir(mode=0o700)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def finish(self, folder: Path, manifest: Manifest, files: dict[str, StoredArray]) -> None:
        """Make a snapshot whole, then remove those that are no longer needed.

        Snapshots stay as far back as the whole one before the latest whole one: so there is
        something to go back to.

        Args:
            folder: From `new`, with all files in it.
            manifest: What it is.
            files: The files.

        Raises:
            DiskError: The disk is full.
            OSError: It cannot be written for another reason.
        """
        text = msgspec.json.encode(msgspec.structs.replace(manifest, files=files))
        atomic.write(folder / MANIFEST, msgspec.json.format(text))
        with disk_full_is_error(folder):
            _sync(folder)
            folder.rename(self.at(manifest.version))
            _sync(self._folder)
        if manifest.whole == manifest.version:
            self._remove_before(manifest.version)

    def _remove_before(self, version: int) -> None:
        before = [each for each in self._versions() if each < version]
        if before:
            needed = read_manifest(self.at(max(before))).whole
            for each in sorted(before, reverse=True):
                if each < needed:
                    shutil.rmtree(self.at(each))

    def _versions(self) -> Sequence[int]:
        if not self._folder.is_dir():
            return []
        return [int(each.name) for each in self._folder.iterdir() if each.name.isdecimal()]


MANIFEST = "manifest.json"


def read_manifest(folder: Path) -> Manifest:
    """Read what a snapshot is.

    Args:
        folder: Its folder.

    Returns:
        The manifest.

    Raises:
        SpecError: It is missing or broken.
    """
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. {_ADVICE}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"{path}: is not the manifest of a snapshot: {fault(error)}. {_ADVICE}"
        ) from None


def write_arrays(folder: Path, prefix: str, arrays: Arrays) -> dict[str, StoredArray]:
    """Write the arrays of one part of a snapshot, and wait until they are on the disk.

    Args:
        folder: An existing folder.
        prefix: Name of the part.
        arrays: Numbers only, by name.

    Returns:
        What was written, by name of the file.

    Raises:
        DiskError: The disk is full.
        OSError: A file cannot be written for another reason.
    """
    files = {f"{prefix}.{key}.npy": array for key, array in arrays.items()}
    return array_files.write_arrays(folder, files)


def read_arrays(
    folder: Path, manifest: Manifest, prefix: str, *, without: str = ""
) -> dict[str, NDArray[Any]]:
    """Read the arrays of one part of a snapshot.

    Args:
        folder: The folder of the snapshot.
        manifest: What it is.
        prefix: Name of the part.
        without: Name of an array that is not needed.

    Returns:
        The arrays by name.

    Raises:
        SpecError: A file is missing or is not as it was written.
    """
    names = [name for name in manifest.files if name.startswith(f"{prefix}.")]
    keys = [name.removeprefix(f"{prefix}.").removesuffix(".npy") for name in names]
    return {key: read_array(folder, manifest, f"{prefix}.{key}") for key in keys if key != without}


def read_array(folder: Path, manifest: Manifest, name: str) -> NDArray[Any]:
    """Read one array of a snapshot.

    Args:
        folder: The folder of the snapshot.
        manifest: What it is.
        name: Name of the part and, after a dot, of the array.

    Returns:
        The array.

    Raises:
        SpecError: The file is missing or is not as it was written.
    """
    path = folder / f"{name}.npy"
    stored = manifest.files.get(path.name)
    if stored is None:
        raise SpecError(f"{folder / MANIFEST}: names no file {path.name}. {_ADVICE}")
    try:
        size = path.stat().st_size
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. {_ADVICE}") from None
    except (ValueError, EOFError):
        raise SpecError(f"{path}: is not an array of a snapshot. {_ADVICE}") from None
    if size != stored.size or checksum(array) != stored.checksum:
        raise SpecError(f"{path}: is not as it was written: it was changed or cut. {_ADVICE}")
    return array


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_ADVICE = (
    "Put the file back, or remove the folder that it is in and those with higher numbers: the run "
    "then goes on from the snapshot before."
)
