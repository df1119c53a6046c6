"""The folder of one run at one party, readable by its owner only.

| file                | what it is                                              |
|---------------------|---------------------------------------------------------|
| job.json            | the job, as it was when the run began                   |
| start.json          | the command that began it, and the digest of its data   |
| ledger.jsonl        | every message that left (isthmus.ledger)                |
| events.jsonl        | progress and metrics, while it runs (isthmus.store.events) |
| checkpoint.npz      | where to resume (isthmus.store.checkpoint)              |
| index.parquet       | which rows are shared                                   |
| evidence/           | what the enclaves of an alignment proved                |
| model.json          | this party's part of the model                          |
| columns.json        | how this party's columns became numbers                 |
| preparation.json    | how these were prepared for training, in a job that does |
| scorecard.json      | points of each bin of this party's columns, in a job with a scorecard |
| reasons.parquet     | which of this party's columns cost each scored row most points |
| trained_groups.json | how the rows trained on spread, for rows scored later   |
| model/              | or a model with tables of rows, and its layers          |
| snapshots/          | where the training of such a model resumes              |
| network/            | or the network that all parties trained, for plain PyTorch |
| rounds.json         | updates and results of each round, at a master          |
| measuring.npz       | what figures are computed from, until they are          |
| trained.npz         | the parameters after the last round, before they are measured |
| learned.json        | what parties learned from messages, if Flower carries the rounds |
| supernode.log       | log of Flower's SuperNode, at a child                   |
| result.json         | metrics and timings; a run without it is unfinished     |
| certificate.pem     | the certificate that verifies the ledger's seal         |
| predictions.parquet | predictions of the test rows                            |
| predictions.csv     | the same as CSV, where the party file asks for it       |
| report.html         | the report, for people                                  |
"""

import fcntl
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from isthmus.core.broken import fault
from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.store import atomic, run_folders
from isthmus.store.encoding import to_json
from isthmus.store.run_folders import LATEST, newest_first

T = TypeVar("T")

UNMEASURED = {"metrics": "the run was stopped while it was measured"}
"""What is missing in a result that was stored before anything was measured, and why."""

UNCONFIRMED = {
    "confirmation": "the run ended before all parties had said that they have what they need"
}
"""Likewise, before the other parties have said that all of theirs is stored, too."""


class _Result(msgspec.Struct):
    """The part of a result that says what is missing in it."""

    missing: dict[str, str] = {}


