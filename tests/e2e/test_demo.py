"""The demo as a user runs it: processes, files, mutual TLS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.spec import load
from isthmus.crypto import keys
from isthmus.jobs.job import Job
from tests.commands import isthmus

JOB = Path(__file__).parents[2] / "examples" / "health" / "job.toml"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def keys_of_full_size() -> Iterator[None]:
    """Once as a user has it: all other tests have small keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(keys.TEST_KEY_BITS)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "runs"


@pytest.fixture(scope="module")
def result(runs: Path) -> dict[str, Any]:
    return isthmus("simulate", JOB, "--runs", runs)


class TestSimulate:
    def test_finds_the_rows_that_both_parties_hold(self, result: dict[str, Any]) -> None:
        assert result["alignment"] == {
            "method": "cryptographic",
            "protects": True,
            "size": 15_588,
            "reused": False,
            "notice": "",
            "found": {"clinic": 15_588 / 18_000, "insurer": 15_588 / 17_500},
            "warnings": [],
        }

    def test_equals_the_pooled_model_and_beats_the_clinic_alone(
        self, result: dict[str, Any]
    ) -> None:
        auc, ks = result["metrics"]["auc"], result["metrics"]["ks"]
        assert result["kind"] == "aligned.simulated"
        assert result["converged"] is True
        assert auc["joint"] == pytest.approx(auc["pooled"], abs=0.002)
        assert ks["joint"] == pytest.approx(ks["pooled"], abs=0.01)
        assert auc["joint"] > auc["active_only"] + 0.03
        assert auc["joint"] == pytest.approx(0.655, abs=0.01)

    def test_leaves_the_same_result_on_disk(self, runs: Path, result: dict[str, Any]) -> None:
        on_disk = json.loads((runs / "latest" / "result.json").read_text())
        assert on_disk["metrics"] == result["metrics"]
        assert on_disk["egress"] == result["egress"]
        assert result["seconds"]["total"] > 0
        for party in ("clinic", "insurer"):
            assert result["egress"][party]["messages"] > 0
            assert result["egress"][party]["bytes"] > 0

    @pytest.mark.usefixtures("result")
    def test_gives_each_party_its_own_folder_key_and_report(self, runs: Path) -> None:
        for party in ("clinic", "insurer"):
            folder = runs / "latest" / party
            assert (folder / "key.pem").stat().st_mode & 0o077 == 0
            assert "<html" in (folder / "report.html").read_text()
        keys = {
            (runs / "latest" / party / "key.pem").read_bytes() for party in ("clinic", "insurer")
        }
        assert len(keys) == 2

    @pytest.mark.usefixtures("result")
    def test_keeps_labels_and_scores_where_the_labels_are(self, runs: Path) -> None:
        assert (runs / "latest" / "clinic" / "predictions.parquet").exists()
        assert not (runs / "latest" / "insurer" / "predictions.parquet").exists()
        assert isthmus("report", runs)["reports"]


class TestLedger:
    def test_of_every_party_verifies_with_its_seal(
        self, runs: Path, result: dict[str, Any]
    ) -> None:
        verdicts = isthmus("ledger", "verify", runs)["ledgers"]
        assert verdicts.keys() == {"clinic", "insurer"}
        for party, verdict in verdicts.items():
            assert verdict["sealed"]
            assert verdict["signature_checked"]
            assert verdict["records"] == result["egress"][party]["messages"]

    @pytest.mark.usefixtures("result")
    @pytest.mark.parametrize("party", ["clinic", "insurer"])
    def test_agrees_with_the_forecast_made_before_the_run(self, runs: Path, party: str) -> None:
        forecast = isthmus("explain", JOB, "--party", JOB.parent / party / "party.toml")
        expected = {flow["message"]: flow["bytes"] for flow in forecast["flows"]}
        rows = isthmus("ledger", "show", runs / "latest" / party)["ledgers"][party]
        recorded = {row["message"]: row["bytes"] for row in rows}
        assert expected.keys() == recorded.keys()
        assert sum(expected.values()) == pytest.approx(sum(recorded.values()), rel=0.05)
        for message, size in expected.items():
            assert size == pytest.approx(recorded[message], rel=0.05, abs=200), message

    @pytest.mark.usefixtures("result")
    def test_finds_a_record_that_was_changed(self, runs: Path) -> None:
        ledger = runs / "latest" / "insurer" / "ledger.jsonl"
        original = ledger.read_bytes()
        ledger.write_bytes(original.replace(b"PartialSlope", b"PartialSlopf", 1))
        try:
            answer = isthmus("ledger", "verify", runs / "latest" / "insurer", code=5)
        finally:
            ledger.write_bytes(original)
        assert answer["error"]["kind"] == "LedgerError"


def test_the_job_of_the_example_is_valid() -> None:
    assert load(JOB, Job).name == "doctor-visits"
