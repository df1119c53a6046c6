"""Kills a party at a chosen moment, starts the same command again, and looks at what comes of it.

Parties are processes forked from one that has imported everything, so that a trial costs no more
than what they compute; their lines, files and deaths are real.
"""

import hashlib
import json
import multiprocessing
import os
import shutil
import socket
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import parquet

from isthmus.crypto import certificates
from isthmus.jobs.party import PARTY_FILE
from isthmus.jobs.trained import write_scoring_job
from isthmus.ledger.record import Record, records
from isthmus.ledger.verify import verify
from isthmus.store.runs import Run
from tests.faults import dying
from tests.faults.small_jobs import ALONE, JOBS, provide

TIMEOUT = 120.0
"""Seconds after which a trial counts as hung; the longest one takes 10 on a quiet machine."""

ATTEMPTS = 4
"""How often a person starts the same command, before the run counts as lost."""

KILLED = -9

LEAVING = 15.0
"""Seconds that a process has to notice that the party which started it has been killed."""

_PRELOADED = [
    *("tests.faults.dying", "isthmus.jobs.run", "isthmus.jobs.aligned.run"),
    *("isthmus.jobs.aligned.scoring", "isthmus.jobs.rounds.run", "isthmus.jobs.report"),
    *("isthmus.vertical.boosting.outcome", "isthmus.vertical.regression.outcome"),
    *("isthmus.horizontal.encoders.system", "isthmus.horizontal.encoders.learner"),
    *("isthmus.horizontal.weighting.system", "isthmus.evaluation.curves"),
    *("isthmus.evaluation.pages.vertical_report", "isthmus.evaluation.pages.rounds_report"),
    *("isthmus.transport.grpc", "sklearn.linear_model", "scipy.optimize", "gmpy2"),
    *("torch._dynamo", "torch.onnx", "matplotlib.backends.backend_svg"),
    *("pyarrow.csv", "pyarrow.parquet", "pyarrow.dataset"),
]

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _context() -> multiprocessing.context.ForkServerContext:
    # Threads do not survive a fork: those of the linear algebra must not begin before it.
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


class WrongEndError(Exception):
    """A run did not end as it should."""

    def __init__(self, verdict: str, why: str) -> None:
        """Say how it ended.

        Args:
            verdict: lost, diverged, hung or left; see `Trial`.
            why: What was seen.
        """
        super().__init__(f"{verdict}: {why}")
        self.verdict = verdict
        self.why = why


@dataclass(frozen=True)
class Outcome:
    """What a run leaves, as far as two runs of the same job have it in common."""

    files: Mapping[str, str]
    """Digest of each file of models, scores and results, by its path."""

    told: Mapping[str, int]
    """How many messages left, by party and type."""

    told_once: frozenset[tuple[str, str, str]]
    """Party, type and digest of messages that a resumed run may repeat, but not change."""


