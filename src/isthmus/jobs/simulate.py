"""Every party of a job on this machine, each a process with its own key and folder."""

import math
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import msgspec

from isthmus.core import errors, memory, spec
from isthmus.core.attempts import Attempts
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.crypto import certificates
from isthmus.jobs import report
from isthmus.jobs.examples import CERTIFICATE, KEY
from isthmus.jobs.load import load_job
from isthmus.jobs.party import PARTY_FILE, Identity, Party, PartyPolicy, Peer
from isthmus.jobs.plan import Loaded, PartyPlan
from isthmus.jobs.result import SimulatedResult
from isthmus.store import atomic
from isthmus.store.events import follow
from isthmus.store.runs import Run

Watch = Callable[[str, Event], None]
"""(party, event); called from one thread per party."""


def unwatched(party: str, event: Event) -> None:
    """Drop the event."""


GRACE = 15.0
"""Seconds that the other parties have to end by themselves after one has failed."""


_LAST_WORDS = 4096
"""Bytes that every party has to say on what it failed."""


_UNCOMPARED = {"pooled": "the run was stopped while it was compared"}


@dataclass(frozen=True)
class _Process:
    party: str
    run: Run
    process: subprocess.Popen[bytes]


def simulate(job_file: Path, runs: Path, watch: Watch = unwatched, into: Run | None = None) -> Run:
    """Run a whole job on this machine; each simulation is a new run, whatever has run before.

    Args:
        job_file: The job; beside it, one folder per party with its `party.toml`.
        runs: Folder of runs; the new run is a folder in it, with one folder per party.
        watch: Sees every party's events as they happen.
        into: The new run, where its folder has been made already.

    Returns:
        The run folder, with the joint result.

    Raises:
        SpecError: A file or its data is wrong; no party was started.
        IsthmusError: A party failed; the error is that party's.
    """
    # 1. Check everything here first: the messages are better when nobody has started yet.
    loaded, plans = planned(job_file, (runs.absolute(),))

    # 2. Give every party a folder with its own key, certificate and party file.
    run = into or Run.make(runs, loaded.job.name, loaded.job.digest)
    parties = provide(plans, run.folder)

    # 3. Start them, and watch until the last one ends.
    seconds = play("run" if loaded.trains else "align", job_file, parties, run.folder, watch)

    # 4. Put their results together, beside the same model trained in one place.
    result = loaded.peers.put_together(loaded, run, seconds)
    missing = result.missing | (_UNCOMPARED if loaded.trains else {})
    run.write_json(run.result.name, msgspec.structs.replace(result, missing=missing))
    if into is None:
        run.become_latest()
    if loaded.trains:
        _compare(loaded, plans, run, result)
    return run


def planned(job_file: Path, models: tuple[Path, ...] = ()) -> tuple[Loaded, dict[str, PartyPlan]]:
    """Read and check a job and all its parties.

    Args:
        job_file: The job; beside it, one folder per party with its `party.toml`.
        models: Folders of runs in which earlier simulations left models.

    Returns:
        The job, and the plan of each party by its name.

    Raises:
        SpecError: A file or its data is wrong, or the job has no parties.
    """
    loaded = replace(load_job(job_file), models=models)
    if not loaded.job.parties:
        raise SpecError(
            f"{job_file}: one organisation trains by itself in this job, so there is nobody to "
            f"simulate: use `isthmus run {job_file}`."
        )
    if loaded.online:
        raise SpecError(
            f"{job_file}: in this job {loaded.first!r} asks for scores of single rows, and in a "
            "simulation nobody does: take the table [prediction.online] out to score a data set."
        )
    return loaded, {
        name: cast(PartyPlan, loaded.family.plan(loaded, job_file.parent / name / PARTY_FILE))
        for name in loaded.job.parties
    }


def play(
    verb: str, job_file: Path, parties: Mapping[str, Path], folder: Path, watch: Watch
) -> float:
    """Let every party play its part in a process of its own, and wait until all have ended.

    Args:
        verb: The command that each runs.
        job_file: The job.
        parties: The folder of each party, with its `party.toml`.
        folder: Folder for the runs, one for each party in it.
        watch: Sees every party's events as they happen.

    Returns:
        The seconds that it took.

    Raises:
        IsthmusError: A party failed; the error is that party's.
    """
    started = time.perf_counter()
    with _stopped_at_the_end() as processes:
        with errors.disk_full_is_error(folder), _signals_held_back():
            for party, own in parties.items():
                processes.append(_start(verb, job_file, party, own, folder / party))
        _attend(processes, watch)
    _raise_failure(processes)
    return time.perf_counter() - started


def _compare(
    loaded: Loaded, plans: Mapping[str, PartyPlan], run: Run, result: SimulatedResult
) -> None:
    """Add to a result, and to the reports of all parties, what a simulation alone can compare."""
    attempts = Attempts()
    compared = attempts.find("pooled", lambda: loaded.peers.compare(loaded, plans, run, result))
    whole = compared or result
    missing = whole.missing | attempts.missing
    run.write_json(run.result.name, msgspec.structs.replace(whole, missing=missing))
    for party in loaded.job.parties:
        why = report.attempt(Run(run.folder / party), run)
        missing |= {f"report of {party}": why} if why else {}
    run.write_json(run.result.name, msgspec.structs.replace(whole, missing=missing))