class Run:
    """One run folder and the files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job = folder / "job.json"
        self.start = folder / "start.json"
        self.ledger = folder / "ledger.jsonl"
        self.events = folder / "events.jsonl"
        self.checkpoint = folder / "checkpoint.npz"
        self.index = folder / "index.parquet"
        self.model = folder / "model.json"
        self.columns = folder / "columns.json"
        self.preparation = folder / "preparation.json"
        self.scorecard = folder / "scorecard.json"
        self.reasons = folder / "reasons.parquet"
        self.trained_groups = folder / "trained_groups.json"
        self.network = folder / "network"
        self.tables = folder / "model"
        self.snapshots = folder / "snapshots"
        self.rounds = folder / "rounds.json"
        self.measuring = folder / "measuring.npz"
        self.trained = folder / "trained.npz"
        self.learned = folder / "learned.json"
        self.supernode = folder / "supernode.log"
        self.result = folder / "result.json"
        self.certificate = folder / "certificate.pem"
        self.predictions = folder / "predictions.parquet"
        self.predictions_csv = folder / "predictions.csv"
        self.report = folder / "report.html"

    def evidence(self, party: str, dataset: str) -> Path:
        """Returns the path for the evidence of a party's enclave; makes its folder.

        Args:
            party: Name of the party.
            dataset: Name of the data set that the enclave helped to align.

        Returns:
            The file, in a folder that exists.
        """
        folder = self.folder / "evidence"
        with disk_full_is_error(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{party}.{dataset}.json"  # no name holds a dot

    @classmethod
    def create(cls, runs: Path, job: str, digest: str) -> "Run":
        """Make the folder of a new run, and point the link `latest` to it.

        Args:
            runs: The folder of all runs of a party; it is created if there is none.
            job: Name of the job.
            digest: The job's digest, in hex.

        Returns:
            The run, `<job>-<UTC date and time>-<digest>`.

        Raises:
            SpecError: The job's name cannot be part of a file name, or `runs` cannot be written.
        """
        run = cls.make(runs, job, digest)
        run.become_latest()
        return run

    @classmethod
    def make(cls, runs: Path, job: str, digest: str) -> "Run":
        """Make the folder of a new run, as `create` does, but leave `latest` as it is.

        Args:
            runs: The folder of all runs of a party; it is created where there is none.
            job: Name of the job.
            digest: The job's digest, in hex.

        Returns:
            The run.

        Raises:
            SpecError: The job's name cannot be part of a file name, or `runs` cannot be written.
        """
        return cls(run_folders.make(runs, job, digest))

    def become_latest(self) -> None:
        """Let `latest` in the folder of all runs point to this one."""
        run_folders.become_latest(self.folder)

    @property
    def unmeasured(self) -> bool:
        """Whether the run was stopped after its model was stored, while it was measured."""
        return self._misses(UNMEASURED)

    @property
    def unconfirmed(self) -> bool:
        """Whether the run ended before other parties had said that all is stored there."""
        return self._misses(UNCONFIRMED)

    @property
    def finished(self) -> bool:
        """Whether nothing of the run is left to be done, but perhaps its report."""
        return self.result.exists() and not self.unmeasured and not self.unconfirmed

    def _misses(self, what: Mapping[str, str]) -> bool:
        try:
            missing = self.read_json(self.result.name, _Result).missing
        except SpecError:  # there is none, or somebody has changed it
            return False
        return what.items() <= missing.items()

    @classmethod
    def of_job(cls, runs: Path, job: str, digest: str) -> "list[Run]":
        """Returns the runs of a job, finished or not, the newest first.

        Args:
            runs: The folder of all runs of a party.
            job: Name of the job.
            digest: The job's digest, in hex.

        Returns:
            The runs.
        """
        return [cls(folder) for folder in run_folders.of_job(runs, job, digest)]

    @classmethod
    def at(cls, folder: Path) -> "Run":
        """Returns a run in a folder that the caller chose.

        Args:
            folder: The run folder; it is created if there is none.

        Returns:
            The run, new or existing.

        Raises:
            SpecError: The folder cannot be made.
        """
        run_folders.open_or_make(folder)
        return cls(folder)

    def locked(self) -> AbstractContextManager[None]:
        """Returns the lock of the folder; a SpecError where another process holds it."""
        return run_folders.locked(self.folder)

    @contextmanager
    def in_turn(self) -> Generator[None]:
        """Wait for a lock that processes of the same run share, and hold it while the block runs.

        Yields:
            Nothing; the operating system frees the lock however this process ends.
        """
        with self.events.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def write_json(self, name: str, value: object) -> None:
        """Write a value as JSON, for `read_json`.

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
                f"{path}: is not the {what} of a run: {fault(error)}. "
                "It was changed, or written by another version; run the job once more with --again."
            ) from None


def find(path: Path) -> Run:
    """Open an existing run.

    Args:
        path: A run folder, or a folder of runs for its latest run.

    Returns:
        The run.

    Raises:
        SpecError: There is no run.
    """
    with suppress(OSError, ValueError):  # the path is too long, or holds a zero byte
        folder = path / LATEST if (path / LATEST).is_symlink() else path
        run = Run(folder.resolve())
        traces = (run.ledger, run.events, run.result, *folder.glob(f"*/{run.ledger.name}"))
        if any(trace.exists() for trace in traces):
            return run
    raise SpecError(
        f"{str(path)[:200]}: holds no run. Give a run folder, or the folder of runs for its latest "
        "one."
    )


def candidates(path: Path) -> list[Run]:
    """Find the runs that a path may mean.

    Args:
        path: A run folder, or a folder of runs.

    Returns:
        That run; or the runs in the folder, the latest one first, then the newest.

    Raises:
        SpecError: There is no run.
    """
    folders = list[Path]()
    if (path / LATEST).is_symlink():
        folders = [each for each in path.iterdir() if each.is_dir() and not each.is_symlink()]
    others = [Run(each) for each in newest_first(folders)]
    if others and not (path / LATEST).exists():  # somebody has removed the latest one
        return others
    first = find(path)
    return [first, *(run for run in others if run.folder.resolve() != first.folder)]