@dataclass
class Place:
    """A folder with a job, its parties and their runs, in which processes are started."""

    name: str
    folder: Path
    parties: Sequence[str]
    job: str = "job.toml"
    running: dict[str, ForkServerProcess] = field(default_factory=dict)
    codes: dict[str, list[int]] = field(default_factory=dict)
    sessions: set[int] = field(default_factory=set)
    """Session of each process that was started: those that it starts itself are in it, too."""

    @classmethod
    def make(cls, name: str, folder: Path) -> "Place":
        """Make the files of a small job."""
        small = JOBS[name]
        if not small.after:
            return cls(name, folder, provide(small, folder))
        place = cls(small.after, folder, provide(small, folder))
        place.play()
        write_scoring_job(
            place.folder / "parties" / place.parties[0] / "runs",
            place.folder / "made" / "score.toml",
        )
        place.name, place.job = name, "score.toml"
        return place

    def copy(self, folder: Path) -> "Place":
        """Another place like this one, whose parties meet at an address of their own."""
        shutil.copytree(self.folder, folder, symlinks=True)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        for party in self.parties:
            if party != ALONE:
                file = folder / "parties" / party / PARTY_FILE
                before = file.read_text()
                address = before.partition('"127.0.0.1:')[2].partition('"')[0]
                file.write_text(before.replace(f"127.0.0.1:{address}", f"127.0.0.1:{port}"))
        return Place(self.name, folder, self.parties, self.job)

    def moments(self, party: str) -> Path:
        """Where a party writes down its moments."""
        return self.folder / f"moments-{party}"

    def start(self, party: str, last: int | None = None) -> None:
        """Start the process of a party."""
        job = self.folder / "made" / self.job
        arguments = [JOBS[self.name].verb, str(job)]
        if party != ALONE:
            arguments += ["--party", str(self.folder / "parties" / party / PARTY_FILE)]
        output = self.folder / f"output-{party}"
        process = _CONTEXT.Process(
            target=dying.play, args=(arguments, self.moments(party), last, output)
        )
        process.start()
        self.running[party] = process
        if process.pid is not None:
            self.sessions.add(process.pid)

    def wait(self) -> str:
        """Wait until a process ends.

        Returns:
            Whose it was.

        Raises:
            WrongEndError: None ends.
        """
        sentinels = {process.sentinel: party for party, process in self.running.items()}
        ready = connection.wait(list(sentinels), TIMEOUT)
        if not ready:
            raise WrongEndError(
                "hung", f"{', '.join(self.running)} did not end in {TIMEOUT:.0f} s.{self.said()}"
            )
        party = sentinels[ready[0]]  # type: ignore[index]
        process = self.running.pop(party)
        process.join()
        self.codes.setdefault(party, []).append(process.exitcode or 0)
        return party

    def play(self, victim: str | None = None, last: Sequence[int] = ()) -> None:
        """Play to the end; a victim dies at the given moments, and is started again each time.

        Args:
            victim: Who dies.
            last: The moment at which each of its processes dies, counted from its start.

        Raises:
            WrongEndError: They did not end, or not all of them well.
        """
        deaths = list(last)
        try:
            for party in self.parties:
                self.start(party, deaths.pop(0) if party == victim and deaths else None)
            while self.running:
                party = self.wait()
                code = self.codes[party][-1]
                if code == KILLED:
                    self.start(party, deaths.pop(0) if deaths else None)
                elif code != 0:
                    self.start_again(party)
            self.check_nothing_left()
        finally:
            self.end()

    def start_again(self, party: str) -> None:
        """Start the same command again, as a person does who sees it fail.

        Args:
            party: Whose it is.

        Raises:
            WrongEndError: It has failed too often.
        """
        deaths = sum(codes.count(KILLED) for codes in self.codes.values())
        if len(self.codes[party]) >= ATTEMPTS + deaths:
            raise WrongEndError("lost", f"exit codes {self.codes}.{self.said()}")
        self.start(party)

    def check_nothing_left(self) -> None:
        """Wait until all that the parties started has ended.

        Raises:
            WrongEndError: Something has not.
        """
        deadline = time.monotonic() + LEAVING
        while left := {pid for pid, session in _sessions() if session in self.sessions}:
            if time.monotonic() > deadline:
                raise WrongEndError("left", f"{len(left)} processes")
            time.sleep(0.05)

    def end(self) -> None:
        """End what still runs."""
        for process in self.running.values():
            process.kill()
            process.join()
        self.running.clear()

    def said(self) -> str:
        """What the parties printed last."""
        outputs = [self.folder / f"output-{party}" for party in self.parties]
        texts = [path.read_text()[-600:] for path in outputs if path.exists()]
        return "\n".join(["", *texts])

    def runs(self, party: str) -> list[Run]:
        """All runs of this job at a party, the oldest first."""
        base = self.folder / "made" if party == ALONE else self.folder / "parties" / party
        name = tomllib.loads((self.folder / "made" / self.job).read_text())["name"]
        found = sorted((base / "runs").glob(f"{name}-20*"))
        return [Run(folder) for folder in found if (folder / "events.jsonl").exists()]

    def outcome(self) -> Outcome:
        """Read what the runs of all parties left.

        Returns:
            Files and messages of all of them.

        Raises:
            WrongEndError: A ledger is not sealed, or a party trained twice.
        """
        files, told = dict[str, str](), Counter[str]()
        told_once = set[tuple[str, str, str]]()
        for party in self.parties:
            run, *others = self.runs(party)
            if others:
                raise WrongEndError("diverged", f"{party} has trained {1 + len(others)} times")
            files |= {f"{party}/{name}": digest for name, digest in _digests(run.folder)}
            if run.ledger.exists():
                sent = _verified(run)
                told.update(f"{party} {record.message}" for record in sent)
                told_once |= {
                    (party, it.message, it.digest) for it in sent if it.message in _REPEATED
                }
        return Outcome(files, told, frozenset(told_once))


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        where = path.relative_to(folder)
        hidden = path.name.startswith(".")  # a killed process had not put it in its place
        if path.is_file() and not hidden and not _NOT_COMPARED.intersection(where.parts):
            yield str(where), hashlib.sha256(_comparable(path)).hexdigest()


