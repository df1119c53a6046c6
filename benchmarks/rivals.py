"""Rivals whose libraries we do not want beside ours: each lives in an environment of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from benchmarks.cost import Cost, Run
from isthmus.core.errors import SpecError

CostT = TypeVar("CostT")

SPU = "spu==0.9.5"
POLARS = "polars==2.1.0"

PYTHON = "python3.11"
"""The newest that spu has wheels for."""

FOLDER = "ISTHMUS_RIVALS"
"""Environment variable: a folder to keep the environments in; without it they are thrown away."""

INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")

PATIENCE = 300.0
"""Seconds that a process of a rival may take."""

_GLANCE = 0.05  # seconds between two looks at whether processes have ended


@contextmanager
def installed(requirement: str, pins: Path | None = None) -> Iterator[Path]:
    """Make an environment for a rival.

    Args:
        requirement: Name and version, as pip takes them.
        pins: A file of all that goes in, the rival too; none: pip finds what the rival needs.

    Yields:
        The interpreter of the environment.

    Raises:
        SpecError: It cannot be made on this machine.
    """
    with TemporaryDirectory() as thrown_away:
        folder = Path(os.environ.get(FOLDER, thrown_away)).absolute() / requirement
        python = folder / "bin" / "python"
        wanted = [requirement] if pins is None else ["--no-deps", "-r", pins]
        try:
            subprocess.run([PYTHON, "-m", "venv", folder], check=True)  # noqa: S603 - our own arguments
            subprocess.run([python, *INSTALL, *wanted], check=True)  # noqa: S603 - likewise
        except (OSError, subprocess.CalledProcessError) as error:
            raise SpecError(
                f"{requirement} could not be installed: it takes {PYTHON} and a package index."
            ) from error
        yield python


def intersect(python: Path, files: Sequence[Path]) -> Run:
    """Let two processes intersect their files by RR22, and tell what it took each of them."""
    addresses = free_addresses(len(files))
    each = [[str(file), str(rank), *addresses] for rank, file in enumerate(files)]
    return run(python, Path(__file__).with_name("rival_psi.py"), each)


def join(python: Path, files: Sequence[Path]) -> Run:
    """Let one process join both files in the clear, and tell what it took."""
    return run(python, Path(__file__).with_name("rival_join.py"), [[str(file) for file in files]])


def run(python: Path, program: Path, arguments: Sequence[Sequence[str]]) -> Run:
    """Run one process of a rival for each list of arguments, and tell what it took each."""
    began = time.perf_counter()
    costs = play(python, program, arguments, Cost, PATIENCE)
    return Run(costs, time.perf_counter() - began)


def play(
    python: Path,
    program: Path,
    arguments: Sequence[Sequence[str]],
    kind: type[CostT],
    patience: float,
) -> list[CostT]:
    """Run one process of a rival for each list of arguments, all at once.

    Args:
        python: The interpreter of the rival's environment.
        program: Leaves what it took in `cost.json` of its working folder.
        arguments: Of each process.
        kind: What `cost.json` holds.
        patience: Seconds that they may take.

    Returns:
        What each process left.

    Raises:
        SpecError: One of them failed; standard error has what it said.
    """
    with TemporaryDirectory() as folder, ExitStack() as running:
        places = [Path(folder, str(number)) for number in range(len(arguments))]
        processes = {
            place: running.enter_context(_started([python, "-I", program, *each], place))
            for each, place in zip(arguments, places, strict=True)
        }
        _wait(processes, patience)
        costs = [(place / "cost.json").read_bytes() for place in places]
    return [msgspec.json.decode(cost, type=kind) for cost in costs]


def free_addresses(count: int) -> list[str]:
    """Addresses on loopback where nobody listens now."""
    with ExitStack() as held:
        servers = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]


@contextmanager
def _started(command: Sequence[str | Path], place: Path) -> Iterator[subprocess.Popen[bytes]]:
    place.mkdir()
    environment = os.environ | {"TMPDIR": str(place)}
    with (
        (place / "log").open("wb") as log,
        subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=log) as process,  # noqa: S603 - our own
    ):
        try:
            yield process
        finally:
            process.kill()


def _wait(processes: Mapping[Path, subprocess.Popen[bytes]], patience: float) -> None:
    """Wait for processes to end.

    Args:
        processes: By the folder of each; one that fails ends the waiting.
        patience: Seconds that they may take.

    Raises:
        SpecError: One failed, or they took too long.
    """
    deadline = time.monotonic() + patience
    while not all(process.poll() == 0 for process in processes.values()):
        failed = [place for place, process in processes.items() if process.poll()]
        if failed or time.monotonic() > deadline:
            for place in failed or processes:
                print((place / "log").read_text(errors="replace"), file=sys.stderr)
            raise SpecError("it was started, but did not come to an end.")
        time.sleep(_GLANCE)
