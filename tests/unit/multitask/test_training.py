"""A job of clicks from its file to its result: trained, measured, gone on with, exported."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.jobs import trained
from isthmus.jobs.check import check
from isthmus.jobs.run import run
from isthmus.multitask import model_file, scoring
from isthmus.paramserver.shards.snapshots import Snapshots
from isthmus.store.runs import Run

JOB = """
name = "clicks"
seed = 3

[data]
train = "shown"
test = "later"

[datasets.shown]
path = "shown.parquet"

[datasets.later]
path = "later.parquet"

[multitask]
model = "deepfm"
dimension = 4
hidden = [8]
tower = []
batch_rows = 64
compare_rows = {compare_rows}

[multitask.features]
user = {{ kind = "id" }}
ad = {{ kind = "id" }}

[multitask.tasks.click]
label = "click"
known = "known"

[multitask.server]
workers = 2
shards = 2
exchange_every = 256
snapshot_every = 1_000
rows = {{ kind = "{optimizer}", rate = {rate} }}
dense = {{ kind = "adam", rate = 0.01 }}
"""


def rows(count: int, seed: int) -> Any:
    """Clicks that users and ads decide, each by themselves and together."""
    random = np.random.default_rng(seed)
    user, ad = random.integers(40, size=count), random.integers(20, size=count)
    score = np.sin(user) + np.cos(ad) + 1.5 * np.sin(user + 0.7) * np.cos(ad * 2.0) - 0.5
    known = 1 / (1 + np.exp(-score))
    click = (random.random(count) < known).astype(np.int8)
    return pa.table({"user": user, "ad": ad, "click": click, "known": known})


def write_job(
    folder: Path, compare_rows: int = 0, optimizer: str = "rowwise_adagrad", rate: float = 0.1
) -> Path:
    """Write a job and its data."""
    parquet.write_table(rows(6_000, 1), folder / "shown.parquet")
    parquet.write_table(rows(2_000, 2), folder / "later.parquet")
    text = JOB.format(compare_rows=compare_rows, optimizer=optimizer, rate=rate)
    (folder / "job.toml").write_text(text)
    return folder / "job.toml"


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Path]:
    return partial(write_job, tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the plain job, beside it and its data."""
    folder = tmp_path_factory.mktemp("finished")
    return run(write_job(folder), into=folder / "run")


