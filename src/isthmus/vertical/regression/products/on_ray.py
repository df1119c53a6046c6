"""The workers of a party as actors of Ray, on its own cluster or on this machine.

Ray unpickles what its processes send each other. What we give it are bytes: the tasks of
`worker.py`.
"""

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isthmus.core.errors import SpecError
from isthmus.paramserver.distributed.ray_session import first_line, joined, started
from isthmus.paramserver.spec import Cluster
from isthmus.vertical.regression.products.lines import Workers
from isthmus.vertical.regression.products.worker import Worker
from isthmus.vertical.worker_processes import WorkerDiedError

_AHEAD = 4  # tasks that may wait at an actor: they lie in the memory that Ray shares
_PATIENCE = 120.0  # seconds for Ray to start a process


@contextmanager
def start_on_ray(count: int, cluster: Cluster | None) -> Generator[Workers]:
    """Start the workers of a party on Ray, and end them after the block.

    Args:
        count: Number of workers.
        cluster: A Ray that runs already; None: one is started on this machine.

    Yields:
        The workers.

    Raises:
        SpecError: Ray is not installed, does not start, has no room, or listens to others.
    """
    with joined(cluster, Path()) if cluster else started() as session:
        workers = _RayWorkers(session.ray, count, spread=cluster is not None)
        for at in range(count):
            workers.line(at).wait_until_ready(Worker.version())
        session.check()
        try:
            yield workers
        finally:
            workers.close()


class _RayWorkers:
    """Workers as actors."""

    def __init__(self, ray: Any, count: int, *, spread: bool) -> None:
        self.count = count
        self._ray = ray
        self._spread = spread
        self._lines = {at: self._made() for at in range(count)}

    def line(self, number: int) -> "_Line":
        if number not in self._lines:
            self._lines[number] = self._made()
        return self._lines[number]

    def drop(self, number: int) -> None:
        self._lines.pop(number).end()

    def close(self) -> None:
        for number in list(self._lines):
            self.drop(number)

    def _made(self) -> "_Line":
        actor = self._ray.remote(
            num_cpus=0,
            max_restarts=0,  # made anew by `sharded`, which knows what they have done
            max_task_retries=0,
            scheduling_strategy="SPREAD" if self._spread else "DEFAULT",
        )(Worker)
        return _Line(self._ray, actor.remote())


class _Line:
    """The line to an actor, which does its tasks in the order in which they are sent."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray = ray
        self._actor = actor
        self._waiting = deque[Any]()

    def wait_until_ready(self, ours: str) -> None:
        errors = self._ray.exceptions
        try:
            found = self._ray.get(self._actor.version.remote(), timeout=_PATIENCE)
        except errors.GetTimeoutError:
            raise SpecError(
                f"Ray has started no process for a worker in {_PATIENCE:.0f} s. Has it room for "
                "one more?"
            ) from None
        except errors.RayError as error:
            raise SpecError(
                f"a worker does not start on Ray: {first_line(error)}. Is isthmus {ours} installed "
                "on the machines of the cluster?"
            ) from None
        if found != ours:
            raise SpecError(
                f"isthmus {found} is installed on a machine of the Ray cluster, and {ours} here: "
                "install the same version."
            )

    def send(self, data: bytes) -> None:
        """Send a task; wait if many wait already."""
        self._waiting.append(self._actor.do.remote(data))
        while len(self._waiting) > _AHEAD:
            self._take_first()

    def receive(self) -> bytes:
        """Wait for the answer to the last task."""
        while len(self._waiting) > 1:
            self._take_first()
        return bytes(self._take_first())

    def end(self) -> None:
        self._ray.kill(self._actor)

    def _take_first(self) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(self._waiting.popleft())
        except (errors.RayActorError, errors.ObjectLostError):
            raise WorkerDiedError from None
