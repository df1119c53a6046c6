"""How near is the forecast of memory to what runs take?

Each job is run by the command line, each party in a process of its own; the peak is what Linux
calls VmHWM, read until the process ends.
"""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measurement import Measurement, Row
from benchmarks.memory_jobs import Case, cases
from isthmus.core.errors import IsthmusError
from isthmus.jobs.load import load_job, make_plan
from isthmus.jobs.party import PARTY_FILE
from isthmus.jobs.plan import PartyPlan
from isthmus.jobs.simulate import provide

_PAUSE = 0.03
"""Seconds between two looks at a process; its peak never falls."""


def measure(chosen: Sequence[Case] | None = None) -> Measurement:
    """Run every job, and compare its peak with the forecast.

    Args:
        chosen: The jobs; all if there are none.

    Returns:
        The comparison.
    """
    table = list[Row]()
    for case in chosen or cases():
        with TemporaryDirectory() as folder:
            case.write(Path(folder), case.size)
            table += [_row(case, *found) for found in _peaks(Path(folder))]
    ratios = [float(row["forecast / peak"]) for row in table]
    return Measurement(
        answer=f"Forecasts are {min(ratios):.2f} to {max(ratios):.2f} times the peak.",
        tables={"Megabytes of one process": table},
        notes=[
            "Forecast: the row `memory` of `isthmus check`. Peak: VmHWM of `isthmus run`, read "
            "until the process ends, with report and comparisons.",
            "Two parties of a joint job: 2,048-bit keys, cryptographic alignment, one round or two "
            "trees. Encoders: two hidden layers of 512 units, one round. Multitask: ids drawn by "
            "Zipf's law, in one process. Multilingual: a tiny transformer, 20 steps.",
            "Rows are made up; columns are those of each party.",
        ],
        falls_short=[
            "Not measured: Ray's processes (reckoned at 400 MB each), GPUs, image and text "
            "networks, three parties or more, alignment in enclaves, and texts of a `.gz` corpus "
            "(reckoned at four times their file).",
            "Under `ulimit -v` all addresses count, those of threads too: 72 MiB a core and 128 "
            "MiB come on top, so that a limit somewhat above the need may be refused.",
        ],
    )


def _row(case: Case, party: str, forecast: int, peak: int) -> Row:
    return {
        "job": case.system + (f", {party}" if party else ""),
        "rows": case.size.rows,
        "columns": case.size.columns,
        "forecast": round(forecast / 1e6),
        "peak": round(peak / 1e6),
        "forecast / peak": forecast / peak,
    }


def _peaks(folder: Path) -> list[tuple[str, int, int]]:
    """Run the job in a folder.

    Args:
        folder: Has `job.toml`, and a folder for each party.

    Returns:
        Party, forecast and peak of each process.

    Raises:
        IsthmusError: A process failed.
    """
    job = folder / "job.toml"
    forecasts, commands = _prepared(folder, job)
    logs = {party: folder / f"{party or 'run'}.log" for party in commands}
    processes = dict[str, subprocess.Popen[bytes]]()
    for party, command in commands.items():
        with logs[party].open("wb") as log:
            processes[party] = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                command, stdout=log, stderr=log
            )
    peaks = dict.fromkeys(processes, 0)
    while any(process.poll() is None for process in processes.values()):
        for party, process in processes.items():
            peaks[party] = max(peaks[party], _resident(process.pid))
        time.sleep(_PAUSE)
    for party, process in processes.items():
        if process.returncode:
            raise IsthmusError(f"{party}: {logs[party].read_text()[-500:]}")
    return [(party, forecasts[party], peaks[party]) for party in processes]


def _prepared(folder: Path, job: Path) -> tuple[Mapping[str, int], Mapping[str, list[str]]]:
    """Returns the forecast and the command of each process."""
    loaded, begin = load_job(job), [sys.executable, "-m", "isthmus", "run", str(job)]
    if not loaded.job.parties:
        plan = make_plan(job)
        return {"": loaded.family.peak(plan)}, {"": begin}
    plans = dict[str, PartyPlan]()
    for party in loaded.job.parties:
        plan = make_plan(job, folder / party / PARTY_FILE)
        assert isinstance(plan, PartyPlan)
        plans[party] = plan
    place = folder / "home"
    place.mkdir()
    own = provide(plans, place)
    commands = {party: [*begin, "--party", str(own[party] / PARTY_FILE)] for party in own}
    return {party: loaded.family.peak(plan) for party, plan in plans.items()}, commands


def _resident(process: int) -> int:
    """The most bytes that a process had in memory so far; 0 when it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
