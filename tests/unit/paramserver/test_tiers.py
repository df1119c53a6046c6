"""Training with two tiers of parameter servers: the same numbers, whatever happens."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isthmus.core.errors import DiskError, SpecError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.paramserver.engine import Engine, LostError
from isthmus.paramserver.spec import Adagrad, Adam, Ftrl, Optimizer, RowwiseAdagrad, Server, Sgd
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import FeatureRule
from isthmus.paramserver.tiers import loop as tiers
from isthmus.paramserver.tiers.loop import DivergedError
from isthmus.paramserver.window import Keys, Window
from tests.disk import full_disk
from tests.tiers import (
    BATCH,
    DIMENSION,
    FEATURES,
    SEED,
    Data,
    LinearBatch,
    LinearFeeder,
    LinearTrainer,
    Model,
    make_data,
    names_of,
    plain,
    run,
    same,
    trained,
)

DATA = make_data()
ROOT = Path(__file__).parents[3]
RULES = (
    FeatureRule(),
    FeatureRule(admit_after=2),
    FeatureRule(evict_after=60, minimum_score=0.5, half_life=40),
)


def server_of(
    *, workers: int = 1, shards: int = 1, staleness: int = 1, every: int = 60, **other: Any
) -> Server:
    return Server(
        workers=workers,
        shards=shards,
        staleness=staleness,
        snapshot_every=every,
        full_every=3,
        **other,
    )


def whole_run(
    folder: Path,
    server: Server,
    batches: int = 1,
    rules: tuple[FeatureRule, ...] = (FeatureRule(),) * FEATURES,
) -> Model:
    run(folder, LinearFeeder(DATA, batches), server, rules=rules)
    return trained(folder, server, rules)


@pytest.fixture(autouse=True)
def _no_event_but_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which calls an engine gets does not depend on how fast this machine is."""
    monkeypatch.setattr(tiers, "EVENT_SECONDS", math.inf)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Model]:
    """Returns what so many workers make of the data with 2 shards, if nothing happens."""

    @cache
    def model(workers: int) -> Model:
        folder = tmp_path_factory.mktemp("undisturbed")
        return whole_run(folder, server_of(workers=workers, shards=2), 1, RULES)

    return model


class KilledError(Exception):
    """The process is gone."""


class Watched:
    """An engine of which every call is seen before it is made."""

    def __init__(self, engine: Engine, see: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._engine = engine
        self._see = see

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._engine, name)

        def call(*args: Any, **named: Any) -> Any:
            self._see(name, args)
            return method(*args, **named)

        return call


def failing(error: Exception, after: int) -> Callable[[Engine], Engine]:
    """Wraps an engine so that one call, and no later one, raises an error."""
    calls = count(1)

    def see(*_: object) -> None:
        if next(calls) == after:
            raise error

    return lambda engine: cast(Engine, Watched(engine, see))


def failing_at_copy(error: Exception, version: int) -> Callable[[Engine], Engine]:
    """Wraps an engine so that a snapshot is not copied; the one before is written by then."""

    def see(name: str, args: tuple[Any, ...]) -> None:
        if name == "copy" and args[1] == version:
            raise error

    return lambda engine: cast(Engine, Watched(engine, see))


class TestOneWorker:
    @pytest.mark.parametrize("optimizer", [Sgd(), Adagrad(), RowwiseAdagrad(), Adam(), Ftrl()])
    def test_trains_as_one_table_that_is_updated_after_every_batch(
        self, tmp_path: Path, optimizer: Optimizer
    ) -> None:
        server = server_of(rows=optimizer, dense=optimizer)
        assert same(whole_run(tmp_path, server, 3), plain(DATA, server))

    @given(
        batches=st.integers(1, 26),
        staleness=st.integers(0, 8),
        shards=st.integers(1, 4),
        every=st.integers(20, 300),
    )
    @settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_gives_the_same_bits_however_often_it_exchanges(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        batches: int,
        staleness: int,
        shards: int,
        every: int,
    ) -> None:
        folder = tmp_path_factory.mktemp("run")
        server = server_of(shards=shards, staleness=staleness, every=every)
        assert same(whole_run(folder, server, batches), PLAIN)

    def test_trains_as_a_loop_in_plain_numpy(self, tmp_path: Path) -> None:
        server = server_of(rows=Adagrad(), dense=Sgd())
        model = whole_run(tmp_path, server, 2)
        rows, dense = numpy_loop(DATA, np.float32(0.05))
        assert model.rows == {name: row.tobytes() for name, row in rows.items()}
        assert model.dense == dense.tobytes()


