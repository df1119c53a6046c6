"""Folders of runs: how one is named, made and locked, which is the newest, and the link to it."""

import fcntl
import os
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile

from isthmus.core.errors import SpecError, disk_full_is_error

LATEST = "latest"
"""Name of the link to the newest run in a folder of runs."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_BEGAN = re.compile(r"-(?P<time>[0-9]{8}-[0-9]{6})-[0-9a-f]{6}(-(?P<number>[0-9]+))?$")

_ROOM = 2**20
"""Bytes without which a disk counts as full: a ledger and a checkpoint of a small run."""


def make(runs: Path, job: str, digest: str) -> Path:
    """Make the folder of a new run.

    Args:
        runs: The folder of all runs of a party; it is created where there is none.
        job: Name of the job.
        digest: The job's digest, in hex.

    Returns:
        `<job>-<UTC date and time>-<digest>` in `runs`.

    Raises:
        SpecError: The job's name cannot be part of a file name, or `runs` cannot be written.
    """
    if not _NAME.fullmatch(job):  # the job file may come from another party: no `../`
        raise SpecError(
            f"The job's name {job!r} cannot be part of a file name. "
            "Use letters, digits, dots, dashes and underscores."
        )
    name = f"{job}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{digest[:6]}"
    with _writing(runs):
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _make_unique(runs, name)


def open_or_make(folder: Path) -> None:
    """Make a folder that the caller chose, unless it is there.

    Args:
        folder: The run folder.

    Raises:
        SpecError: It cannot be made, or cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass  # it can be written
    except (OSError, ValueError) as error:  # a ValueError: the path holds a zero byte
        reason = error.strerror if isinstance(error, OSError) else error
        raise SpecError(f"{folder}: cannot be written: {reason}. Choose another folder.") from None


def become_latest(folder: Path) -> None:
    """Let `latest` beside a run folder point to it."""
    with _writing(folder.parent):
        link = folder.parent / f".{LATEST}-{folder.name}"
        link.symlink_to(folder.name)
        link.replace(folder.parent / LATEST)


def of_job(runs: Path, job: str, digest: str) -> list[Path]:
    """Returns the folders of a job's runs, the newest first."""
    return newest_first(runs.glob(f"{job}-*-{digest[:6]}*"))


def newest_first(folders: Iterable[Path]) -> list[Path]:
    """Returns run folders by when their runs began."""
    return sorted(folders, key=_age, reverse=True)


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Lock a run folder while the block runs.

    Args:
        folder: The folder.

    Yields:
        Nothing; the operating system frees the lock however this process ends.

    Raises:
        SpecError: Another process holds the lock.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def check_writable(folder: Path) -> None:
    """Try to write where a run will write; nothing stays behind.

    Args:
        folder: A folder, which need not be there yet.

    Raises:
        DiskError: The disk is full.
        SpecError: The folder cannot be made, or cannot be written.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    with _writing(folder), disk_full_is_error(folder), TemporaryFile(dir=place) as file:
        file.write(bytes(_ROOM))


@contextmanager
def _writing(runs: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise SpecError(
            f"{runs}: cannot be written: {error.strerror}. Choose another runs folder."
        ) from None


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SpecError(
            f"{folder}: another process is running this job here. Wait until it ends, or stop it."
        ) from None


def _make_unique(runs: Path, name: str) -> Path:
    folder, number = runs / name, 1
    while True:
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
            folder = runs / f"{name}-{number}"
        else:
            return folder


def _age(folder: Path) -> tuple[str, int]:
    """Sorts runs by when they began; those of one second have numbers."""
    found = _BEGAN.search(folder.name)
    return (found["time"], int(found["number"] or 1)) if found else ("", 0)
