"""Two parties as two processes that a person starts by hand, and what can go wrong between them."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.commands import ended, isthmus, start
from tests.e2e.desk import PARTIES, Desk

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(tmp_path: Path, free_port: int) -> Iterator[Desk]:
    with Desk(tmp_path / "trial") as desk:
        desk.use_port(free_port)
        yield desk


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """AUC by model of a run in which nobody failed."""
    desk = Desk(tmp_path_factory.mktemp("parties") / "trial")
    answer = isthmus("simulate", desk.job, "--runs", desk.folder / "runs")
    auc: dict[str, float] = answer["metrics"]["auc"]
    assert auc["joint"] == pytest.approx(auc.pop("pooled"), abs=1e-3)
    return auc


class TestRun:
    def test_by_hand_gives_each_party_its_own_result(
        self, desk: Desk, undisturbed: dict[str, float]
    ) -> None:
        # The one who dials may be first.
        insurer, clinic = desk.start("run", "insurer"), desk.start("run", "clinic")
        results = {"clinic": ended(clinic), "insurer": ended(insurer)}
        assert results["clinic"]["metrics"]["auc"] == undisturbed
        assert results["insurer"]["metrics"] == {}
        alignments = {party: result["alignment"] for party, result in results.items()}
        shares = {party: found.pop("found") for party, found in alignments.items()}
        assert alignments["clinic"] == alignments["insurer"]
        assert [*shares["clinic"], *shares["insurer"]] == ["clinic", "insurer"]  # each its own

    def test_goes_on_after_a_party_was_killed(
        self, desk: Desk, undisturbed: dict[str, float]
    ) -> None:
        # Where a busy machine cannot tell a killed process from a silent network, all of it passes.
        desk.edit(desk.file("clinic"), "[datasets.people", "patience = 60.0\n\n[datasets.people")
        clinic, insurer = desk.start_all("run").values()
        while desk.rounds("insurer") < 1:
            assert clinic.poll() is insurer.poll() is None
            time.sleep(0.01)
        insurer.send_signal(signal.SIGKILL)
        answer = ended(clinic, code=4)
        assert "the line to 'insurer' is gone" in answer["error"]["message"]

        result = desk.play("run")["clinic"]
        assert result["metrics"]["auc"] == undisturbed
        assert result["converged"]
        again = ended(desk.start("run", "clinic"))  # its peer has gone, and is not waited for
        assert again["run"] == result["run"]
        assert len(list((desk.folder / "clinic" / "runs").glob("doctor-*"))) == 1
        verified = isthmus("ledger", "verify", desk.folder / "clinic" / "runs")["ledgers"]
        assert [verdict["signature_checked"] for verdict in verified.values()] == [True]


class TestStopped:
    def test_a_simulation_stops_its_parties_with_it(self, desk: Desk) -> None:
        process = start("simulate", desk.job, "--runs", desk.folder / "runs")
        below = list[psutil.Process]()
        while len(below) < len(PARTIES):
            assert process.poll() is None
            below = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        error = ended(process, code=130)["error"]
        assert error["kind"] == "Interrupted"
        assert not psutil.wait_procs(below, timeout=60)[1]


class TestStopsBeforeAnythingIsSent:
    def test_when_the_job_files_differ(self, desk: Desk) -> None:
        other = desk.folder / "other.toml"
        other.write_text(desk.job.read_text().replace("penalty = 1e-4", "penalty = 1e-3"))
        clinic, insurer = desk.start("run", "clinic"), desk.start("run", "insurer", other)
        for process in (clinic, insurer):
            error = ended(process, code=3)["error"]
            assert "regression.penalty" in error["message"]
        sent = (desk.newest("clinic") / "ledger.jsonl").read_text()
        assert [json.loads(line)["message"] for line in sent.splitlines()] == ["Hello"]

    @pytest.mark.parametrize("deceived", PARTIES)
    def test_when_the_peer_is_not_who_the_party_file_names(self, desk: Desk, deceived: str) -> None:
        peer = "insurer" if deceived == "clinic" else "clinic"
        isthmus("keys", "make", peer, desk.folder / "impostor")
        impostor = (desk.folder / "impostor" / "certificate.pem").read_bytes()
        (desk.folder / deceived / "peers" / f"{peer}.pem").write_bytes(impostor)
        for party in PARTIES:
            desk.edit(desk.file(party), "\nparty = ", "\nwait = 5.0\nparty = ")
        clinic, insurer = desk.start_all("run").values()
        # Who dials sees a wrong certificate at once; who is refused only sees that nobody answers.
        refused = ended(insurer, code=3 if deceived == "insurer" else 4)["error"]["message"]
        assert "certificate" in refused
        assert "'insurer'" in ended(clinic, code=4)["error"]["message"]
        assert not (desk.newest("clinic") / "ledger.jsonl").read_text()
        assert not desk.latest("clinic").exists()  # nobody was met

    def test_when_a_column_does_not_exist(self, desk: Desk) -> None:
        desk.edit(desk.file("insurer"), '"lncoins"', '"lncoin"')
        error = ended(desk.start("run", "insurer"), code=2)["error"]["message"]
        assert "lncoin" in error
        assert "lncoins" in error  # the nearest that there is
