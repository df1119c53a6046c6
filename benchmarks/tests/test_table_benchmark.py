"""The benchmark of tables: what it compares, and when it falls short."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_table, rival_pandas, table_speed
from benchmarks.measurement import Measurement

SPEEDS = {"keys_per_s": 2e6, "rows_per_s": 1e6}
TABLE = {
    "rows_per_s": 4e6,
    "memory": 1.5,
    "told": 1.4,
    "slowest": 2.0,
    "window": 100,
    "exchange_s": 0.1,
    "made_per_s": 1e6,
    "limit": 5e6,
}
FOUND = {
    "table": TABLE,
    "index": {"keys_per_s": 3e6},
    "torch": SPEEDS,
    "pyarrow": SPEEDS,
    "kernels": {"numba": 9e6, "torch unique + index_add": 3e6, "distinct": 7.0},
    "benchmarks.rival_pandas": SPEEDS,
    "benchmarks.rival_fbgemm": {"fbgemm": 3e6},
}


@contextmanager
def nothing(_requirement: str, _pins: Path | None = None) -> Iterator[Path]:
    """No environment."""
    yield Path("python")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measurement:
    """A table reads four rows in the time of one of the others."""
    monkeypatch.setattr(bench_table, "installed", nothing)
    monkeypatch.setattr(bench_table, "_ours", lambda who, _size: FOUND[who])
    monkeypatch.setattr(
        bench_table, "_run", lambda _python, program, *_arguments, **_options: FOUND[program]
    )
    return bench_table.measure()


class TestMeasure:
    def test_answers_with_ratios(self, measured: Measurement) -> None:
        assert "reads rows 4.0 times as fast as the best" in measured.answer
        assert "3.0 times as fast as FBGEMM's" in measured.answer
        rows = measured.tables["Rows by key: millions a CPU second"]
        assert [row["keys"] for row in rows] == list(bench_table.SIZES)

    def test_says_that_keys_alone_are_not_three_times_as_fast(self, measured: Measurement) -> None:
        assert [text.split(",")[0] for text in measured.falls_short] == ["Positions alone"]


class TestSpeeds:
    def test_of_a_table_and_of_others_are_measured(self) -> None:
        found = table_speed.table(20_000)
        assert found["rows_per_s"] > 0
        assert found["slowest"] >= 1
        for other in (table_speed.torch_, table_speed.pyarrow_):
            assert other(1000).keys() == SPEEDS.keys()

    def test_draw_few_ids_often(self) -> None:
        drawn = rival_pandas.zipf(1000, 5000, 2)
        assert [len(batch) for batch in drawn] == [5000, 5000]
        assert np.bincount(drawn[0]).max() > 500
