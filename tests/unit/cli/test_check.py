import json
import shutil
from pathlib import Path

import pytest

from isthmus.cli.main import execute
from isthmus.tee.evidence import SIMULATION
from tests.disk import full_disk


@pytest.fixture
def job(trial: Path, tmp_path: Path) -> Path:
    """A copy of the trial's job that a test may spoil."""
    return Path(shutil.copy(trial / "job.toml", tmp_path))


class TestJob:
    def test_prints_the_plan(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert execute(["check", str(trial / "job.toml")]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "1. clinic (active) listens, insurer (passive) calls" in shown
        assert "4. Score 20% of the shared rows" in shown
        assert "Train a logistic regression over all rows, in 50 rounds at most, on 4" in shown
        assert "The job is valid." in shown

    def test_shows_the_settings_that_are_not_the_defaults(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        execute(["check", str(trial / "job.toml"), "--json"])
        assert json.loads(capsys.readouterr().out)["settings"] == {
            "alignment.method": '"cryptographic"',
            "alignment.minimum_size": "1000",
            "regression.passive_columns": "4",
        }

    def test_lists_what_each_message_discloses(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        execute(["check", str(trial / "job.toml"), "--json"])
        found = json.loads(capsys.readouterr().out)
        assert found["parties"] == {"clinic": "active", "insurer": "passive"}
        assert {
            "message": "SharedRows",
            "reveals": "which of its own rows all parties have",
        } in found["disclosed"]

    def test_names_a_key_that_is_unknown(
        self, job: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        job.write_text(job.read_text().replace("penalty =", "penalti ="))
        assert execute(["check", str(job)]) == 2
        told = capsys.readouterr().err
        assert "[regression] has no key `penalti`: did you mean `penalty`?" in told
        assert "`isthmus schema job`" in told

    def test_names_a_message_that_nobody_agreed_to(
        self, job: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        job.write_text(job.read_text().replace('"SharedRows",', ""))
        assert execute(["check", str(job)]) == 2
        told = capsys.readouterr().err
        assert "`disclosed` does not name: SharedRows, which tells its reader" in told
        assert 'the line is: disclosed = ["ComparedRows", "SharedRows", ' in told


class TestParty:
    def test_counts_rows_and_columns(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        party = trial / "insurer" / "party.toml"
        assert execute(["check", str(trial / "job.toml"), "--party", str(party), "--json"]) == 0
        ready = json.loads(capsys.readouterr().out)["ready"]
        assert (ready["party"], ready["rows"], len(ready["columns"])) == ("insurer", 17_500, 4)
        assert ready["address"] == "calls clinic at 127.0.0.1:7401"

    def test_says_who_is_ready(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        party = trial / "clinic" / "party.toml"
        execute(["check", str(trial / "job.toml"), "--party", str(party)])
        shown = capsys.readouterr().out
        assert "listens on 127.0.0.1:7401" in shown
        assert "0 of 20 with insurer" in shown
        assert "of computing for 6 rounds" in shown
        assert shown.endswith("clinic is ready to run.\n")

    @pytest.mark.parametrize("command", ["check", "explain"])
    def test_says_what_computes_the_encryption(
        self, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        party = Path(shutil.copytree(trial, tmp_path / "trial")) / "clinic" / "party.toml"
        party.write_text(party.read_text() + '\n[compute]\nengine = "gmpy2"\n')
        execute([command, str(trial / "boosting.toml"), "--party", str(party)])
        assert "encryption computed by gmpy2" in " ".join(capsys.readouterr().out.split())

    def test_refuses_an_engine_that_cannot_compute_the_scheme(
        self, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = Path(shutil.copytree(trial, tmp_path / "trial"))
        party, job = folder / "clinic" / "party.toml", folder / "boosting.toml"
        party.write_text(party.read_text() + '\n[compute]\nengine = "kernel"\n')
        job.write_text(job.read_text() + '\n[boosting.encryption]\nscheme = "paillier"\n')
        assert execute(["check", str(job), "--party", str(party)]) == 2
        told = capsys.readouterr().err
        assert 'party.toml: `compute.engine = "kernel"` cannot run here: it computes' in told

    def test_misses_a_key(
        self, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.copytree(trial / "clinic", tmp_path / "clinic")
        (tmp_path / "clinic" / "key.pem").unlink()
        party = tmp_path / "clinic" / "party.toml"
        assert execute(["check", str(trial / "job.toml"), "--party", str(party)]) == 2
        assert "key.pem: cannot be read" in capsys.readouterr().err

    @pytest.mark.parametrize("place", ["runs", "runs/alignments"])
    def test_tries_to_write_where_the_run_will_write(
        self, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
    ) -> None:
        clinic = Path(shutil.copytree(trial, tmp_path / "trial")) / "clinic"
        (clinic / place).parent.mkdir(exist_ok=True)
        (clinic / place).write_text("a file in the place of a folder")
        told = ["check", str(trial / "job.toml"), "--party", str(clinic / "party.toml")]
        assert execute(told) == 2
        sentence = f"{place}: cannot be written: Not a directory. Choose another runs folder.\n"
        assert capsys.readouterr().err.endswith(sentence)

    def test_notices_a_full_disk(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        party, before = trial / "clinic" / "party.toml", sorted(trial.rglob("*"))
        with full_disk(2**19):
            assert execute(["check", str(trial / "job.toml"), "--party", str(party)]) == 2
        assert "clinic/runs: no space left to write it" in capsys.readouterr().err
        assert sorted(trial.rglob("*")) == before

    def test_misses_the_party_file(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert execute(["check", str(trial / "job.toml"), "--party", "no.toml"]) == 2
        assert "no.toml: there is no such file" in capsys.readouterr().err


class TestAlone:
    def test_checks_the_data_of_one_organisation_without_a_party_file(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["check", str(trial / "alone.toml")]) == 0
        shown = capsys.readouterr().out
        assert "1. Read 'people' on this machine: there are no other parties" in shown
        assert "3. Score 20% of the rows" in shown
        assert "what its reader learns" not in shown
        assert shown.endswith("The job is ready to run.\n")


class TestAttested:
    def test_says_how_rows_are_found(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        party = trial / "clinic" / "party.toml"
        assert execute(["check", str(trial / "attested.toml"), "--party", str(party)]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "inside enclaves, which prove to each other what they run; go on if 1,000" in shown
        assert 'alignment.method "attested"' in shown
        assert f"notice {SIMULATION}" in shown

    def test_without_training_neither_trains_nor_asks_for_columns(
        self, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = (trial / "attested.toml").read_text()
        alone = text[: text.index("[regression]")]
        for line in alone.splitlines():
            if line.startswith('  "') and "Sealed" not in line:
                alone = alone.replace(f"{line}\n", "")
        job = tmp_path / "who.toml"
        job.write_text(alone)
        party = trial / "clinic" / "party.toml"
        assert execute(["check", str(job), "--party", str(party)]) == 0
        shown = capsys.readouterr().out
        assert "2. Find the shared rows" in shown
        assert "3. " not in shown
        assert "\ncolumns" not in shown
