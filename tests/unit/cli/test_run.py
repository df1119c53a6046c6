import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from isthmus.cli.main import execute
from isthmus.store.runs import find
from isthmus.tee.evidence import SIMULATION
from tests.commands import isthmus
from tests.e2e.desk import leave_a_fifth


@pytest.fixture
def clinic(trial: Path, tmp_path: Path) -> "Clinic":
    """The clinic of a trial whose insurer is another process."""
    return Clinic(Path(shutil.copytree(trial, tmp_path / "trial")))


class Clinic:
    """Types commands; the insurer types the same at the same time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job = folder / "attested.toml"
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
        for party in ("clinic", "insurer"):
            leave_a_fifth(folder / party / "people.csv.gz")
            file = self.party_file(party)
            file.write_text(file.read_text().replace(":7401", f":{port}"))

    def party_file(self, party: str) -> Path:
        return self.folder / party / "party.toml"

    def types(self, verb: str, *options: str) -> dict[str, Any]:
        with ThreadPoolExecutor(1) as thread:
            insurer = thread.submit(isthmus, verb, self.job, "--party", self.party_file("insurer"))
            typed = [verb, str(self.job), "--party", str(self.party_file("clinic")), *options]
            assert execute(typed) == 0
            return insurer.result()


@pytest.mark.slow
class TestAlign:
    def test_tells_both_parties_what_is_shared_and_where_it_is(
        self, clinic: Clinic, capsys: pytest.CaptureFixture[str]
    ) -> None:
        insurer = clinic.types("align", "--json")
        told = json.loads(capsys.readouterr().out)
        for party, answer in (("clinic", told), ("insurer", insurer)):
            assert answer["alignment"]["size"] == insurer["alignment"]["size"] > 2_000
            assert Path(answer["index"]) == find(clinic.folder / party / "runs").index
        assert told["learned"][0]["direction"] == "clinic → insurer"


@pytest.mark.slow
class TestRun:
    def test_takes_up_the_alignment_and_says_so_to_people(
        self, clinic: Clinic, capsys: pytest.CaptureFixture[str]
    ) -> None:
        clinic.types("align")
        clinic.types("run")
        shown = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
        assert "alignment attested, found in this run" in shown
        assert "alignment attested, found by an earlier run" in shown
        assert f"notice {SIMULATION}" in shown
        assert any(line.startswith("training converged after ") for line in shown)


class TestAlone:
    """A job of one organisation needs no party file."""

    def test_trains_and_says_what_it_reaches(
        self, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        into = tmp_path / "run"
        assert execute(["run", str(trial / "alone.toml"), "--into", str(into), "--json"]) == 0
        told = capsys.readouterr()
        answer = json.loads(told.out)
        assert (answer["kind"], answer["run"]) == ("local.trained", str(into))
        assert answer["metrics"]["auc"]["model"] == pytest.approx(0.61, abs=0.01)
        assert answer["report"] == str(into / "report.html")
        shown = [" ".join(line.split()) for line in told.err.splitlines()]
        assert f"AUC {answer['metrics']['auc']['model']:.4f}" in shown

    def test_takes_no_party_file(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        party = str(trial / "clinic" / "party.toml")
        assert execute(["run", str(trial / "alone.toml"), "--party", party]) == 2
        assert "so it takes no party file: leave `--party` out" in capsys.readouterr().err

    def test_has_nobody_to_simulate(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        job = trial / "alone.toml"
        assert execute(["simulate", str(job)]) == 2
        assert f"use `isthmus run {job}`" in capsys.readouterr().err


class TestRefusals:
    """What `run`, `simulate` and `report` do is in tests/e2e; here is what they refuse."""

    def test_run_misses_the_party_file(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["run", str(trial / "job.toml"), "--party", "no.toml"]) == 2
        assert capsys.readouterr().err.startswith("isthmus: no.toml: there is no such file.")

    def test_run_asks_for_a_party_file_where_the_job_has_parties(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["run", str(trial / "job.toml")]) == 2
        told = capsys.readouterr().err
        assert "this job has parties (clinic, insurer): name your own file with `--party`" in told

    def test_simulate_misses_the_job(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert execute(["simulate", "no.toml"]) == 2
        assert capsys.readouterr().err.startswith("isthmus: no.toml: there is no such file.")

    def test_report_misses_the_run(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["report", str(tmp_path)]) == 2
        assert "holds no run" in capsys.readouterr().err
