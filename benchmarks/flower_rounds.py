"""Rounds of Flower on this machine: its deployment, and its simulation with Ray."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks.rivals import free_addresses
from benchmarks.round_cost import Marks, Payload, Plan, RoundCost
from isthmus.core.errors import SpecError
from isthmus.horizontal.flower.launch import App, app_folder
from tests.flower_federation import (
    CONNECTION,
    Federation,
    deployed,
    environment,
    simulated,
    started,
)

APP = App("benchmarks.rival_flower:server", "benchmarks.rival_flower:client")

PATIENCE = 240.0
"""Seconds that all payloads of a run may take."""

_GLANCE = 0.2  # seconds between two looks at whether a run has ended


@dataclass(frozen=True)
class Setting:
    """How Flower runs."""

    simulated: bool
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    options: Sequence[str] = ()
    """Of the federation, as `key=value`."""


def play(setting: Setting, nodes: int, payloads: Sequence[Payload]) -> list[RoundCost]:
    """Let a federation play every payload in one run.

    Args:
        setting: How it runs.
        nodes: How many children it has.
        payloads: One after the other.

    Returns:
        What a round took, by payload.

    Raises:
        SpecError: The run could not be started, or did not end in time.
    """
    with TemporaryDirectory() as scratch, _environment(Path(scratch), setting):
        answer = Path(scratch, "answer.json")
        plan = Plan(nodes, list(payloads), os.getpid(), str(answer))
        try:
            with _federation(setting, nodes, Path(scratch, "flower")) as link:
                _submit(plan, setting, Path(scratch))
                _await(answer, link)
        except (AssertionError, subprocess.SubprocessError) as error:
            raise SpecError(f"its processes could not be started: {error}.") from error
        found = msgspec.json.decode(answer.read_bytes(), type=list[Marks])
    return [RoundCost.of(marks) for marks in found]


@contextmanager
def _environment(scratch: Path, setting: Setting) -> Iterator[None]:
    # Every process of Flower has it from this one.
    before = dict(os.environ)
    os.environ.update({**environment(scratch / "flower"), **setting.environment})
    os.environ["RAY_TMPDIR"] = str(scratch)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _federation(setting: Setting, nodes: int, folder: Path) -> Iterator[Federation]:
    addresses = [int(it.rpartition(":")[2]) for it in free_addresses(nodes + 1)]
    port, *ports = addresses
    if setting.simulated:
        with simulated(folder, port) as link:
            yield link
        return
    with deployed(folder, port) as link, ExitStack() as running:
        keys = [link.register(f"node-{number}") for number in range(nodes)]
        for key, own in zip(keys, ports, strict=True):
            running.enter_context(_supernode(link, key, own))
        yield link


@contextmanager
def _supernode(link: Federation, key: Path, port: int) -> Iterator[None]:
    arguments = [
        *("--superlink", link.address),
        *("--root-certificates", str(link.folder / "authority.pem")),
        *("--auth-supernode-private-key", str(key)),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    with started("flower-supernode", link.folder / f"{key.name}.log", *arguments):
        yield


def _submit(plan: Plan, setting: Setting, scratch: Path) -> None:
    file = scratch / "plan.json"
    file.write_bytes(msgspec.json.encode(plan))
    app = scratch / "app"
    app.mkdir()
    federation = " ".join([f"num-supernodes={plan.nodes}", *setting.options])
    command = [
        *(sys.executable, "-m", "flwr.cli.app", "run", str(app_folder(app, APP)), CONNECTION),
        *("-c", f'files="{file}"', "--format", "json"),
        *(("--federation-config", federation) if setting.simulated else ()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - Flower's own
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise SpecError("its run could not be started; standard error has what it said.")


def _await(answer: Path, link: Federation) -> None:
    until = time.monotonic() + PATIENCE
    while not answer.exists():
        if time.monotonic() > until:
            print(link.log, file=sys.stderr)
            raise SpecError("its run was started, but did not come to an end.")
        time.sleep(_GLANCE)
