"""Workers on Ray, with something in its place that answers at once; `tests/faults` has the real."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from isthmus.core.errors import SpecError
from isthmus.vertical.regression.products import on_ray
from isthmus.vertical.regression.products.on_ray import start_on_ray
from isthmus.vertical.regression.products.worker import Worker
from isthmus.vertical.worker_processes import WorkerDiedError


class RayError(Exception):
    """Stands for all errors of Ray."""


class TimedOutError(RayError):
    """Nothing has come in time."""


class DiedError(RayError):
    """An actor has died."""


class Method:
    """A method of an actor: called when the answer is fetched."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def remote(self, *arguments: Any) -> Callable[[], Any]:
        return lambda: self._method(*arguments)


class Actor:
    """Writes down what it is asked to do, and answers with it."""

    def __init__(self, version: Callable[[], str]) -> None:
        self.done = list[bytes]()
        self.alive = True
        self.do, self.version = Method(self._do), Method(version)

    def _do(self, task: bytes) -> bytes:
        if not self.alive:
            raise DiedError
        self.done.append(task)
        return b"answer to " + task


class Ray:
    """What of Ray is used."""

    exceptions = SimpleNamespace(
        RayError=RayError,
        GetTimeoutError=TimedOutError,
        RayActorError=DiedError,
        ObjectLostError=DiedError,
    )

    def __init__(self, version: Callable[[], str]) -> None:
        self._version = version
        self.actors = list[Actor]()

    def remote(self, **_: object) -> Callable[[type], Any]:
        return lambda _: SimpleNamespace(remote=self._made)

    def _made(self) -> Actor:
        self.actors.append(Actor(self._version))
        return self.actors[-1]

    @staticmethod
    def get(reference: Callable[[], Any], timeout: float | None = None) -> Any:
        del timeout
        return reference()

    @staticmethod
    def kill(actor: Actor) -> None:
        actor.alive = False


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], str]], Ray]:
    """Puts a Ray in place whose actors say this of their version."""

    def put(version: Callable[[], str]) -> Ray:
        ray = Ray(version)

        @contextmanager
        def started() -> Iterator[Any]:
            yield SimpleNamespace(ray=ray, check=lambda: None)

        monkeypatch.setattr(on_ray, "started", started)
        return ray

    return put


def ours() -> str:
    return Worker.version()


Start = Callable[[Callable[[], str]], Ray]


class TestStart:
    def test_asks_for_the_same_version_everywhere(self, start: Start) -> None:
        start(lambda: "0.0.9")
        with pytest.raises(SpecError, match=r"0\.0\.9 is installed on a machine of the Ray"):
            start_on_ray(2, None).__enter__()

    def test_says_that_there_is_no_room(self, start: Start) -> None:
        def late() -> str:
            raise TimedOutError

        start(late)
        with pytest.raises(SpecError, match="no process for a worker in 120 s"):
            start_on_ray(2, None).__enter__()

    def test_says_that_isthmus_is_not_there(self, start: Start) -> None:
        def missing() -> str:
            raise RayError("No module named 'isthmus'\nmany more lines")

        start(missing)
        with pytest.raises(SpecError, match=r"No module named 'isthmus'\. Is isthmus .* installed"):
            start_on_ray(2, None).__enter__()

    def test_ends_all_workers(self, start: Start) -> None:
        ray = start(ours)
        with start_on_ray(3, None):
            assert [actor.alive for actor in ray.actors] == [True] * 3
        assert [actor.alive for actor in ray.actors] == [False] * 3


class TestLine:
    def test_answers_the_last_task_after_all_before_it(self, start: Start) -> None:
        ray = start(ours)
        with start_on_ray(1, None) as workers:
            line, tasks = workers.line(0), [b"%d" % number for number in range(9)]
            for task in tasks:
                line.send(task)
            assert line.receive() == b"answer to 8"
            assert ray.actors[0].done == tasks

    def test_of_a_worker_that_died_is_another_one(self, start: Start) -> None:
        ray = start(ours)
        with start_on_ray(1, None) as workers:
            line = workers.line(0)
            ray.actors[0].alive = False
            line.send(b"task")
            with pytest.raises(WorkerDiedError):
                line.receive()
            workers.drop(0)
            other = workers.line(0)
            other.send(b"task")
            assert other.receive() == b"answer to task"
            assert len(ray.actors) == 2