def numpy_loop(
    data: Data, rate: np.float32
) -> tuple[dict[tuple[int, int], NDArray[np.float32]], NDArray[np.float32]]:
    """Adagrad for rows and plain descent for dense numbers, without anything of the package."""
    trainer, layout = LinearTrainer(), Layout(DIMENSION, Adagrad())
    dense = trainer.first()
    rows: dict[tuple[int, int], NDArray[np.float32]] = {
        (feature, -1): first_row(layout, (feature, -1)) for feature in range(FEATURES)
    }
    for keys, labels, partly in data.batches():
        names = names_of(keys)
        for name in names:
            rows.setdefault(name, first_row(layout, name))
        vectors = np.stack([rows[name][:DIMENSION] for name in names])
        batch = LinearBatch(np.zeros(0, np.int32), labels, partly)
        gradients = trainer.gradients(batch, vectors, dense)
        sums: dict[tuple[int, int], NDArray[np.float32]] = {}
        for name, gradient in zip(names, gradients.vectors, strict=True):
            sums[name] = sums[name] + gradient if name in sums else gradient
        for name, gradient in sums.items():
            squares = rows[name][DIMENSION:] + gradient * gradient
            step = rate * gradient / (np.sqrt(squares) + np.float32(1e-10))
            rows[name] = np.concatenate([rows[name][:DIMENSION] - step, squares])
        for each in gradients.trained:
            dense[each] -= rate * gradients.dense[each]
    return rows, dense


def first_row(layout: Layout, name: tuple[int, int]) -> NDArray[np.float32]:
    key = Keys(np.array([name[0]], np.uint16), np.array([name[1]]))
    return layout.first(key, SEED).reshape(-1)


class TestSeveralWorkers:
    @pytest.mark.parametrize("staleness", [0, 2])
    def test_repeat_bit_by_bit_on_any_number_of_shards(
        self, tmp_path: Path, staleness: int
    ) -> None:
        models = [
            whole_run(
                tmp_path / str(number),
                server_of(workers=2, shards=shards, staleness=staleness),
                2,
                RULES,
            )
            for number, shards in enumerate([1, 2, 2])
        ]
        assert all(model == models[0] for model in models)
        assert not same(models[0], PLAIN)

    def test_learn(self, tmp_path: Path) -> None:
        events = list[Event]()
        data = make_data(1600)
        data = Data(data.ids, (data.ids % 3 - 1).sum(axis=1).astype(np.float32))
        server = server_of(workers=2, shards=2, every=400)
        for _ in range(2):
            run(tmp_path, LinearFeeder(data, 2), server, telemetry=Telemetry(events.append))
        plain_loss = float((data.labels**2).mean() / 2)
        assert events[-1].stage == "train"
        assert events[-1].done == 1600
        assert events[-1].metrics["loss"] < plain_loss


