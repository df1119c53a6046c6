"""Kills are counted by what came of them, and each is tried once."""

from pathlib import Path

import pytest

from benchmarks import bench_faults
from tests.faults.killing import Trial


class TestSummed:
    def test_counts_by_job_and_names_what_went_wrong(self) -> None:
        found = bench_faults.summed(
            [
                Trial("baseline", "", (1,), "same"),
                Trial("regression", "clinic", (3,), "lost", "exit codes"),
                Trial("regression", "clinic", (4,), "same"),
            ]
        )
        rows = {row["job"]: row for row in found.tables["Runs by what came of them"]}
        assert (rows["regression"]["killed"], rows["regression"]["lost"]) == (2, 1)
        assert (rows["all"]["killed"], rows["all"]["same"]) == (3, 2)
        assert "1 lost, 0 diverged, 0 hung, 0 left" in found.answer
        assert "regression, clinic killed at moment 3: lost" in found.falls_short


class TestMeasurement:
    def test_tries_each_moment_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bench_faults, "TRIALS", tmp_path / "faults.jsonl")
        monkeypatch.setattr(bench_faults, "EVERY", 3)
        for _ in range(2):
            found = bench_faults.measure(["baseline"])
            assert bench_faults.read()
            assert {trial.verdict for trial in bench_faults.read()} == {"same"}
            assert found.tables["Runs by what came of them"][0]["killed"] == 3
