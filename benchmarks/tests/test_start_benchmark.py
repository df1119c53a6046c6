"""The benchmark of starts: what it measures, and when it falls short."""

from collections.abc import Sequence

import pytest

from benchmarks import bench_start
from benchmarks.measurement import Measurement

CHECK = f"isthmus check {bench_start.JOB}"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measurement:
    """An empty interpreter takes one second, what imports or checks two, all else three."""

    def seconds(command: Sequence[str], source: str | None = None) -> float:
        assert source is None
        words = " ".join(command)
        return 1.0 if words == "-c pass" else 2.0 if "import" in words or "check" in words else 3.0

    monkeypatch.delenv("BEFORE", raising=False)
    monkeypatch.setattr(bench_start, "seconds", seconds)
    monkeypatch.setattr(bench_start, "_imported", lambda _command: {"isthmus", "numpy"})
    return bench_start.measure(runs=2)


class TestMeasure:
    def test_counts_what_a_command_takes_beyond_an_empty_interpreter(
        self, measured: Measurement
    ) -> None:
        rows = {row["command"]: row for row in measured.tables["Ours"]}
        assert rows.keys() == bench_start.OURS.keys()
        assert rows[CHECK] == {
            "command": CHECK,
            "CPU s": 2.0,
            "beyond an empty interpreter": 1.0,
            "modules": 2,
            "engines loaded": "numpy",
        }

    def test_names_commands_that_take_more_than_the_aim(self, measured: Measurement) -> None:
        assert [text.split("`")[1] for text in measured.falls_short] == list(bench_start.AIMS)

    def test_answers_beside_the_peers(self, measured: Measurement) -> None:
        assert "1.00 times importing scikit-learn" in measured.answer


class TestLoaded:
    def test_names_engines_that_a_command_loads(self) -> None:
        assert bench_start.loaded(["-c", "import numpy"]) == ["numpy"]
        assert bench_start.loaded(["-c", "import isthmus"]) == []
