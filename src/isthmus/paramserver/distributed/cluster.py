"""Settings of Ray from before it is loaded, and checks before and after it starts.

A Ray that a run starts for itself listens on this machine alone. Ray replaces 127.0.0.1 by another
address of the machine and then listens on all of them, unless `RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER`
is 0 when it is loaded. Ray documents that switch nowhere, so `check_listeners` looks.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.paramserver.distributed import certificates, guard, processes
from isthmus.paramserver.spec import Cluster

_LONGEST_FOLDER = 40
"""Ray adds up to 67 signs for its sockets, and the system takes 107."""

_PATIENCE = 3.0
_TO_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_ALWAYS = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Nothing of Ray's own on our output: our errors say what to do.
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a worker sees the GPUs that the run sees
}


@dataclass(frozen=True)
class OwnRay:
    """The folder of a Ray that this process starts, and the process that looks after it."""

    folder: Path
    environment: Mapping[str, str]
    """All variables whose names begin with RAY_, and the mark of its processes."""


@contextmanager
def own_ray() -> Generator[OwnRay]:
    """Make the private folder of a Ray with a fresh token in it.

    However the block ends, and if this process is killed, another process ends all that still runs
    of that Ray and removes the folder.

    Yields:
        The folder and the environment to start Ray with.

    Raises:
        SpecError: There is no place for the folder.
    """
    folder = _short_folder()
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    looks_after = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
        [sys.executable, "-P", "-m", guard.__name__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    try:
        yield OwnRay(
            folder,
            {
                **_ALWAYS,
                "RAY_AUTH_TOKEN_PATH": str(token),
                **_TO_LOOPBACK,
                processes.MARK: str(folder),
            },
        )
    finally:
        looks_after.communicate()
        shutil.rmtree(folder, ignore_errors=True)  # if that process is gone itself


def given_environment(cluster: Cluster, folder: Path) -> dict[str, str]:
    """Check what the job says of a cluster, and that something listens at its address.

    Args:
        cluster: Its table in the job.
        folder: The folder of the job file.

    Returns:
        All variables whose names begin with RAY_.

    Raises:
        SpecError: The token file, the certificates or the address are wrong, or nothing listens.
    """
    token = _checked_token(folder / cluster.token)
    variables = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
    encrypted = variables.get("RAY_USE_TLS", "0").lower() in {"1", "true"}
    if cluster.line == "tls" and not encrypted:
        raise SpecError(
            "cluster.line is tls, but RAY_USE_TLS is not 1 in the environment of this command. Set "
            f"it and {', '.join(certificates.VARIABLES)}, as for all processes of the cluster."
        )
    if cluster.line == "not_encrypted" and encrypted:
        raise SpecError(
            "cluster.line is not_encrypted, but RAY_USE_TLS is set in the environment of this "
            "command. Write tls, or unset it."
        )
    context = certificates.read(variables) if encrypted else None
    _check_reachable(cluster.address)
    if context:
        certificates.try_line(cluster.address, context)
    for name in ("RAY_AUTH_TOKEN", "RAY_ADDRESS"):  # Ray takes them before what the job says
        variables.pop(name, None)
    if _is_this_machine(cluster.address):
        variables |= _TO_LOOPBACK  # or Ray looks for it at another address
    return {**variables, **_ALWAYS, "RAY_AUTH_TOKEN_PATH": str(token)}


@contextmanager
def environment(variables: Mapping[str, str]) -> Generator[None]:
    """Replace all variables of Ray in the environment of this process while the block runs.

    Args:
        variables: Those that hold in the block.

    Yields:
        Nothing.
    """
    names = {name for name in os.environ if name.startswith("RAY_")} | set(variables)
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def check_listeners(folder: Path, mine: set[processes.Listener]) -> None:
    """Check that a Ray of this machine takes connections from this machine only.

    Args:
        folder: What its processes are marked with.
        mine: Where this process listened before it started Ray.

    Raises:
        SpecError: A process listens on another address.
    """
    found = processes.listeners({*processes.of_folder(folder), os.getpid()}) - mine
    if far := sorted(each for each in found if not each.local):
        raise SpecError(
            f"{len(far)} of {len(found)} ports of Ray take connections from other machines, the "
            f"first is {far[0].port} at {far[0].address}. This version of Ray cannot be kept to "
            "this machine; it was ended before any data reached it. Set engine = 'local', or "
            "install Ray 2.55.1."
        )


def _short_folder() -> Path:
    for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - with a folder of our own in it
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix="isthmus-", dir=place)).resolve()
            if len(str(folder)) <= _LONGEST_FOLDER:
                return folder
            folder.rmdir()
    raise SpecError(
        "No place for the sockets of Ray, whose paths may have 107 signs: set TMPDIR to a folder "
        f"that can be written to and whose path has at most {_LONGEST_FOLDER - 17} signs."
    )


def _checked_token(path: Path) -> Path:
    try:
        others = path.stat().st_mode & 0o077
        words = path.read_text().split()
    except (OSError, UnicodeDecodeError):
        raise SpecError(
            f"{path}: the token of the Ray cluster cannot be read; `cluster.token` names this file."
        ) from None
    if len(words) != 1:
        raise SpecError(
            f"{path}: a file with the token of a Ray cluster holds one word, not {len(words)}."
        )
    if others:
        raise SpecError(f"{path}: others can read this token. Run `chmod 600` on it.")
    return path.resolve()


def _is_this_machine(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    return host in {"localhost", "::1"} or host.startswith("127.")


def _check_reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise SpecError(f"cluster.address is {address!r}, which is not like 10.0.0.1:6379.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except OSError:
        raise SpecError(
            f"cluster.address: nothing answers at {address}. Does the head of the Ray cluster run, "
            "and does its firewall let this machine in?"
        ) from None