class TestRounds:
    @pytest.mark.parametrize("staleness", [0, 1, 3])
    def test_push_no_later_than_staleness_allows(self, tmp_path: Path, staleness: int) -> None:
        server = server_of(staleness=staleness, every=10**6)
        result = run(tmp_path, LinearFeeder(DATA), server)
        assert result.progress.staleness == staleness

    def test_begin_no_window_before_those_beyond_the_bound_are_done(self, tmp_path: Path) -> None:
        server = server_of(workers=2, staleness=1, every=10**6)
        calls = list[str]()
        run(
            tmp_path,
            LinearFeeder(DATA),
            server,
            wrap=lambda engine: cast(Engine, Watched(engine, lambda name, _: calls.append(name))),
        )
        steps = [name for name in calls if name in {"exchange", "train", "result"}]
        # After one result of `begin`: two rounds, then the results of one before each other.
        start = ["result", "exchange", "train", "train", "exchange", "train", "train"]
        assert steps[: len(start) + 3] == [*start, "result", "result", "exchange"]

    def test_are_counted(self, tmp_path: Path) -> None:
        result = run(tmp_path, LinearFeeder(DATA, 2), server_of(workers=2, every=10**6))
        progress = result.progress
        assert (progress.windows, progress.samples) == (13, 200)
        assert progress.calls == 7 + 2  # seven rounds, of which two were not pushed yet at the end
        assert progress.traffic > 0
        assert result.version == 1

    def test_read_no_further_ahead_than_they_may(self, tmp_path: Path) -> None:
        feeder = LinearFeeder(DATA)
        furthest = list[int]()

        def see(name: str, args: tuple[Any, ...]) -> None:
            if name == "train":
                furthest.append(max(feeder.given) - args[1].number)

        run(tmp_path, feeder, server_of(), wrap=lambda engine: cast(Engine, Watched(engine, see)))
        assert max(furthest) <= 4

    def test_of_no_data_at_all(self, tmp_path: Path) -> None:
        empty = Data(np.zeros((0, FEATURES), np.int64), np.zeros(0, np.float32))
        result = run(tmp_path, LinearFeeder(empty), server_of())
        assert (result.progress.samples, result.version, result.rows) == (0, 0, 0)

    def test_stop_with_the_error_of_the_feeder(self, tmp_path: Path) -> None:
        class Broken(LinearFeeder):
            def next_window(self, number: int) -> Window | None:
                if number == 12:
                    raise SpecError("row 96 has no label")
                return super().next_window(number)

        with pytest.raises(SpecError, match="row 96 has no label"):
            run(tmp_path, Broken(DATA), server_of())
        run(tmp_path, LinearFeeder(DATA), server_of())
        assert same(trained(tmp_path, server_of()), PLAIN)


class TestDivergence:
    def test_stops_with_the_last_snapshot_and_the_feature(self, tmp_path: Path) -> None:
        labels = DATA.labels.copy()
        labels[160] = np.nan
        with pytest.raises(DivergedError, match="snapshot 2 is from before") as found:
            run(tmp_path, LinearFeeder(Data(DATA.ids, labels)), server_of(every=80))
        assert found.value.version == 2
        assert found.value.feature in range(FEATURES)
        assert found.value.exit_code == 2
        before = Data(DATA.ids[:160], DATA.labels[:160])
        assert same(trained(tmp_path, server_of()), plain(before, server_of()))


class TestInterrupted:
    @pytest.mark.parametrize("workers", [1, 2])
    @pytest.mark.parametrize("after", [1, 20, 47, 90, 120, 150])
    def test_goes_on_as_if_nothing_had_happened(
        self, tmp_path: Path, undisturbed: Callable[[int], Model], workers: int, after: int
    ) -> None:
        server = server_of(workers=workers, shards=2)
        with pytest.raises(KilledError):
            run(
                tmp_path,
                LinearFeeder(DATA),
                server,
                rules=RULES,
                wrap=failing(KilledError(), after),
            )
        assert whole_run(tmp_path, server, 1, RULES) == undisturbed(workers)

    def test_again_and_again_comes_to_its_end(
        self, tmp_path: Path, undisturbed: Callable[[int], Model]
    ) -> None:
        server = server_of(shards=2)
        killed = 0
        while True:
            try:
                run(
                    tmp_path,
                    LinearFeeder(DATA),
                    server,
                    rules=RULES,
                    wrap=failing(KilledError(), 90),
                )
            except KilledError:
                killed += 1
            else:
                break
        assert killed > 1
        assert trained(tmp_path, server, RULES) == undisturbed(1)

    def test_goes_on_with_another_number_of_shards(self, tmp_path: Path) -> None:
        with pytest.raises(KilledError):
            run(
                tmp_path,
                LinearFeeder(DATA),
                server_of(shards=3),
                wrap=failing_at_copy(KilledError(), 3),
            )
        assert (tmp_path / "snapshots" / "000002").exists()
        assert same(whole_run(tmp_path, server_of(shards=2)), PLAIN)

    def test_by_sigkill_goes_on_as_if_nothing_had_happened(self, tmp_path: Path) -> None:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", SLOW_RUN, str(tmp_path)], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 120
            while not (tmp_path / "snapshots" / "000002").exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        feeder = LinearFeeder(DATA)
        run(tmp_path, feeder, server_of())
        assert min(feeder.given) >= 2 * 8
        assert same(trained(tmp_path, server_of()), PLAIN)

    def test_after_its_end_has_nothing_left_to_do(self, tmp_path: Path) -> None:
        first = run(tmp_path, LinearFeeder(DATA), server_of())
        feeder = LinearFeeder(DATA)
        again = run(tmp_path, feeder, server_of())
        assert feeder.given == []
        assert (again.version, again.rows, again.evicted) == (
            first.version,
            first.rows,
            first.evicted,
        )
        assert again.progress.samples == 200

    def test_with_a_broken_snapshot_is_told(self, tmp_path: Path) -> None:
        run(tmp_path, LinearFeeder(DATA), server_of())
        newest = max((tmp_path / "snapshots").iterdir())
        os.truncate(newest / "shard-0000.rows.npy", 200)
        with pytest.raises(SpecError, match=r"shard-0000\.rows\.npy: .* Put the file back"):
            run(tmp_path, LinearFeeder(DATA), server_of())
        newest.rename(tmp_path / "broken")
        assert same(whole_run(tmp_path, server_of()), PLAIN)


