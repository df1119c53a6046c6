"""The engine of processes that may die, on stand-ins for processes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.paramserver.distributed.actor_engine import ActorEngine
from isthmus.paramserver.distributed.actors import Recipe, ShardActor, WorkerActor
from isthmus.paramserver.distributed.members import DyingError
from isthmus.paramserver.distributed.remote import (
    Actor,
    Answer,
    Call,
    DiedError,
    GoneError,
    Reference,
)
from isthmus.paramserver.engine import LostError
from isthmus.paramserver.spec import Server
from isthmus.paramserver.tiers import loop as tiers
from tests.thoroughness import costly
from tests.tiers import (
    BATCH,
    JOB,
    LinearFeeder,
    LinearTrainer,
    Model,
    make_data,
    make_plan,
    run,
    same,
    trained,
)
from tests.trainers import recipe

SERVER = Server(shards=2, workers=2, exchange_every=BATCH, snapshot_every=32, full_every=2)


class Death(NamedTuple):
    """The process dies when it is called for this time, all its successors counted."""

    process: str
    method: str
    time: int
    done: bool
    """Whether it has done what it was asked, and only cannot answer."""


class Value(NamedTuple):
    """A reference: what it is of."""

    of: Any


class Process:
    """An object that may die."""

    def __init__(self, made: Any, name: str, remote: "Processes") -> None:
        self.made = made
        self.name = name
        self.remote = remote
        self.dead = False

    def call(self, call: Call) -> Answer:
        given = [each.of if isinstance(each, Value) else each for each in call.arguments]
        for each in given:
            assert_plain(each)
        death = self.remote.death(self.name, call.method)
        self._die_if(death is not None and not death.done)
        answer = getattr(self.made, call.method)(*[read_only(each) for each in given])
        self._die_if(death is not None)
        parts = answer if call.returns > 1 else (answer,)
        assert len(parts) == call.returns
        return Answer([Value(each) for each in parts[:-1]], parts[-1])

    def end(self) -> None:
        self.dead = True

    def _die_if(self, told: bool) -> None:  # noqa: FBT001
        self.dead = self.dead or told
        if self.dead:
            raise DiedError


class Processes:
    """Makes stand-ins for processes."""

    def __init__(self, *deaths: Death) -> None:
        self.deaths = {death[:3]: death for death in deaths}
        self.calls: Counter[tuple[str, str]] = Counter()
        self.mutex = threading.Lock()
        self.made: list[str] = []

    def shard(self, plan: bytes, number: int) -> Actor:
        return self._made(ShardActor(plan, number), f"shard {number}")

    def worker(self, plan: bytes, recipe: Recipe) -> Actor:
        return self._made(WorkerActor(plan, recipe.maker, str(recipe.path), recipe.batch), "worker")

    def get(self, reference: Reference) -> Any:
        return reference.of

    def death(self, process: str, method: str) -> Death | None:
        with self.mutex:
            self.calls[process, method] += 1
            return self.deaths.get((process, method, self.calls[process, method]))

    def _made(self, what: Any, name: str) -> Actor:
        self.made.append(name)
        return Process(what, name, self)


class TestNumbers:
    def test_are_those_of_the_local_engine(self, tmp_path: Path) -> None:
        assert same(by_processes(tmp_path, Processes()), undisturbed())

    @costly
    @given(
        st.builds(
            Death,
            st.sampled_from(["shard 0", "shard 1"]),
            st.sampled_from(["begin", "exchange", "evict", "copy", "write", "facts"]),
            st.integers(1, 12),
            st.booleans(),
        )
    )
    def test_stay_the_same_if_a_shard_dies(self, death: Death) -> None:
        with TemporaryDirectory() as folder:
            assert same(by_processes(Path(folder), Processes(death)), undisturbed())

    @costly
    @given(st.builds(Death, st.just("worker"), st.just("train"), st.integers(1, 12), st.booleans()))
    def test_stay_the_same_if_a_worker_dies(self, death: Death) -> None:
        with TemporaryDirectory() as folder:
            assert same(by_processes(Path(folder), Processes(death)), undisturbed())

    def test_stay_the_same_if_a_shard_dies_again_while_it_is_made_anew(
        self, tmp_path: Path
    ) -> None:
        deaths = Processes(
            Death("shard 0", "exchange", 9, done=True), Death("shard 0", "exchange", 10, done=True)
        )
        assert same(by_processes(tmp_path, deaths), undisturbed())
        assert deaths.made.count("shard 0") == 3

    @costly
    @given(st.integers(1, 9), st.integers(1, 12))
    def test_stay_the_same_if_a_shard_and_a_worker_die(self, shard: int, worker: int) -> None:
        with TemporaryDirectory() as folder:
            deaths = Processes(
                Death("shard 1", "exchange", shard, done=True),
                Death("worker", "train", worker, done=False),
            )
            assert same(by_processes(Path(folder), deaths), undisturbed())


class TestBoth:
    def test_go_back_to_the_last_snapshot(self, tmp_path: Path) -> None:
        deaths = Processes(
            Death("shard 1", "exchange", 7, done=False), Death("worker", "ping", 1, done=False)
        )
        told: list[Event] = []
        assert same(by_processes(tmp_path, deaths, told.append), undisturbed())
        assert "recover" in {event.stage for event in told}
        assert deaths.made.count("shard 0") == 2

    def test_lose_the_copy_for_a_snapshot_too(self, tmp_path: Path) -> None:
        plan = make_plan(tmp_path, SERVER)
        deaths = Processes(
            Death("shard 1", "facts", 1, done=False), Death("worker", "ping", 1, done=False)
        )
        with engine_of(ActorEngine(plan, recipe(), deaths)) as engine:
            for shard in range(2):
                engine.result(engine.begin(shard, LinearTrainer().first(), []))
            engine.result(engine.copy(0, 1, whole=True))
            with pytest.raises(LostError):
                engine.result(engine.facts(1))
            with pytest.raises(LostError):
                engine.result(engine.write(0, 1, tmp_path))

    def test_stop_the_run_if_they_die_again_and_again(self, tmp_path: Path) -> None:
        deaths = Processes(
            *(Death("worker", "ping", time, done=False) for time in range(1, 20)),
            *(Death("shard 1", "evict", time, done=False) for time in range(1, 20)),
        )
        with pytest.raises(DyingError, match="4 times since the last snapshot"):
            by_processes(tmp_path, deaths)


class TestLosses:
    def test_a_step_that_kills_every_process_is_not_tried_for_ever(self, tmp_path: Path) -> None:
        deaths = Processes(*(Death("worker", "train", time, done=False) for time in range(5, 25)))
        with pytest.raises(DyingError, match="4 times at the same step"):
            by_processes(tmp_path, deaths)

    def test_a_process_that_cannot_begin_stops_the_run(self, tmp_path: Path) -> None:
        with pytest.raises(DyingError, match="memory for 4 of them"):
            by_processes(tmp_path, Processes(Death("worker", "ready", 1, done=False)))

    def test_numbers_that_are_lost_with_their_machine_are_computed_again(
        self, tmp_path: Path
    ) -> None:
        class Losing(Processes):
            lost = False

            def death(self, process: str, method: str) -> Death | None:
                found = super().death(process, method)
                if self.calls[process, method] == 7 and method == "train" and not self.lost:
                    self.lost = True
                    raise GoneError
                return found

        remote = Losing()
        assert same(by_processes(tmp_path, remote), undisturbed())
        assert remote.made.count("worker") == 4

    def test_what_a_process_says_is_wrong_goes_to_the_caller(self, tmp_path: Path) -> None:
        by_processes(tmp_path, Processes())
        for path in tmp_path.glob("snapshots/*/shard-*.npy"):
            path.write_bytes(b"")
        with pytest.raises(SpecError):
            by_processes(tmp_path, Processes())


def by_processes(
    folder: Path, remote: Processes, sink: Callable[[Event], None] = lambda _: None
) -> Model:
    """The model, trained by processes that die as told."""
    plan = make_plan(folder, SERVER)
    settings = tiers.RunSettings(plan, LinearTrainer().first(), folder / "snapshots", JOB)
    with engine_of(ActorEngine(plan, recipe(), remote)) as engine:
        tiers.train(engine, LinearFeeder(make_data(96)), settings, Telemetry(sink))
    return trained(folder, SERVER)


@contextmanager
def engine_of(engine: ActorEngine) -> Iterator[ActorEngine]:
    try:
        yield engine
    finally:
        engine.close()


@cache
def undisturbed() -> Model:
    """The model of the local engine."""
    with TemporaryDirectory() as folder:
        run(Path(folder), LinearFeeder(make_data(96)), SERVER)
        return trained(Path(folder), SERVER)


def assert_plain(given: Any) -> None:
    """It is an array of numbers, a number, text, or a tuple of them."""
    if isinstance(given, tuple):
        for each in given:
            assert_plain(each)
    elif isinstance(given, np.ndarray):
        assert not given.dtype.hasobject
    else:
        assert type(given) in {int, bool, str}


def read_only(given: Any) -> Any:
    """As Ray hands it out: in memory that many processes share."""
    if isinstance(given, tuple):
        return tuple(read_only(each) for each in given)
    if isinstance(given, np.ndarray):
        shared = given.copy()
        shared.flags.writeable = False
        return shared
    return given
