"""The memory that a run is expected to take: above what runs took, and not twice as much."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.data.table import Table
from isthmus.jobs.aligned import peak, sizes
from tests.unit.jobs.desk import Desk

ROWS, COLUMNS = 10_000_000, 20


def forecast(desk: Desk, party: str) -> int:
    """Of the job, as if each party brought many rows."""
    rows = Table(
        [b""] * ROWS,
        np.broadcast_to(0.0, (ROWS, COLUMNS)),
        tuple(f"column {number}" for number in range(COLUMNS)),
        label=np.broadcast_to(0.0, ROWS),
    )
    plan = replace(desk.plan(party), train=rows)
    declared = dict.fromkeys(plan.job.parties, ROWS)
    expected = replace(sizes.expected(plan), rows=declared, shared=ROWS, train=ROWS, test=0)
    return peak.forecast(plan, expected)


class TestForecast:
    @pytest.mark.parametrize(
        ("party", "measured"), [("clinic", 7_700_000_000), ("insurer", 7_050_000_000)]
    )
    def test_of_ten_million_rows_is_about_what_they_took(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, party: str, measured: int
    ) -> None:
        """Measured on two cores, the workers of the party included."""
        monkeypatch.setattr("os.cpu_count", lambda: 2)
        desk.edit_job("rows = 300", "")
        desk.edit_job('scheme = "okamoto-uchiyama"\nkey_bits = 2048', 'scheme = "bfv"')
        assert measured < forecast(desk, party) < 1.3 * measured

    def test_grows_with_rows_and_cells(self, desk: Desk) -> None:
        plan = desk.plan("clinic")
        few, many = sizes.expected(plan), replace(sizes.expected(plan), train=10**6)
        assert peak.forecast(plan, many) > peak.forecast(plan, few)
