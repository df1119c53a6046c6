"""Starts an app on a Flower federation, and a SuperNode for the time of a job.

Everything goes through Flower's own commands; nothing of Flower is loaded here. Its telemetry and
its check for updates are off in every process that is started here.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import tomli_w

from isthmus import __version__
from isthmus.core import extras
from isthmus.core.errors import ChannelError, IsthmusError, of_name
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.flower.run_files import Ending, RunFiles, RunFilesStore, Settings
from isthmus.transport.message import one_line

ENVIRONMENT = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on Linux too: no cluster, so loopback only
}
"""In which Flower and Ray tell nobody that they run, install nothing, and listen on the loopback
device only (a SuperLink, where its operator says)."""

_PAUSE = 0.5  # between two looks for the end of a run
_GLANCES = 60  # after so many, ask the SuperLink whether the run is alive
_LINGER = 5.0  # seconds in which a SuperNode sends what is left
_GRACE = 10.0  # seconds that it has to stop


@dataclass(frozen=True)
class App:
    """The halves of an app, each as `module:name` of a package that all nodes have installed."""

    server: str
    client: str


@dataclass(frozen=True)
class SuperLink:
    """How a SuperNode connects to its SuperLink."""

    address: str
    """host:port"""

    root_certificates: Path
    """PEM file of the authority that the SuperLink's certificate is from."""

    private_key: Path
    """OpenSSH file of the node's key, whose public half is registered at the SuperLink."""


def launch(
    app: App,
    connection: str,
    files: RunFiles,
    telemetry: Telemetry,
    simulation: Sequence[str] = (),
) -> None:
    """Run an app on a federation, and wait until it has ended.

    Args:
        app: What to run.
        connection: Name of a SuperLink connection in Flower's configuration.
        files: Of the master, and in a simulation of its children.
        telemetry: Where progress goes.
        simulation: What a simulation needs beyond its number of nodes, as `key=value` of Flower.

    Raises:
        MissingExtraError: Flower is not installed.
        ChannelError: Flower does not know the connection, its SuperLink cannot be reached, or the
            run was stopped.
        IsthmusError: What ended the master's role.
        RuntimeError: A bug ended it.
    """
    store = RunFilesStore.create(files)
    try:
        run = _submit(app, connection, store, _federation(files, simulation))
        telemetry.progress("flower", note=f"run {run} on {connection}")
        try:
            ending = _awaited(store, connection, run)
        except BaseException:
            with suppress(IsthmusError):
                _flwr("stop", run, connection, "--format", "json")
            raise
    finally:
        store.clear()
    _check(ending)


def serve(superlink: SuperLink, settings: Settings, log: Path, wait: float) -> None:
    """Run a SuperNode until the run is over, however it ended.

    Args:
        superlink: Where to register.
        settings: What our ClientApp gets; they stay on this machine.
        log: Where the SuperNode writes what it does.
        wait: Seconds after which the run should be over.

    Raises:
        ChannelError: The SuperNode ended, or the run did not in time.
    """
    with TemporaryDirectory() as scratch, log.open("ab") as output:
        config, over = Path(scratch) / "node.toml", Path(scratch) / "over"
        config.write_text(tomli_w.dumps({**settings, "over": str(over)}), encoding="utf-8")
        command = _supernode(superlink, config)
        node = subprocess.Popen(  # noqa: S603 - Flower's own command
            command, env=_environment(), stdout=output, stderr=output
        )
        try:
            _serve(node, log, over, time.monotonic() + wait)
        finally:
            _stop(node)


def app_folder(folder: Path, app: App) -> Path:
    """Write the app that `flwr run` wants: a description that names modules of the package.

    Args:
        folder: Where.
        app: What to run.

    Returns:
        The folder; it is the same for every run of one version, and so is its digest.
    """
    description: dict[str, object] = {
        "project": {
            "name": "isthmus",
            "version": __version__,
            "description": "A job of isthmus",
            "license": "Apache-2.0",
            "dependencies": list[str](),
        },
        "tool": {
            "flwr": {
                "app": {
                    "publisher": "isthmus",
                    "components": {"serverapp": app.server, "clientapp": app.client},
                    "config": {"files": ""},
                }
            }
        },
    }
    (folder / "pyproject.toml").write_text(tomli_w.dumps(description), encoding="utf-8")
    return folder


