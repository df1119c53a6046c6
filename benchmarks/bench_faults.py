"""What becomes of a run when a party is killed, at any moment of any system?

`FAULTS` names the file of trials, a line each: trials in it are not made again. `SECONDS` ends the
measurement early, and the same command goes on where it was; `EVERY` tries each so-manieth moment.
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks.measurement import Measurement, Row
from isthmus.crypto import keys
from tests.faults.killing import Outcome, Place, Trial, disturbed, undisturbed
from tests.faults.small_jobs import JOBS

TRIALS = Path(os.environ.get("FAULTS", "runs/faults.jsonl"))
SECONDS = float(os.environ.get("SECONDS", "inf"))
EVERY = int(os.environ.get("EVERY", "1"))

TOGETHER = 4
"""Trials at a time: most of a trial is waiting for those who are gone."""

VERDICTS = ("same", "lost", "diverged", "hung", "left")

LEAST = 300
"""Deaths that are to be tried, over all systems."""


@dataclass(frozen=True)
class Planned:
    """A death that is to be tried."""

    place: Place
    folder: Path
    victim: str
    moment: int
    expected: Outcome


def measure(names: Sequence[str] = tuple(JOBS)) -> Measurement:
    """Try deaths that have not been tried, and count those of all times.

    Args:
        names: Of the small jobs.

    Returns:
        The measurement.
    """
    os.environ.setdefault(keys.TEST_KEY_BITS, "1024")
    deadline = time.monotonic() + SECONDS
    TRIALS.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, ThreadPoolExecutor(TOGETHER) as pool:
        known = {(it.job, it.victim, it.moments) for it in read()}
        planned = pool.map(lambda name: list(plan(name, Path(folder), known)), names)
        for trial in pool.map(
            lambda each: attempt(each, deadline),
            [each for group in zip_longest(*planned) for each in group if each],
        ):
            if trial is not None:
                with TRIALS.open("ab") as file:
                    file.write(msgspec.json.encode(trial) + b"\n")
    return summed(read())


def plan(
    name: str, folder: Path, known: set[tuple[str, str, tuple[int, ...]]]
) -> Iterator[Planned]:
    """Yields the deaths of a job that have not been tried."""
    here = folder / str(list(JOBS).index(name))
    place = Place.make(name, here / "made")
    expected, moments = undisturbed(place, here / "whole")
    for victim in place.parties[:2]:  # all children of a master do the same
        for moment in range(1, len(moments[victim]) + 1, EVERY):
            if (name, victim, (moment,)) not in known:
                yield Planned(place, here / f"{victim}-{moment}", victim, moment, expected)


def attempt(planned: Planned, deadline: float) -> Trial | None:
    """Try a death, unless the time is over."""
    if time.monotonic() > deadline:
        return None
    return disturbed(
        planned.place, planned.folder, planned.victim, [planned.moment], planned.expected
    )


def read() -> list[Trial]:
    """All trials so far."""
    if not TRIALS.exists():
        return []
    return [msgspec.json.decode(line, type=Trial) for line in TRIALS.read_bytes().splitlines()]


def summed(trials: Sequence[Trial]) -> Measurement:
    """Count what came of the trials."""
    rows = list[Row]()
    for name in [*JOBS, "all"]:
        of = [it for it in trials if name in {it.job, "all"}]
        if of:
            counts = {verdict: sum(it.verdict == verdict for it in of) for verdict in VERDICTS}
            rows.append(Row(job=name, killed=len(of), **counts))
    wrong = [it for it in trials if it.verdict != "same"]
    counted = ", ".join(f"{rows[-1][verdict]} {verdict}" for verdict in VERDICTS[1:])
    short = [
        f"{it.job}, {it.victim or 'the process'} killed at moment {it.moments[0]}: {it.verdict}"
        for it in wrong
    ]
    if len(trials) < LEAST:
        short.append(f"{len(trials)} deaths were tried, and {LEAST} were to be.")
    return Measurement(
        answer=f"Of {len(trials)} runs of which a party was killed and started again, "
        f"{rows[-1]['same']} ended as if nobody had been: {counted}.",
        tables={"Runs by what came of them": rows},
        notes=[
            "A death is SIGKILL when a message is about to leave and is in the ledger, when one "
            "has come, and when a file or folder has been put in its place; see "
            "`tests/faults/dying.py`. Killed are the party that listens and the first other one.",
            "Whoever ends without success is started again by the same command, four times at "
            "most. `lost`: that did not bring all to an end. `hung`: nothing happened for two "
            "minutes. `left`: a process outlived the party that started it.",
            "`same`: model, scores, metrics and index are equal bit for bit to those of a run that "
            "nobody disturbed, each ledger is whole, sealed and signed, nobody trained twice, and "
            "no message that follows from the data left with other values than there. `diverged`: "
            "anything else. Not compared are names of a training, times, and counts of messages.",
            "Real processes, certificates, lines under TLS and files; keys of 1,024 bits, jobs of "
            "160 rows, 40 images or 300 texts (`tests/faults/small_jobs.py`). Processes are forked "
            "from one that has imported the libraries.",
        ],
        falls_short=short,
    )