def result_of(finished: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(finished.result.read_bytes())
    return found


def without_times(finished: Run) -> dict[str, Any]:
    found = result_of(finished)
    return {key: value for key, value in found.items() if key not in _TIMES}


_TIMES = {"seconds", "started", "throughput"}


class TestRun:
    def test_learns_and_tells_how(self, job: Callable[..., Path]) -> None:
        events = list[Event]()
        finished = run(job(compare_rows=6_000), watch=events.append)
        result = result_of(finished)
        auc = result["metrics"]["auc_click"]
        assert 0.5 < auc["linear"] < auc["model"] < auc["ideal"]
        assert result["rows"] == {"train": 6_000, "test": 2_000}
        assert result["memory"]["rows"] == 40 + 20 + 2  # and the default row of each feature
        assert result["queues"]["click"]["trained"] == 6_000
        assert result["staleness"] == {"greatest": 1}
        assert result["seconds"].keys() >= {"start", "train", "total"}
        told = [event.metrics for event in events if event.stage == "train"]
        assert told[-1].keys() >= {"loss", "auc_click", "samples_per_s", "waiting_click", "rows"}
        assert finished.report.exists()

    def test_keeps_the_score_of_every_test_row(self, finished: Run) -> None:
        found = parquet.read_table(finished.predictions)
        assert found.column_names == ["row", "click", "label_click"]
        later = parquet.read_table(finished.folder.with_name("later.parquet"))
        assert found["row"].to_pylist() == list(range(2_000))
        assert found["label_click"].to_pylist() == later["click"].to_pylist()

    def test_gives_the_same_again(self, job: Callable[..., Path], finished: Run) -> None:
        assert without_times(run(job())) == without_times(finished)

    def test_goes_on_from_the_last_snapshot_with_the_same_result(
        self, job: Callable[..., Path], tmp_path: Path, finished: Run
    ) -> None:
        class StoppedError(Exception):
            pass

        def stop(event: Event) -> None:
            if event.stage == "score":
                raise StoppedError

        file = job()
        with pytest.raises(StoppedError):
            run(file, into=tmp_path / "stopped", watch=stop)
        before = result_of(Run(tmp_path / "stopped"))
        assert before["missing"] == {"metrics": "the run was stopped while it was measured"}
        assert before["rows"] == {"train": 6_000, "test": 0}
        snapshots = tmp_path / "stopped/snapshots"
        last = max(snapshots.iterdir())
        last.rename(tmp_path / "later snapshot")  # as if it had been stopped before that one
        again = run(file, into=tmp_path / "stopped")
        assert without_times(again) == without_times(finished)

    def test_says_how_to_begin_anew_when_a_file_has_changed(
        self, job: Callable[..., Path], tmp_path: Path
    ) -> None:
        def stop(event: Event) -> None:
            if event.stage == "train" and event.done:
                raise SpecError("no more of this.")

        file = job()
        with pytest.raises(SpecError, match="no more of this"):
            run(file, into=tmp_path / "run", watch=stop)
        parquet.write_table(rows(6_000, 3), tmp_path / "shown.parquet")
        with pytest.raises(SpecError, match=r"with `--into FOLDER`\. Or remove .*/run, which"):
            run(file, into=tmp_path / "run")

    def test_keeps_the_model_and_says_why_it_could_not_be_measured(
        self, job: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise SpecError("no more of this.")

        monkeypatch.setattr(scoring, "measured", fail)
        kept = run(job(), into=tmp_path / "run")
        assert (kept.folder / "model/model.json").exists()
        assert kept.predictions.exists()
        assert result_of(kept)["missing"] == {"metrics": "no more of this."}

    def test_keeps_the_model_where_a_test_row_is_not_as_the_job_says(
        self, job: Callable[..., Path], tmp_path: Path
    ) -> None:
        file = job()
        later = rows(20_000, 2)
        click = later["click"].to_numpy().copy()
        click[-1] = 7  # far behind the first rows, which are checked before training
        at = later.column_names.index("click")
        parquet.write_table(
            later.set_column(at, "click", pa.array(click)), tmp_path / "later.parquet"
        )
        kept = run(file, into=tmp_path / "run")
        result = result_of(kept)
        assert (kept.folder / "model/model.json").exists()
        assert "cells are neither 0 nor 1" in result["missing"]["predictions"]
        assert result["metrics"] == {}
        assert result["rows"] == {"train": 6_000, "test": 0}
        assert not kept.predictions.exists()
        assert kept.report.exists()

    def test_names_the_column_whose_rows_diverge(self, job: Callable[..., Path]) -> None:
        with pytest.raises(SpecError, match=r"diverged.*of '(user|ad)' grew.*Lower `multitask"):
            run(job(optimizer="sgd", rate=100.0))


class TestCheck:
    def test_forecasts_what_comes(self, job: Callable[..., Path], finished: Run) -> None:
        ready = check(job()).ready
        assert ready is not None
        assert ready.facts["rows"] == "6,000"
        memory = result_of(finished)["memory"]
        megabytes = f"{memory['peak_bytes'] / 1e6:.1f} MB"
        assert ready.facts["table"] == f"about {memory['rows']} rows, {megabytes} in 2 shards"
        layers = len(model_file.read(finished.folder / "model").dense)
        kilobytes = 4 * (1 + 3) * layers / 1e3  # Adam remembers three more of each
        assert str(ready.facts["layers"]).startswith(f"{layers:,} numbers, {kilobytes:.1f} kB")

    def test_tells_how_much_memory_one_row_takes(self, job: Callable[..., Path]) -> None:
        file = job()
        text = file.read_text().replace("workers = 2", 'workers = 2\nmemory = "1 KiB"')
        file.write_text(text)
        with pytest.raises(
            SpecError, match=r"too little for one row per id: a shard takes \d+ KiB"
        ):
            check(file)

    def test_forecasts_traffic_within_a_fifth(
        self, job: Callable[..., Path], finished: Run
    ) -> None:
        ready = check(job()).ready
        assert ready is not None
        told = float(ready.facts["traffic"].split()[1]) * 1_000  # "about 310.4 kB between ..."
        assert told == pytest.approx(result_of(finished)["traffic"]["bytes"], rel=0.2)


class TestExport:
    def test_of_a_run_that_goes_on_is_its_last_snapshot(
        self, job: Callable[..., Path], tmp_path: Path
    ) -> None:
        told = list[Any]()

        def look(event: Event) -> None:
            here = Snapshots(tmp_path / "run/snapshots").latest()
            if event.stage == "train" and here is not None and not told:
                told.append(trained.export(tmp_path / "run", tmp_path / "early"))

        run(job(), into=tmp_path / "run", watch=look)
        late = trained.export(tmp_path / "run", tmp_path / "late")
        assert not told or told[0].snapshot <= late.snapshot
        assert late.snapshot == 6