class _Answer(msgspec.Struct, rename="kebab"):
    """The output of a command of Flower."""

    success: bool
    run_id: str = ""
    error_message: str = ""
    runs: list["_State"] = []


class _State(msgspec.Struct, rename="kebab"):
    status: str
    status_details: str = ""


def _submit(app: App, connection: str, store: RunFilesStore, federation: str) -> str:
    with TemporaryDirectory() as scratch:
        options = ["-c", f'files="{store.number}"', "--format", "json"]
        if federation:
            options += ["--federation-config", federation]
        return _flwr("run", str(app_folder(Path(scratch), app)), connection, *options).run_id


def _federation(files: RunFiles, simulation: Sequence[str]) -> str:
    nodes = f"num-supernodes={len(files.children)}"
    return " ".join([nodes, *simulation]) if files.children else ""


def _awaited(store: RunFilesStore, connection: str, run: str) -> Ending:
    while True:
        for _ in range(_GLANCES):
            if ending := store.ending():
                return ending
            time.sleep(_PAUSE)
        state = _flwr("list", connection, "--run-id", run, "--format", "json").runs[0]
        if state.status.startswith("finished") and store.ending() is None:
            raise ChannelError(
                f"run {run} on {connection!r} ended before our part of it did ({state.status}): "
                f"{one_line(state.status_details)} `flwr log {run} {connection}` shows more."
            )


def _check(ending: Ending) -> None:
    if ending.error:
        kind = of_name(ending.error)
        if kind is None:
            raise RuntimeError(f"the master's role ended in a {ending.error}: {ending.text}")
        raise kind(ending.text)


def _flwr(command: str, *arguments: str) -> _Answer:
    extras.require("flower", "a Flower federation")
    done = subprocess.run(  # noqa: S603 - Flower's own command
        [sys.executable, "-m", "flwr.cli.app", command, *arguments],
        env=_environment(),
        capture_output=True,
        check=False,
    )
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = _Answer(success=False, error_message=(done.stderr or done.stdout).decode())
    if not answer.success:
        raise ChannelError(
            f"`flwr {command}` failed: {one_line(answer.error_message)} Is the connection in "
            "Flower's configuration (`flwr config list`), and does its SuperLink run?"
        )
    return answer


def _supernode(superlink: SuperLink, config: Path) -> list[str]:
    return [
        str(Path(sys.executable).parent / "flower-supernode"),
        *("--superlink", superlink.address),
        *("--root-certificates", str(superlink.root_certificates)),
        *("--auth-supernode-private-key", str(superlink.private_key)),
        *("--node-config", str(config)),
        *("--host", "127.0.0.1", "--port", str(_free_port())),
    ]


def _serve(node: "subprocess.Popen[bytes]", log: Path, over: Path, until: float) -> None:
    while not over.exists():
        if node.poll() is not None:
            raise ChannelError(
                f"the SuperNode ended: see {log}. Is its key registered at the SuperLink, under "
                "the name of this party (`flwr supernode register`)?"
            )
        if time.monotonic() > until:
            raise ChannelError(f"the run was not over in time: see {log}. Ask the master.")
        time.sleep(_PAUSE)
    time.sleep(_LINGER)


def _stop(node: "subprocess.Popen[bytes]") -> None:
    node.terminate()
    try:
        node.wait(_GRACE)
    except subprocess.TimeoutExpired:
        node.kill()
        node.wait()


def _environment() -> dict[str, str]:
    """Ours, with Flower's commands on the path: they start one another by name."""
    commands = str(Path(sys.executable).parent)
    path = os.pathsep.join([commands, os.environ.get("PATH", "")])
    return {**os.environ, **ENVIRONMENT, "PATH": path}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
