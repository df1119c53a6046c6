"""How long does a command take to start, beside commands of our peers?

CPU seconds of whole processes, the least of several runs in turn, and modules that they load.
`BEFORE` names the folder `src` of an older checkout, whose seconds then stand beside ours.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measurement import Measurement, Row

ROOT = Path(__file__).parents[1]
JOB = "examples/health/job.toml"
RUNS = 5

OURS: Mapping[str, Sequence[str]] = {
    "import isthmus": ["-c", "import isthmus"],
    "isthmus --help": ["-m", "isthmus", "--help"],
    "isthmus schema job": ["-m", "isthmus", "schema", "job"],
    f"isthmus check {JOB}": ["-m", "isthmus", "check", JOB],
}
THEIRS: Mapping[str, Sequence[str]] = {
    "python -c pass": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import sklearn.linear_model": ["-c", "import sklearn.linear_model"],
    "flwr --version": ["-c", "from flwr.cli.app import app; app(['--version'])"],
}
ENGINES = ("numpy", "sklearn", "scipy", "pyarrow", "cryptography", "torch", "grpc", "matplotlib")

AIMS = {"import isthmus": 0.1, f"isthmus check {JOB}": 0.6}
"""CPU seconds beyond those of an empty interpreter."""


def measure(runs: int = RUNS) -> Measurement:
    """Start every command several times, in turn.

    Args:
        runs: How often.

    Returns:
        The measurement.
    """
    before = os.environ.get("BEFORE")
    cpu: dict[str, list[float]] = {}
    older: dict[str, list[float]] = {}
    for _ in range(runs):
        for name, command in {**OURS, **THEIRS}.items():
            cpu.setdefault(name, []).append(seconds(command))
            if before and name in OURS:
                older.setdefault(name, []).append(seconds(command, before))
    least = {name: min(found) for name, found in cpu.items()}
    empty = least["python -c pass"]
    found = [_row(name, least[name], empty, older.get(name)) for name in OURS]
    missed = [
        f"`{name}` takes {least[name] - empty:.2f} CPU s beyond an empty interpreter, aim {aim} s."
        for name, aim in AIMS.items()
        if least[name] - empty >= aim
    ]
    check = least[f"isthmus check {JOB}"] - empty
    flower, learn = (least[name] - empty for name in ("flwr --version", THEIRS_LEARN))
    return Measurement(
        answer=f"`isthmus check` of the demo's job takes {check:.2f} CPU s beyond an empty "
        f"interpreter: {check / flower:.2f} times `flwr --version`, {check / learn:.2f} times "
        "importing scikit-learn's linear models.",
        tables={
            "Ours": found,
            "Peers, in the same run": [
                {"command": name, "CPU s": round(least[name], 3)} for name in THEIRS
            ],
        },
        notes=[
            f"CPU seconds (user and system) of the whole process, the least of {runs} runs; all "
            "commands in turn.",
            "An empty interpreter is part of each figure; the aims are beyond it.",
            "`engines loaded` of: " + ", ".join(ENGINES) + ".",
            "`before` is revision 5c15fa5: `git worktree add ../before 5c15fa5`, then "
            "`BEFORE=../before/src make bench NAME=start`.",
        ],
        falls_short=missed,
    )


THEIRS_LEARN = "import sklearn.linear_model"


def _row(name: str, ours: float, empty: float, older: Sequence[float] | None) -> Row:
    row: Row = {
        "command": name,
        "CPU s": round(ours, 3),
        "beyond an empty interpreter": round(ours - empty, 3),
        "modules": modules(OURS[name]),
        "engines loaded": ", ".join(loaded(OURS[name])) or "none",
    }
    return row | ({"CPU s before": round(min(older), 3)} if older else {})


def seconds(command: Sequence[str], source: str | None = None) -> float:
    """CPU seconds of a command of Python.

    Args:
        command: What follows the name of the interpreter.
        source: Folder that our package is taken from, if not the installed one.

    Returns:
        User and system time.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(command, source)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def modules(command: Sequence[str]) -> int:
    """How many modules a command loads."""
    return len(_imported(command))


def loaded(command: Sequence[str]) -> list[str]:
    """Which engines a command loads."""
    found = _imported(command)
    return [name for name in ENGINES if name in found]


def _imported(command: Sequence[str]) -> set[str]:
    lines = _run(["-X", "importtime", *command]).stderr.splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def _run(command: Sequence[str], source: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"PYTHONPATH": source} if source else {})
    return subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
