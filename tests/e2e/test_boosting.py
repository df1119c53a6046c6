"""Boosted trees as a user trains them: processes, files, mutual TLS."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import isthmus

EXAMPLE = Path(__file__).parents[2] / "examples" / "health"
PARTIES = ("clinic", "insurer")
SMALL_KEY = "\n[boosting.encryption]\nkey_bits = 1024\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


class Desk:
    """A copy of the example with a small key and few trees, and the parties started in it."""

    def __init__(self, folder: Path) -> None:
        isthmus("init", "health", folder)
        self.folder = folder
        self.job = folder / "boosting.toml"
        text = (
            self.job.read_text()
            .replace("trees = 20", "trees = 10")
            .replace("rounds = 20", "rounds = 10")
        )
        self.job.write_text(text + SMALL_KEY)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, party: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603
            [
                sys.executable,
                "-m",
                "isthmus",
                "run",
                self.job,
                "--json",
                "--party",
                self.file(party),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def file(self, party: str) -> Path:
        return self.folder / party / "party.toml"

    def latest(self, party: str) -> Path:
        return self.folder / party / "runs" / "latest"

    def trees(self, party: str) -> int:
        """How many trees the event log of the latest run counts."""
        log = self.latest(party) / "events.jsonl"
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return max(
            (event.get("done", 0) for event in events if event["stage"] == "train"), default=0
        )


def ended(process: subprocess.Popen[str], code: int = 0) -> dict[str, Any]:
    out, err = process.communicate(timeout=200)
    assert process.returncode == code, err
    assert "Traceback" not in err
    answer: dict[str, Any] = json.loads(out)
    return answer


@pytest.fixture
def desk(tmp_path: Path, free_port: int) -> Iterator[Desk]:
    desk = Desk(tmp_path / "trial")
    for party in PARTIES:
        file = desk.file(party)
        file.write_text(file.read_text().replace(":7401", f":{free_port}"))
    yield desk
    for process in desk.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    desk = Desk(tmp_path_factory.mktemp("boosting") / "trial")
    return isthmus("simulate", desk.job, "--runs", desk.folder / "runs")


class TestSimulate:
    def test_equals_the_same_trees_on_joined_data(self, result: dict[str, Any]) -> None:
        metrics = result["metrics"]
        assert metrics["auc"] == metrics["auc_central"]
        assert metrics["ks"] == metrics["ks_central"]

    def test_beats_the_clinic_alone_and_keeps_up_with_xgboost(self, result: dict[str, Any]) -> None:
        metrics = result["metrics"]
        assert metrics["auc"] == pytest.approx(0.70, abs=0.01)
        assert metrics["auc_active_only"] == pytest.approx(0.655, abs=0.01)
        assert metrics["auc"] > metrics["auc_xgboost"] - 0.003

    def test_says_how_long_a_tree_took_and_what_it_told(self, result: dict[str, Any]) -> None:
        assert result["seconds"]["per_tree"] > 0
        assert 0.5 < result["leakage"]["cluster_auc"] < 0.8

    def test_shows_the_importance_of_features_to_the_clinic(self, result: dict[str, Any]) -> None:
        page = Path(result["reports"]["clinic"]).read_text()
        assert "disea" in page
        assert "of insurer" in page
        for name in ("lncoins", "idp", "lpi", "fmde"):
            assert name not in page  # the insurer's names stay there

    @pytest.mark.parametrize("party", PARTIES)
    def test_sends_no_more_kinds_of_messages_than_were_explained(
        self, result: dict[str, Any], party: str
    ) -> None:
        job = Path(result["run"]).parents[1] / "boosting.toml"
        flows = isthmus("explain", job, "--party", job.parent / party / "party.toml")["flows"]
        rows = isthmus("ledger", "show", Path(result["run"]) / party)["ledgers"][party]
        assert {row["message"] for row in rows} <= {flow["message"] for flow in flows}


class TestResume:
    @pytest.mark.parametrize("killed", PARTIES)
    def test_ends_with_the_same_model_after_a_party_was_killed_inside_a_tree(
        self, desk: Desk, result: dict[str, Any], killed: str
    ) -> None:
        running = {party: desk.start(party) for party in PARTIES}
        while desk.trees("clinic") < 3:
            assert running[killed].poll() is None
            time.sleep(0.01)
        running[killed].send_signal(signal.SIGKILL)
        for party, process in running.items():
            assert process.wait(timeout=60) == (-signal.SIGKILL if party == killed else 4)

        again = {party: desk.start(party) for party in PARTIES}
        answers = {party: ended(process) for party, process in again.items()}
        assert answers["clinic"]["metrics"]["auc"] == result["metrics"]["auc"]
        trained = json.loads((desk.latest("clinic") / "model.json").read_text())
        once = json.loads((Path(result["run"]) / "clinic" / "model.json").read_text())
        assert trained["trees"] == once["trees"]
        verdict = isthmus("ledger", "verify", desk.latest("clinic"))["ledgers"]
        assert all(found["signature_checked"] for found in verdict.values())
