"""The door to Ray: shards and workers as actors, the engine `ray`. The only file that loads Ray.

Ray unpickles what its processes send each other, so all of them are of one organisation (decision
8); what we give it are arrays, numbers and text.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.core.errors import DiskError, IsthmusError, SpecError, one_line
from isthmus.core.extras import advised
from isthmus.paramserver.distributed import cluster, processes
from isthmus.paramserver.distributed.actor_engine import ActorEngine
from isthmus.paramserver.distributed.actors import Recipe, ShardActor, WorkerActor
from isthmus.paramserver.distributed.remote import (
    Actor,
    Answer,
    Call,
    DiedError,
    GoneError,
    Reference,
)
from isthmus.paramserver.distributed.warming import compile_kernels
from isthmus.paramserver.engine import Plan
from isthmus.paramserver.spec import Cluster, Server

_BESIDE = "beside"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Ray keeps what passes between processes
_LEAST_SHARED = 2**27
_MOST_SHARED = 2**31
_PATIENCE = 15.0
_TAKEN, _REFUSED = "taken", "refused"


class Engine(ActorEngine):
    """Shards and workers of Ray; see `engine.Engine` for what each method does."""

    def __init__(self, plan: Plan, recipe: Recipe, folder: Path) -> None:
        """Start Ray, or join the cluster of the job, and make all processes.

        Args:
            plan: Of the run.
            recipe: Of the trainers.
            folder: The folder of the job file.

        Raises:
            SpecError: Ray is not installed, does not start, would listen to other machines, or the
                cluster of the job does not take us.
            IsthmusError: A shard or a trainer cannot be made.
        """
        server = plan.server
        compile_kernels(plan)
        with ExitStack() as stack:
            session = stack.enter_context(
                _joined(server.cluster, folder) if server.cluster else _started()
            )
            super().__init__(plan, recipe, _RemoteOfRay(session.ray, server))
            stack.callback(super().close)
            session.check()
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End all processes, and Ray if it was started for them."""
        self._stack.close()


@dataclass(frozen=True)
class _Session:
    """A Ray that this process has started or joined."""

    ray: Any
    check: Callable[[], None]
    """Checks where its processes listen."""


@contextmanager
def _started() -> Generator[_Session]:
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
            yield _Session(ray, check)
        finally:
            ray.shutdown()


@contextmanager
def _joined(given: Cluster, folder: Path) -> Generator[_Session]:
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
            yield _Session(ray, lambda: None)
        finally:
            ray.shutdown()


def _keeps_to_loopback(ray: Any) -> bool:
    """Whether Ray has found our switch; versions that have none are known by their listeners."""
    constants = ray._private.ray_constants  # noqa: SLF001 - nothing public tells
    return not getattr(constants, "ENABLE_RAY_CLUSTER", False)


def _load() -> Any:
    with advised('engine = "ray"'):
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
        raise SpecError(f"Ray does not start: {_first_line(error)}") from None
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


class _RemoteOfRay:
    """Makes actors of Ray."""

    def __init__(self, ray: Any, server: Server) -> None:
        self._ray = ray
        self._spread = server.cluster is not None
        self._gpus = 1 if self._spread and server.device == "cuda" else 0

    def shard(self, plan: bytes, number: int) -> Actor:
        """Returns a shard that is not ready yet."""
        return self._made(ShardActor, 0, plan, number)

    def worker(self, plan: bytes, recipe: Recipe) -> Actor:
        """Returns a worker that is not ready yet."""
        return self._made(
            WorkerActor, self._gpus, plan, recipe.maker, str(recipe.path.absolute()), recipe.batch
        )

    def get(self, reference: Reference) -> Any:
        """Fetch something to this process."""
        return _fetched(self._ray, reference)

    def _made(self, kind: type[Any], gpus: int, *arguments: Any) -> Actor:
        made = self._ray.remote(
            num_cpus=0,
            num_gpus=gpus,
            max_restarts=0,  # made anew by `ActorEngine`, which knows what they have done
            max_task_retries=0,
            concurrency_groups={_BESIDE: 2},
            scheduling_strategy="SPREAD" if self._spread else "DEFAULT",
        )(kind)
        return _ActorOfRay(self._ray, made.remote(*arguments))


class _ActorOfRay:
    """An actor of Ray."""

    def __init__(self, ray: Any, handle: Any) -> None:
        self._ray = ray
        self._handle = handle

    def call(self, call: Call) -> Answer:
        """Call a method, and wait until it has returned."""
        options: dict[str, Any] = {"num_returns": call.returns}
        if call.beside:
            options["concurrency_group"] = _BESIDE
        given = getattr(self._handle, call.method).options(**options).remote(*call.arguments)
        references = [given] if call.returns == 1 else given
        return Answer(references[:-1], _fetched(self._ray, references[-1], call.patience))

    def end(self) -> None:
        """End the process at once."""
        self._ray.kill(self._handle)


def _fetched(ray: Any, reference: Reference, patience: float | None = None) -> Any:
    errors = ray.exceptions
    try:
        return ray.get(reference, timeout=patience)
    except errors.GetTimeoutError:
        raise SpecError(
            f"Ray has started no process for a shard or worker in {patience:.0f} s. Has it "
            "room for one more, and for a worker with device = 'cuda' a GPU that is free?"
        ) from None
    except errors.RayTaskError as error:
        if isinstance(error.cause, IsthmusError):
            raise error.cause from None
        raise
    except errors.RayActorError:
        raise DiedError from None
    except errors.ObjectLostError:
        raise GoneError from None
    except (errors.ObjectStoreFullError, errors.OutOfDiskError):
        raise DiskError(
            "No space left for what passes between the processes of Ray. Make room in its folder "
            "for temporary files, and start the same command again: it goes on from the last "
            "snapshot."
        ) from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return one_line(lines[0])


if __name__ == "__main__":
    sys.stdout.write(_ask(sys.argv[1]))