def provide(plans: Mapping[str, PartyPlan], folder: Path) -> dict[str, Path]:
    """Give every party a folder with a key, a certificate and a party file for this machine.

    Args:
        plans: Of every party, by its name.
        folder: Where the folders go.

    Returns:
        The folder of each party.

    Raises:
        DiskError: The disk is full.
    """
    with errors.disk_full_is_error(folder):
        return _provide(plans, folder)


def _provide(plans: Mapping[str, PartyPlan], folder: Path) -> dict[str, Path]:
    folders = {party: folder / party for party in plans}
    for party, own in folders.items():
        own.mkdir(mode=0o700, exist_ok=True)
        if (own / CERTIFICATE).exists():
            continue  # of a search that goes on
        key = certificates.make_key()
        atomic.write(own / KEY, key)
        atomic.write(own / CERTIFICATE, certificates.self_signed(party, key))
    address = f"127.0.0.1:{_free_port()}"
    for party, own in folders.items():
        (own / PARTY_FILE).write_bytes(spec.dump(_adapted(plans[party], address)))
    return folders


def _adapted(plan: PartyPlan, address: str) -> Party:
    """A party file with the keys and addresses of this run, which finds its data from anywhere."""
    party = plan.party.anchored(plan.folder)
    return msgspec.structs.replace(
        party,
        listen=address if plan.listens else None,
        engine="grpc",  # a trial needs no federation
        runs="runs",  # what it keeps of its own is not for a trial to count or to reuse
        policy=_of_trial(party.policy),
        models=(party.runs, *party.models, *map(str, plan.loaded.models)),  # to be tried
        identity=Identity(certificate=CERTIFICATE, private_key=KEY),
        peers={
            peer: Peer(
                certificate=f"../{peer}/{CERTIFICATE}",
                address=address if peer == plan.first else None,
            )
            for peer in plan.job.peers(party.party)
        },
    )


def _of_trial(policy: PartyPolicy) -> PartyPolicy:
    """A search repeats training on this machine, where nobody learns what it did not know."""
    return msgspec.structs.replace(
        policy, label_exposure=math.inf, nodes=None, slopes=None, minimum_difference=0
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _start(verb: str, job_file: Path, party: str, own: Path, into: Path) -> _Process:
    command = [sys.executable, "-m", "isthmus", verb, str(job_file.resolve())]
    command += ["--party", str(own / PARTY_FILE), "--into", str(into)]
    into.mkdir(mode=0o700, exist_ok=True)
    with (into / "stderr.log").open("wb") as log:
        log.write(b" " * _LAST_WORDS)  # written over: a party that filled the disk can still say so
        log.seek(0)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    return _Process(party, Run(into), process)


@contextmanager
def _stopped_at_the_end() -> Generator[list[_Process]]:
    """Stop the processes in a list at the end of the block, however it ends."""
    processes = list[_Process]()
    try:
        yield processes
    finally:
        _stop(processes)


@contextmanager
def _signals_held_back() -> Generator[None]:
    """Let signals wait until the block ends: no process is started that nobody knows of."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are not ours to handle
        return
    held = list[int]()
    stopping = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in stopping}
    for number in stopping:
        signal.signal(number, lambda number, _: held.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for each in held:
        signal.raise_signal(each)


def _stop(processes: list[_Process]) -> None:
    for started in processes:
        if started.process.poll() is None:
            started.process.terminate()
            started.process.wait()


def _attend(processes: list[_Process], watch: Watch) -> None:
    """Pass events on until all have ended; when one fails, give the others a moment, then stop."""

    def attend(started: _Process) -> None:
        for event in follow(started.run.events, lambda: started.process.poll() is not None):
            watch(started.party, event)

    with ThreadPoolExecutor(len(processes)) as pool:
        try:
            attended = [pool.submit(attend, started) for started in processes]
            _wait(processes)
            for future in attended:
                future.result()
        finally:  # the threads end with the processes that they follow
            _stop(processes)


def _wait(processes: list[_Process]) -> None:
    deadline = math.inf
    while any(started.process.poll() is None for started in processes):
        if any(started.process.poll() for started in processes):
            deadline = min(deadline, time.monotonic() + GRACE)
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _raise_failure(processes: list[_Process]) -> None:
    """Raise what a party said; its own fault comes before what the others saw of it."""
    failed = [started for started in processes if started.process.returncode]
    if not failed:
        return
    first = min(failed, key=lambda started: _precedence(started.process.returncode))
    said = (first.run.folder / "stderr.log").read_text(errors="replace").strip().splitlines()
    short = memory.of_process(f"party {first.party!r}", first.process.returncode)
    if short is not None:
        raise short
    text = said[-1].removeprefix("isthmus: ") if said else "it ended without a word"
    raise errors.of_exit_code(first.process.returncode)(f"party {first.party!r} stopped: {text}")


def _precedence(code: int) -> tuple[bool, int]:
    """Own faults first, then what a party saw of another one, then who was killed."""
    seen = code < 0 or code in {errors.PeerError.exit_code, errors.ChannelError.exit_code}
    return seen, abs(code)