SLOW_RUN = """
import sys, time
from pathlib import Path
from tests import tiers
from tests.unit.paramserver.test_tiers import server_of

class Slow(tiers.LinearFeeder):
    def next_window(self, number):
        time.sleep(0.03 if number < 16 else 1)
        return super().next_window(number)

tiers.run(Path(sys.argv[1]), Slow(tiers.make_data()), server_of())
"""


class TestLost:
    @pytest.mark.parametrize("after", [1, 30, 100])
    def test_shards_and_workers_lead_back_to_the_last_snapshot(
        self, tmp_path: Path, undisturbed: Callable[[int], Model], after: int
    ) -> None:
        server = server_of(workers=2, shards=2)
        events = list[Event]()
        run(
            tmp_path,
            LinearFeeder(DATA),
            server,
            rules=RULES,
            wrap=failing(LostError("two actors died"), after),
            telemetry=Telemetry(events.append),
        )
        assert [event.note for event in events if event.stage == "recover"] == ["two actors died"]
        assert trained(tmp_path, server, RULES) == undisturbed(2)


class TestFullDisk:
    def test_stops_with_a_sentence_and_the_last_snapshot_whole(self, tmp_path: Path) -> None:
        class Filling(LinearFeeder):
            """Fills the disk after the second snapshot."""

            def state(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override]
                if self.at < 160:
                    return super().state()
                return {"at": np.zeros(10**5, np.int64)}

        with full_disk(50_000), pytest.raises(DiskError, match=r"no space left .* Make room"):
            run(tmp_path, Filling(DATA), server_of(every=80))
        found = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
        assert found == ["000001"]
        assert same(whole_run(tmp_path, server_of(every=80)), PLAIN)


class TestEvents:
    def test_tell_how_training_goes(self, tmp_path: Path) -> None:
        events = list[Event]()
        run(tmp_path, LinearFeeder(DATA), server_of(), telemetry=Telemetry(events.append))
        assert events[-1].done == 200
        assert events[-1].metrics.keys() == {
            *("loss", "samples_per_s", "staleness", "rows", "evicted", "memory", "read")
        }
        assert events[-1].metrics["read"] == 200

    def test_come_while_training_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tiers, "EVENT_SECONDS", 0)
        events = list[Event]()
        run(tmp_path, LinearFeeder(DATA), server_of(), telemetry=Telemetry(events.append))
        assert [event.done for event in events] == list(range(BATCH, 201, BATCH))
        assert events[-1].metrics["rows"] > events[0].metrics["rows"]


PLAIN = plain(DATA, server_of())
assert len(DATA.ids) % BATCH == 0
