from pathlib import Path

import pytest

from isthmus.cli.answer import tell
from isthmus.cli.outcome import of_alignment, of_party, of_simulated_alignment, of_simulation
from isthmus.jobs.result import (
    Alignment,
    AlignmentResult,
    Egress,
    Result,
    SimulatedAlignment,
    SimulationResult,
)
from isthmus.store.runs import Run
from isthmus.tee.evidence import SIMULATION


def simulated(metrics: dict[str, float], ending: str = "converged") -> SimulationResult:
    return SimulationResult(
        job="doctor-visits",
        digest="ab",
        version="1",
        parties={"clinic": "active", "insurer": "passive"},
        alignment=Alignment("cryptographic", protects=True, size=1_500, reused=False),
        rows={"own": 2_000, "train": 1_200, "test": 300},
        metrics=metrics,
        seconds={"simulation": 12.34},
        egress={"clinic": Egress(3, 2_500_000), "insurer": Egress(2, 999)},
        rounds=6,
        converged=True,
        ending=ending,
        reports={"clinic": "runs/clinic/report.html", "insurer": "runs/insurer/report.html"},
    )


def passive() -> Result:
    return Result(
        job="doctor-visits",
        digest="ab",
        system="regression",
        version="1",
        party="insurer",
        role="passive",
        peers=["clinic"],
        started="2026-01-01T00:00:00+00:00",
        alignment=Alignment("cryptographic", protects=True, size=1_500, reused=False),
        rows={"own": 2_000, "train": 1_200, "test": 300},
        columns=4,
        metrics={},
        seconds={"total": 12.34},
        egress=Egress(2, 999),
        rounds=6,
        converged=True,
        ending="converged after 6 rounds",
        curve=[],
        learned=[],
    )


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> "Shown":
    return Shown(capsys)


class Shown:
    """What a reader sees, word by word."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def lines(self) -> list[str]:
        return [" ".join(line.split()) for line in self._capsys.readouterr().err.splitlines()]


class TestSimulation:
    def test_compares_the_models(self, shown: Shown) -> None:
        metrics = {"auc": 0.66, "auc_active_only": 0.61, "auc_central": 0.66001, "ks": 0.24}
        tell(of_simulation(simulated(metrics)))
        lines = shown.lines()
        assert "on the test rows joint active party alone pooled" in lines
        assert "AUC 0.6600 0.6100 0.6600" in lines
        assert "KS 0.2400" in lines

    def test_knows_any_measure(self, shown: Shown) -> None:
        tell(of_simulation(simulated({"rmse": 1.5, "r2": 0.4, "rmse_central": 1.4})))
        lines = shown.lines()
        assert "on the test rows joint pooled" in lines
        assert "RMSE 1.5000 1.4000" in lines

    def test_says_what_it_took(self, shown: Shown) -> None:
        tell(of_simulation(simulated({"auc": 0.66})))
        lines = shown.lines()
        assert "rows shared 1,500: 1,200 trained on, 300 scored" in lines
        assert "training converged" in lines
        assert "seconds 12.3" in lines
        assert "clinic sent 2.5 MB" in lines
        assert "insurer's report runs/insurer/report.html" in lines

    def test_says_when_it_did_not_converge(self, shown: Shown) -> None:
        tell(of_simulation(simulated({"auc": 0.66}, ending="stopped after 6 rounds")))
        assert "training stopped after 6 rounds" in shown.lines()


class TestParty:
    def test_without_labels_has_no_measures_but_a_report(
        self, shown: Shown, tmp_path: Path
    ) -> None:
        tell(of_party(passive(), Run(tmp_path)))
        lines = shown.lines()
        assert lines[0].startswith("rows shared")
        assert "sent 999 bytes" in lines
        assert f"report {tmp_path / 'report.html'}" in lines


ATTESTED = Alignment("attested", protects=False, size=1_500, reused=False, notice=SIMULATION)
UNTOLD = Alignment("attested", protects=True, size=None, reused=True)


class TestAlignment:
    def test_says_what_this_party_is_told_and_where_it_is(self, shown: Shown) -> None:
        result = AlignmentResult(
            job="who",
            digest="ab",
            version="1",
            party="shop",
            role="passive",
            peers=["clinic"],
            started="2026-01-01T00:00:00+00:00",
            alignment=UNTOLD,
            rows={"own": 2_000},
            seconds={"total": 12.34},
            egress=Egress(2, 999),
            learned=[],
        )
        tell(of_alignment(result, {"run": "runs/who"}))
        assert shown.lines() == [
            "rows shared not told to this party",
            "alignment attested, found by an earlier run",
            "seconds 12.3",
            "sent 999 bytes",
            "run runs/who",
        ]

    def test_of_a_simulation_says_that_nothing_is_protected(
        self, shown: Shown, tmp_path: Path
    ) -> None:
        result = SimulatedAlignment(
            job="who",
            digest="ab",
            version="1",
            parties={"clinic": "active", "shop": "passive"},
            alignment=ATTESTED,
            seconds={"simulation": 12.34},
            egress={"clinic": Egress(3, 2_500_000), "shop": Egress(2, 999)},
        )
        tell(of_simulated_alignment(result, Run(tmp_path)))
        lines = shown.lines()
        assert lines[:2] == ["rows shared 1,500", "alignment attested, found in this run"]
        assert f"notice {SIMULATION}" in lines
        assert "shop sent 999 bytes" in lines
