"""The folder of one run at one party, readable by its owner only.

| file                | what it is                                              |
|---------------------|---------------------------------------------------------|
| ledger.jsonl        | every message that left (isthmus.ledger)                |
| events.jsonl        | progress and metrics, while it runs (isthmus.store.events) |
| checkpoint.npz      | where to resume (isthmus.store.checkpoint)              |
| index.parquet       | which rows are shared                                   |
| evidence/           | what the enclaves of an alignment proved                |
| model.json          | this party's part of the model                          |
| network/            | or the network that all trained, for plain PyTorch      |
| rounds.json         | what each round took in and came to, at a master        |
| trained.npz         | what all rounds came to, before it is measured          |
| learned.json        | who learned what, where Flower carries the rounds       |
| supernode.log       | what Flower says of itself, at a child                  |
| result.json         | metrics and timings; a run without it is unfinished     |
| certificate.pem     | what the ledger's seal is checked with                  |
| predictions.parquet | scores                                                  |
| report.html         | all of it for people                                    |
"""

import fcntl
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.store import atomic
from isthmus.store.encoding import to_json

T = TypeVar("T")

LATEST = "latest"
"""The link in a runs folder that names its newest run."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Run:
    """One run folder and the files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = folder / "ledger.jsonl"
        self.events = folder / "events.jsonl"
        self.checkpoint = folder / "checkpoint.npz"
        self.index = folder / "index.parquet"
        self.model = folder / "model.json"
        self.network = folder / "network"
        self.rounds = folder / "rounds.json"
        self.trained = folder / "trained.npz"
        self.learned = folder / "learned.json"
        self.supernode = folder / "supernode.log"
        self.result = folder / "result.json"
        self.certificate = folder / "certificate.pem"
        self.predictions = folder / "predictions.parquet"
        self.report = folder / "report.html"

    def evidence(self, party: str, dataset: str) -> Path:
        """Where evidence of a party's enclave goes.

        Args:
            party: Its name.
            dataset: Name of the data set that it helped to align.

        Returns:
            The file, in a folder that exists.
        """
        folder = self.folder / "evidence"
        with disk_full_is_error(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{party}.{dataset}.json"  # no name holds a dot

    @classmethod
    def create(cls, runs: Path, job: str, digest: str) -> "Run":
        """Make the folder of a new run, and let `latest` point to it.

        Args:
            runs: The folder of all runs of a party; it is created where there is none.
            job: Name of the job.
            digest: The job's digest, in hex.

        Returns:
            The run, `<job>-<UTC date and time>-<digest>`.

        Raises:
            SpecError: The job's name cannot be part of a file name, or `runs` cannot be written.
        """
        if not _NAME.fullmatch(job):  # the job file comes from the other party: no `../` in here
            raise SpecError(
                f"The job's name {job!r} cannot be part of a file name. "
                "Use letters, digits, dots, dashes and underscores."
            )
        name = f"{job}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{digest[:6]}"
        try:
            runs.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = _make_unique(runs, name)
            _link_latest(folder)
        except OSError as error:
            raise SpecError(
                f"{runs}: cannot be written: {error.strerror}. Choose another runs folder."
            ) from None
        return cls(folder)

    @classmethod
    def unfinished(cls, runs: Path, job: str, digest: str) -> "Run | None":
        """The newest run of a job, if it was cut off before it had a result.

        Args:
            runs: The folder of all runs of a party.
            job: Name of the job.
            digest: The job's digest, in hex.

        Returns:
            The run to go on with, or None.
        """
        newest = max(runs.glob(f"{job}-*-{digest[:6]}*"), default=None, key=lambda run: run.name)
        run = cls(newest) if newest else None
        return run if run and not run.result.exists() else None

    @classmethod
    def at(cls, folder: Path) -> "Run":
        """A run in a folder that the caller chose.

        Args:
            folder: Where; it is created where there is none.

        Returns:
            The run, whether something of it is there already or not.

        Raises:
            SpecError: The folder cannot be made.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SpecError(
                f"{folder}: cannot be written: {error.strerror}. Choose another folder."
            ) from None
        return cls(folder)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep every other process from running here while the block does.

        Yields:
            Nothing; the system lets go of the folder however the process ends.

        Raises:
            SpecError: Another process is running here.
        """
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            self._lock(folder)
            yield
        finally:
            os.close(folder)

    @contextmanager
    def in_turn(self) -> Generator[None]:
        """Wait until no other process that does a part of this run is at it, and keep them waiting.

        Yields:
            Nothing; who waits goes on however this process ends.
        """
        with self.events.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _lock(self, folder: int) -> None:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SpecError(
                f"{self.folder}: another process is running this job here. Wait until it ends, or "
                "stop it."
            ) from None

    def write_json(self, name: str, value: object) -> None:
        """Write a value as JSON that `read_json` reads back.

        Args:
            name: File name, for example `"result.json"`.
            value: A struct, or anything else that msgspec encodes.
        """
        text = msgspec.json.format(to_json(value), indent=2)
        atomic.write(self.folder / name, text + b"\n")

    def read_json(self, name: str, kind: type[T]) -> T:
        """Read what `write_json` wrote.

        Args:
            name: File name.
            kind: The type of the value.

        Returns:
            The value.

        Raises:
            SpecError: The file is missing, or is not a `kind`.
        """
        path = self.folder / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except OSError as error:
            raise SpecError(
                f"{path}: cannot be read: {error.strerror}. "
                "Has this run finished? `isthmus run` writes the file at its end."
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = getattr(kind, "__name__", "Result")  # only results are of several types
            raise SpecError(
                f"{path}: is not the {what} of a run: {error}. "
                "It was changed, or written by another version; run the job again."
            ) from None


def find(path: Path) -> Run:
    """Open a run that is there already.

    Args:
        path: A run folder, or a folder of runs, which stands for its latest run.

    Returns:
        The run.

    Raises:
        SpecError: There is no run.
    """
    folder = path / LATEST if (path / LATEST).is_symlink() else path
    run = Run(folder.resolve())
    traces = (run.ledger, run.events, run.result, *folder.glob(f"*/{run.ledger.name}"))
    if not any(trace.exists() for trace in traces):
        raise SpecError(
            f"{path}: holds no run. Give a run folder, or the folder of runs for its latest one."
        )
    return run


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


def _link_latest(folder: Path) -> None:
    link = folder.parent / f".{LATEST}-{folder.name}"
    link.symlink_to(folder.name)
    link.replace(folder.parent / LATEST)
