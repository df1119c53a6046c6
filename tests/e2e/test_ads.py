"""The example of ads as a user runs it: made from a seed, trained, scored, exported and served."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from tests.commands import isthmus
from tests.thoroughness import LONG

pytestmark = pytest.mark.slow


ROWS = 80_000
"""Of the example's 500,000, unless all are asked for: too few to be better than trees."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("ads") / "myads"
    isthmus("init", "ads", found)
    if not LONG:
        train = found / "train.parquet"
        parquet.write_table(parquet.read_table(train).slice(0, ROWS), train)
    return found


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    return isthmus("run", folder / "job.toml")


@pytest.fixture(scope="module")
def scores(folder: Path, result: dict[str, Any]) -> Path:
    out = folder / "scores.parquet"
    isthmus("predict", result["run"], folder / "new.parquet", "--out", out)
    return out


class TestRun:
    def test_tells_all_that_happened(self, result: dict[str, Any]) -> None:
        assert result["metrics"].keys() >= {
            f"{measure}_{task}"
            for measure in ("auc", "logloss", "calibration")
            for task in ("ctr", "cvr")
        }
        assert result["metrics"]["auc_ctr"].keys() == {"model", "ideal", "linear", "boosted"}
        assert result["throughput"]["samples_per_s"] > 0
        assert result["seconds"].keys() >= {"start", "train", "total"}
        assert result["traffic"]["bytes"] > 0
        assert result["memory"].keys() == {"peak_bytes", "rows", "evicted"}
        assert result["queues"].keys() >= {"ctr", "cvr"}
        assert 0 <= result["staleness"]["greatest"] <= 1
        assert result["exchanges"] > 0
        assert Path(result["report"]).exists()

    @pytest.mark.parametrize("task", ["ctr", "cvr"])
    def test_learns_some_of_the_truth(self, result: dict[str, Any], task: str) -> None:
        auc = result["metrics"][f"auc_{task}"]
        assert 0.6 < auc["model"] < auc["ideal"]

    @pytest.mark.long
    @pytest.mark.parametrize("task", ["ctr", "cvr"])
    def test_of_all_rows_is_better_than_simpler_models(
        self, result: dict[str, Any], task: str
    ) -> None:
        auc = result["metrics"][f"auc_{task}"]
        assert max(auc["linear"], auc["boosted"] or 0.0) < auc["model"]
        assert 0.8 < result["metrics"][f"calibration_{task}"]["model"] < 1.2


class TestPredict:
    def test_scores_every_row_for_each_task(self, folder: Path, scores: Path) -> None:
        found = parquet.read_table(scores)
        assert found.num_rows == parquet.read_metadata(folder / "new.parquet").num_rows
        for name in found.column_names:
            values = found[name].to_numpy()
            assert ((values > 0) & (values < 1)).all()


class TestExport:
    def test_serves_the_same_scores_without_isthmus(
        self, folder: Path, result: dict[str, Any], scores: Path
    ) -> None:
        whole = folder / "export"
        isthmus("export", result["run"], whole)
        out = folder / "served.parquet"
        command = [folder / "score_from_export.py", folder / "new.parquet", out, whole]
        subprocess.run([sys.executable, *map(str, command)], check=True)  # noqa: S603 - ours
        ours, served = parquet.read_table(scores), parquet.read_table(out)
        for name in ours.column_names:
            np.testing.assert_allclose(served[name], ours[name], atol=1e-6)

    def test_of_changes_names_the_snapshot_that_it_follows(
        self, folder: Path, result: dict[str, Any]
    ) -> None:
        told = isthmus("export", result["run"], folder / "changes", "--since", "1")
        assert told["since"] == 1
        assert told["snapshot"] > 1


class TestRay:
    @pytest.mark.long  # a smaller job in tests/faults gives the same numbers on both engines
    def test_gives_the_same_metrics(self, folder: Path, result: dict[str, Any]) -> None:
        job = (folder / "ray.toml").read_text()
        plain = folder / "ray-alone.toml"
        plain.write_text(job.replace("[multitask]\n", "[multitask]\ncompare_rows = 0\n", 1))
        again = isthmus("run", plain)["metrics"]
        for measure, of in result["metrics"].items():
            for model in ("model", "ideal"):
                assert again[measure][model] == of[model], (measure, model)
