"""The door to Ray, and the only file that loads it: starting it for one run, or joining a cluster.

Ray unpickles what its processes send each other, so all of them are of one organisation (decision
8).
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.core.errors import SpecError, one_line
from isthmus.core.extras import advised
from isthmus.paramserver.distributed import cluster, processes
from isthmus.paramserver.spec import Cluster

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Ray keeps what passes between processes
_LEAST_SHARED = 2**27
_MOST_SHARED = 2**31
_PATIENCE = 15.0
_TAKEN, _REFUSED = "taken", "refused"


@dataclass(frozen=True)
class Session:
    """A Ray that this process has started or joined."""

    ray: Any
    check: Callable[[], None]
    """Checks where its processes listen."""


@contextmanager
def started() -> Generator[Session]:
    """Start a Ray on this machine, for this run alone, and end it.

    Yields:
        The Ray.

    Raises:
        SpecError: It does not start, or listens to other machines.
    """
    with cluster.own_ray() as own, cluster.environment(own.environment):
        mine = processes.listeners({os.getpid()})
        ray = _load()
        if ray.is_initialized() or not _keeps_to_loopback(ray):
            raise SpecError(
                "Ray was loaded in this process before, and keeps the settings that it found then. "
                "Start the run in a process of its own."
            )

        def check() -> None:
            cluster.check_listeners(own.folder, mine)

        try:
            _init(
                ray,
                address="local",
                num_cpus=0,
                num_gpus=0,
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(own.folder / "r"),
                **_shared_memory(own.folder),
            )
            check()
            yield Session(ray, check)
        finally:
            ray.shutdown()


@contextmanager
def joined(given: Cluster, folder: Path) -> Generator[Session]:
    """Join a Ray that runs already, and leave it.

    Args:
        given: What the job says of it.
        folder: The folder of the job file.

    Yields:
        The Ray.
    """
    variables = cluster.given_environment(given, folder)
    with cluster.environment(variables):
        _check_token(given)
        ray = _load()
        try:
            _init(ray, address=given.address)
            yield Session(ray, lambda: None)
        finally:
            ray.shutdown()


def _keeps_to_loopback(ray: Any) -> bool:
    """Whether Ray has found our switch; versions that have none are known by their listeners."""
    constants = ray._private.ray_constants  # noqa: SLF001 - nothing public tells
    return not getattr(constants, "ENABLE_RAY_CLUSTER", False)


def _load() -> Any:
    with advised("Ray", "ray"):
        import ray  # noqa: PLC0415 - it takes its settings from the environment as it is loaded

        return ray


def _init(ray: Any, **settings: Any) -> None:
    """Start or join Ray, and leave the signals of this process as they are.

    Args:
        ray: The module.
        **settings: Arguments of `ray.init`.

    Raises:
        SpecError: It fails.
    """
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(log_to_driver=False, configure_logging=False, logging_level="CRITICAL", **settings)
    except (RuntimeError, ValueError, OSError, TimeoutError, ray.exceptions.RayError) as error:
        raise SpecError(f"Ray does not start: {first_line(error)}") from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _shared_memory(folder: Path) -> Mapping[str, Any]:
    """Returns how much memory processes share: in a file where the system has too little."""
    free = shutil.disk_usage(_SHARED_MEMORY).free if _SHARED_MEMORY.is_dir() else 0
    if free > 2 * _LEAST_SHARED:
        return {"object_store_memory": min(free // 2, _MOST_SHARED)}
    return {"object_store_memory": _LEAST_SHARED, "_plasma_directory": str(folder)}


def _check_token(given: Cluster) -> None:
    """Ask a cluster whether it takes our token, and whether it takes those that have none.

    Args:
        given: What the job says of it.

    Raises:
        SpecError: It refuses ours, or takes everybody, or is no Ray.
    """
    ours = _asked(given.address, {})
    if ours == _REFUSED:
        raise SpecError(
            f"cluster.token: the Ray cluster at {given.address} refuses this token. Copy the token "
            "that its head was started with."
        )
    if ours != _TAKEN:
        raise SpecError(
            f"cluster.address: what answers at {given.address} is no Ray, or cluster.line is not "
            f"as it was started. Its head listens on 6379 if nothing else was said to it."
        )
    if _asked(given.address, {"RAY_AUTH_MODE": "disabled"}) == _TAKEN:
        raise SpecError(
            f"The Ray cluster at {given.address} takes everybody in, and runs what they send. "
            "Start all its processes with RAY_AUTH_MODE=token."
        )


def _asked(address: str, changed: Mapping[str, str]) -> str:
    """A process that can be ended: Ray itself tries for half a minute, whatever the answer is."""
    try:
        asking = subprocess.run(  # noqa: S603 - our own interpreter and arguments
            [sys.executable, "-P", "-m", __name__, address],
            env={**os.environ, **changed},
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return asking.stdout.decode().strip()


def _ask(address: str) -> str:
    ray = _load()
    try:
        head = ray._raylet.GcsClient(address=address)  # noqa: SLF001 - as `ray health-check` does
        head.internal_kv_keys(b"isthmus", None, timeout=_PATIENCE)
    except ray.exceptions.AuthenticationError:
        return _REFUSED
    return _TAKEN


def first_line(error: Exception) -> str:
    """Returns what an error of Ray says, as one line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return one_line(lines[0])


if __name__ == "__main__":
    sys.stdout.write(_ask(sys.argv[1]))
