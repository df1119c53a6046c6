"""The generated data of the example of ads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from isthmus.core import spec
from isthmus.jobs.job import Job
from isthmus.multitask.ads import make as ads

EXAMPLE = Path(__file__).parents[3] / "examples/ads"

Columns = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ads")
    ads.make(made, 7)
    return made


def read(folder: Path, name: str, *columns: str) -> Columns:
    table = parquet.read_table(folder / f"{name}.parquet", columns=list(columns) or None)
    return {name: table.column(name).to_numpy() for name in table.column_names}


class TestMake:
    def test_makes_the_same_files_from_the_same_seed(self, folder: Path, tmp_path: Path) -> None:
        ads.make(tmp_path, 7)
        for name in ("train", "test", "conversions", "new"):
            file = f"{name}.parquet"
            assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()

    def test_keeps_labels_and_truth_from_those_who_may_not_know(self, folder: Path) -> None:
        assert not {"conversion", "known_click", "known_conversion"} & read(folder, "train").keys()
        assert not {"click", "conversion", "known_click"} & read(folder, "new").keys()

    def test_lets_files_follow_each_other_in_time(self, folder: Path) -> None:
        times = [read(folder, name, "time")["time"] for name in ("train", "test", "new")]
        together = np.concatenate(times)
        assert (np.diff(together) >= 0).all()


class TestKnownProbabilities:
    def test_are_those_of_the_labels(self, folder: Path) -> None:
        rows = read(folder, "test", "click", "conversion", "known_click", "known_conversion")
        clicked = rows["click"] == 1
        for label, chance in (
            (rows["click"], rows["known_click"]),
            (rows["conversion"][clicked], rows["known_conversion"][clicked]),
        ):
            error = np.sqrt((chance * (1 - chance)).sum())
            assert abs(label.sum() - chance.sum()) < 4 * error


class TestIds:
    def test_follow_zipf(self, folder: Path) -> None:
        _, counts = np.unique(read(folder, "train", "ad")["ad"], return_counts=True)
        counts = np.sort(counts)[::-1]
        assert counts[: len(counts) // 10].sum() > 0.4 * counts.sum()

    @pytest.mark.parametrize("column", ["user", "ad"])
    def test_appear_over_time(self, folder: Path, column: str) -> None:
        train = read(folder, "train", column)[column]
        test = read(folder, "test", column)[column]
        unseen = ~np.isin(test, train)
        assert 0.005 < unseen.mean() < 0.2


class TestConversions:
    def test_come_hours_to_days_after_a_click(self, folder: Path) -> None:
        train = read(folder, "train", "impression", "time", "click")
        later = read(folder, "conversions")
        assert (np.diff(later["time"]) >= 0).all()
        assert (train["impression"] == np.arange(len(train["impression"]))).all()
        assert (train["click"][later["impression"]] == 1).all()
        hours = (later["time"] - train["time"][later["impression"]]) / 3600
        assert hours.max() <= ads.WINDOW_HOURS
        assert np.quantile(hours, 0.25) < 6
        assert np.quantile(hours, 0.9) > 20


class TestJobs:
    def test_differ_in_name_and_engine_alone(self) -> None:
        job, ray = (spec.load(EXAMPLE / name, Job) for name in ("job.toml", "ray.toml"))
        assert job.multitask.server.engine == "local"
        assert ray.multitask.server.engine == "ray"
        tables = ray.tables["multitask"]
        server = ray.multitask.server.__replace__(engine="local")
        assert ray.replace(name=job.name, multitask=tables.__replace__(server=server)) == job

    def test_wait_as_long_as_conversions_may_take(self) -> None:
        job = spec.load(EXAMPLE / "job.toml", Job)
        assert job.multitask.tasks["cvr"].conversions.within_hours == ads.WINDOW_HOURS
