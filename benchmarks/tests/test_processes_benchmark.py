"""The benchmark of several processes, on a few steps."""

import pytest

from benchmarks import bench_processes
from benchmarks.bench_processes import Encoder


@pytest.mark.slow
@pytest.mark.long
class TestMeasure:
    def test_has_a_row_for_each_encoder_and_says_what_falls_short(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bench_processes, "ENCODERS", (Encoder("static", 64, 6),))
        found = bench_processes.measure()
        [row] = found.tables["Pairs/s"]
        speeds = [value for value in row.values() if isinstance(value, int)]
        assert min(speeds) > 0
        assert "two processes" in found.answer.lower()
