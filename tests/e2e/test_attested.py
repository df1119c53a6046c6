"""Alignment inside simulated enclaves, as a user runs it: processes, files, mutual TLS."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from isthmus.tee.evidence import SIMULATION
from tests import three_parties
from tests.commands import ended, isthmus
from tests.e2e.desk import PARTIES, Desk
from tests.thoroughness import LONG

pytestmark = pytest.mark.slow

THREE = three_parties.JOB + 'minimum_size = 10\nresults = { shop = "size" }\n'

NUMBERS = {"clinic": range(300), "insurer": range(499, 99, -1), "shop": range(0, 500, 2)}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("attested") / "trial", "attested.toml", everybody=LONG)


@pytest.fixture(scope="module")
def runs(simulated: Desk) -> Path:
    return simulated.folder / "runs"


@pytest.fixture(scope="module")
def result(simulated: Desk, runs: Path) -> dict[str, Any]:
    return isthmus("simulate", simulated.job, "--runs", runs)


class TestSimulate:
    def test_gives_the_pooled_model_and_says_that_nothing_is_protected(
        self, result: dict[str, Any]
    ) -> None:
        auc = result["metrics"]["auc"]
        assert auc["joint"] == pytest.approx(auc["pooled"], abs=1e-3)
        alignment = result["alignment"]
        assert alignment["size"] > 2_000
        assert {name: alignment[name] for name in ("method", "protects", "reused", "notice")} == {
            "method": "attested",
            "protects": False,
            "reused": False,
            "notice": SIMULATION,
        }

    @pytest.mark.long
    def test_of_everybody_gives_the_model_of_the_demo(self, result: dict[str, Any]) -> None:
        assert result["metrics"]["auc"]["joint"] == pytest.approx(0.65507, abs=0.002)
        assert result["alignment"]["size"] == 15_588
        assert result["alignment"]["found"] == {
            "clinic": 15_588 / 18_000,
            "insurer": 15_588 / 17_500,
        }

    @pytest.mark.usefixtures("result")
    @pytest.mark.parametrize("party", PARTIES)
    def test_says_so_in_every_line_of_the_ledger_and_in_the_report(
        self, runs: Path, party: str
    ) -> None:
        folder = runs / "latest" / party
        lines = (folder / "ledger.jsonl").read_text().splitlines()
        assert all(json.loads(line)["notice"] == SIMULATION for line in lines[:-1])  # then the seal
        assert SIMULATION in (folder / "report.html").read_text()
        assert isthmus("ledger", "show", folder)["notices"] == [SIMULATION]
        verdict = isthmus("ledger", "verify", folder)["ledgers"][party]
        assert (verdict["signature_checked"], verdict["notice"]) == (True, SIMULATION)

    @pytest.mark.usefixtures("result")
    @pytest.mark.parametrize("party", PARTIES)
    def test_sends_what_was_forecast(self, simulated: Desk, runs: Path, party: str) -> None:
        run = runs / "latest" / party
        file = simulated.file(party)
        flows = isthmus("explain", simulated.job, "--party", file, "--run", run)["flows"]
        expected = {flow["message"]: flow["bytes"] for flow in flows}
        rows = isthmus("ledger", "show", run)["ledgers"][party]
        recorded = {row["message"]: row["bytes"] for row in rows}
        assert expected.keys() == recorded.keys()
        sealed = {"EnclaveEvidence", "SealedPositions"}  # forecast for the most that there may be
        for message, size in recorded.items():
            assert size <= expected[message] if message in sealed else size == expected[message]

    @pytest.mark.usefixtures("result")
    def test_keeps_the_evidence_for_people_to_inspect(self, runs: Path) -> None:
        for file in (runs / "latest" / "clinic" / "evidence").iterdir():
            assert isthmus("tee", "inspect", file)["kind"] == "simulated"


class TestThreeParties:
    @pytest.fixture
    def job(self, tmp_path: Path) -> Path:
        for name, numbers in NUMBERS.items():
            folder = tmp_path / name
            folder.mkdir()
            (folder / "party.toml").write_text(three_parties.PARTY.format(name=name))
            people = "".join(f"p-{number}\n" for number in numbers)
            (folder / "people.csv").write_text(f"person\n{people}")
        job = tmp_path / "job.toml"
        job.write_text(THREE)
        return job

    def test_get_what_the_job_gives_each_of_them(self, job: Path) -> None:
        joint = isthmus("simulate", job, "--runs", job.parent / "runs")
        assert joint["alignment"]["size"] == 100  # even numbers from 100 to 298
        folders = {name: Path(joint["run"]) / name for name in NUMBERS}
        assert not (folders["shop"] / "index.parquet").exists()

        def people(name: str) -> list[int]:
            rows = parquet.read_table(folders[name] / "index.parquet").column("row").to_pylist()
            return [NUMBERS[name][row] for row in rows]

        assert people("clinic") == people("insurer")
        assert sorted(people("clinic")) == list(range(100, 300, 2))
        alone = json.loads((folders["shop"] / "result.json").read_text())
        assert alone["alignment"]["size"] == 100


@pytest.fixture
def desk(tmp_path: Path, free_port: int) -> Iterator[Desk]:
    with Desk(tmp_path / "trial", "attested.toml") as desk:
        desk.use_port(free_port)
        yield desk


class TestAlign:
    def test_is_taken_up_by_the_training_that_follows(self, desk: Desk) -> None:
        aligned = desk.play("align")
        assert len({answer["alignment"]["size"] for answer in aligned.values()}) == 1
        trained = desk.play("run")
        for party, answer in trained.items():
            assert answer["alignment"]["reused"]
            index = Path(aligned[party]["index"]).read_bytes()
            assert (Path(answer["run"]) / "index.parquet").read_bytes() == index
        sent = (Path(trained["clinic"]["run"]) / "ledger.jsonl").read_text()
        assert "ChosenAlignment" in sent
        assert "Sealed" not in sent

    def test_is_done_anew_where_one_party_has_other_rows(self, desk: Desk) -> None:
        before = desk.play("align")
        packed = (desk.folder / "insurer" / "people.csv.gz").read_bytes()
        rows = gzip.decompress(packed).decode().splitlines()
        (desk.folder / "insurer" / "fewer.csv").write_text("\n".join(rows[:-500]) + "\n")
        desk.edit(desk.file("insurer"), "people.csv.gz", "fewer.csv")
        after = desk.play("align", "--again")
        assert not after["clinic"]["alignment"]["reused"]
        assert after["clinic"]["alignment"]["size"] < before["clinic"]["alignment"]["size"]

    def test_is_refused_once_the_budget_of_a_party_is_spent(self, desk: Desk) -> None:
        desk.edit(desk.file("clinic"), "[policy.", "[policy]\nalignments = 0\n\n[policy.")
        clinic = desk.start("align", "clinic")  # it is refused before it contacts anybody
        assert "`policy.alignments` of your party file is 0" in ended(clinic, 6)["error"]["message"]


class TestStops:
    def test_both_parties_when_an_enclave_is_killed(self, desk: Desk) -> None:
        file = desk.file("insurer")
        killed = '\n[enclave]\ncommand = ["sh", "-c", "sleep 1; kill -9 $$"]\n'
        file.write_text(file.read_text() + killed)
        clinic, insurer = desk.start_all("align").values()
        assert "our enclave was ended by signal 9" in ended(insurer, 2)["error"]["message"]
        assert "'insurer' stopped" in ended(clinic, 3)["error"]["message"]
        for party in PARTIES:
            assert not list((desk.folder / party).glob("runs/*/index.parquet"))
