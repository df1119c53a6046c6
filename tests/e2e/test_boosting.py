"""Boosted trees as a user trains them: processes, files, mutual TLS."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import isthmus
from tests.e2e.desk import PARTIES, Desk
from tests.thoroughness import LONG

pytestmark = pytest.mark.slow


TREES = 10 if LONG else 6


def few_trees(folder: Path) -> Desk:
    desk = Desk(folder, "boosting.toml", everybody=LONG)
    desk.edit(desk.job, "trees = 20", f"trees = {TREES}")
    desk.edit(desk.job, "rounds = 20", f"rounds = {TREES}")
    return desk


@pytest.fixture
def desk(tmp_path: Path, free_port: int) -> Iterator[Desk]:
    with few_trees(tmp_path / "trial") as desk:
        desk.use_port(free_port)
        yield desk


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    desk = few_trees(tmp_path_factory.mktemp("boosting") / "trial")
    return isthmus("simulate", desk.job, "--runs", desk.folder / "runs")


class TestSimulate:
    def test_equals_the_same_trees_on_joined_data(self, result: dict[str, Any]) -> None:
        for measure in ("auc", "ks"):
            found = result["metrics"][measure]
            assert found["joint"] == found["pooled"]

    def test_beats_the_clinic_alone(self, result: dict[str, Any]) -> None:
        auc = result["metrics"]["auc"]
        assert auc["joint"] > auc["active_only"] + 0.02

    @pytest.mark.long
    def test_of_everybody_keep_up_with_xgboost(self, result: dict[str, Any]) -> None:
        auc = result["metrics"]["auc"]
        assert auc["joint"] == pytest.approx(0.70, abs=0.01)
        assert auc["active_only"] == pytest.approx(0.655, abs=0.01)
        assert auc["joint"] > auc["xgboost"] - 0.003

    def test_has_no_tolerance_to_reach(self, result: dict[str, Any]) -> None:
        assert result["kind"] == "aligned.simulated"
        assert result["converged"] is None

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
    @pytest.mark.parametrize("killed", ["clinic", pytest.param("insurer", marks=pytest.mark.long)])
    def test_ends_with_the_same_model_after_a_party_was_killed_inside_a_tree(
        self, desk: Desk, result: dict[str, Any], killed: str
    ) -> None:
        running = desk.start_all("run")
        while desk.rounds("clinic") < 3:
            assert running[killed].poll() is None
            time.sleep(0.01)
        running[killed].send_signal(signal.SIGKILL)
        for party, process in running.items():
            assert process.wait(timeout=600) == (-signal.SIGKILL if party == killed else 4)

        answers = desk.play("run")
        auc = result["metrics"]["auc"]
        alone = {name: auc[name] for name in ("joint", "active_only")}
        assert answers["clinic"]["metrics"]["auc"] == alone
        trained = json.loads((desk.latest("clinic") / "model.json").read_text())
        once = json.loads((Path(result["run"]) / "clinic" / "model.json").read_text())
        assert trained["trees"] == once["trees"]
        verdict = isthmus("ledger", "verify", desk.latest("clinic"))["ledgers"]
        assert all(found["signature_checked"] for found in verdict.values())