def _verified(run: Run) -> list[Record]:
    certificate = run.certificate.read_bytes()

    def check(message: bytes, signature: bytes) -> bool:
        return certificates.verify(certificate, signature, message)

    if not verify(run.ledger, check).sealed:
        raise WrongEndError("diverged", f"{run.ledger} is not sealed")
    return records(run.ledger)


_NOT_COMPARED = {
    *("ledger.jsonl", "events.jsonl", "report.html", "certificate.pem", "checkpoint.npz"),
    *("start.json", "measuring.npz"),
    *("snapshots", "tensorboard", "evidence", "checkpoint.npz.holders", "checkpoint.npz.views"),
}
"""Files and folders that say when, how often and under which keys something was done."""

_OF_AN_ATTEMPT = {
    *("started", "seconds", "egress", "learned", "run", "memory", "throughput"),
    *("digest", "reused"),  # of an update under masks; whether the alignment was found before
    *("confirmation",),  # whether all others had ended, too, when this one had all that it needs
    *("holders",),  # whose receipt of the network has come: one who left may not say it again
}
"""Keys of JSON files that say the same."""

_REPEATED = {
    *("LossScale", "PartialSlope", "PartialNumbers", "PartialPredictor"),
    *("Confirmation", "RoundStart", "RoundUpdate", "Published", "Decisions"),
}
"""Messages that follow from data and job alone: no key, mask or secret seed is in them."""


def _comparable(path: Path) -> bytes:
    if path.suffix == ".npz":
        with np.load(path) as content:
            arrays = {name: content[name] for name in content.files if name != "header"}
        return repr([(name, at.shape, at.tobytes()) for name, at in arrays.items()]).encode()
    if path.suffix == ".json":
        return json.dumps(_plain(json.loads(path.read_bytes())), sort_keys=True).encode()
    if path.suffix == ".parquet":
        columns = parquet.read_table(path).to_pydict()
        if path.name == "index.parquet":  # an alignment has an order of its own, training has not
            columns = {name: sorted(values) for name, values in columns.items()}
        return repr(columns).encode()
    return path.read_bytes()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if "alignment" in value:  # the name of a training of columns is drawn
            value = {name: it for name, it in value.items() if name != "model"}
        return {name: _plain(it) for name, it in value.items() if name not in _OF_AN_ATTEMPT}
    return [_plain(it) for it in value] if isinstance(value, list) else value


def _sessions() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if state != "Z":
                yield int(stat.parent.name), int(session)


@dataclass(frozen=True)
class Trial:
    """What came of one death, or of several in a row."""

    job: str
    victim: str
    moments: tuple[int, ...]
    verdict: str
    """same, lost, diverged, hung or left."""

    why: str = ""


def undisturbed(place: Place, folder: Path) -> tuple[Outcome, dict[str, list[str]]]:
    """Play without a death.

    Args:
        place: What is copied.
        folder: Where to.

    Returns:
        What it left, and the moments of each party.
    """
    whole = place.copy(folder)
    whole.play()
    moments = {party: whole.moments(party).read_text().splitlines() for party in whole.parties}
    return whole.outcome(), moments


def disturbed(
    place: Place, folder: Path, victim: str, moments: Sequence[int], expected: Outcome
) -> Trial:
    """Play with a victim that dies, and compare.

    Args:
        place: What is copied.
        folder: Where to; it is removed, unless something is wrong.
        victim: Who dies.
        moments: At which moment each of its processes dies.
        expected: What a run left that nobody disturbed.

    Returns:
        What came of it.
    """
    verdict, why = "same", ""
    played = place.copy(folder)
    try:
        played.play(victim, moments)
        why = difference(expected, played.outcome())
        verdict = "diverged" if why else "same"
    except WrongEndError as error:
        verdict, why = error.verdict, error.why
    if verdict == "same":
        shutil.rmtree(folder)
    return Trial(place.name, victim, tuple(moments), verdict, why)


def difference(expected: Outcome, found: Outcome) -> str:
    """Returns what two runs do not have in common, in words; empty if all is the same."""
    names = sorted(expected.files.keys() | found.files.keys())
    files = [it for it in names if expected.files.get(it) != found.files.get(it)]
    told = sorted({f"{party} {kind}" for party, kind, _ in expected.told_once ^ found.told_once})
    return "; ".join([*files, *(f"another {kind} was sent" for kind in told)])


_CONTEXT = _context()
