import json
from pathlib import Path

import pytest

from isthmus.cli.main import execute
from isthmus.crypto import certificates
from isthmus.store.runs import Run


class TestShow:
    def test_shows_what_left_by_kind_of_message(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["ledger", "show", str(run.folder)]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("clinic sent ")
        assert "agree on the job" in shown

    def test_counts_for_programs(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        execute(["ledger", "show", str(run.folder), "--json"])
        (row,) = json.loads(capsys.readouterr().out)["ledgers"]["clinic"]
        assert (row["message"], row["to"], row["count"]) == ("Hello", "insurer", 2)

    def test_shows_every_party_of_a_simulated_run(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        simulated = run.folder.parent
        (simulated / "result.json").write_text("{}")
        (simulated / "insurer").mkdir()
        (simulated / "insurer" / "ledger.jsonl").write_bytes(b"")
        execute(["ledger", "show", str(simulated), "--json"])
        assert json.loads(capsys.readouterr().out)["ledgers"].keys() == {"clinic", "insurer"}


class TestVerify:
    def test_checks_chain_and_signature(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert execute(["ledger", "verify", str(run.folder)]) == 0
        assert "2 records, chain unbroken, sealed, signature valid." in capsys.readouterr().out

    def test_says_when_there_is_no_certificate_to_check_with(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (run.folder / "certificate.pem").unlink()
        assert execute(["ledger", "verify", str(run.folder), "--json"]) == 0
        verdict = json.loads(capsys.readouterr().out)["ledgers"]["clinic"]
        assert (verdict["sealed"], verdict["signature_checked"]) == (True, False)

    def test_ends_with_5_when_a_line_was_changed(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run.ledger.write_bytes(run.ledger.read_bytes().replace(b'"insurer"', b'"nobody_"', 1))
        assert execute(["ledger", "verify", str(run.folder), "--json"]) == 5
        told = capsys.readouterr()
        assert json.loads(told.out)["error"]["kind"] == "LedgerError"
        assert "line 2" in told.err

    def test_ends_with_5_when_another_party_signed(
        self, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = tmp_path / "other.pem"
        other.write_bytes(certificates.self_signed("clinic", certificates.make_key()))
        arguments = ["ledger", "verify", str(run.folder), "--certificate", str(other)]
        assert execute(arguments) == 5
        assert "signature" in capsys.readouterr().err

    def test_misses_the_certificate_that_the_user_names(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["ledger", "verify", str(run.folder), "--certificate", "no.pem"]
        assert execute(arguments) == 2
        assert "no.pem: cannot be read" in capsys.readouterr().err

    def test_leads_from_a_search_to_its_trainings(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "events.jsonl").touch()
        training = tmp_path / "trials_" / "1-1"
        (training / "clinic").mkdir(parents=True)
        (training / "clinic" / "ledger.jsonl").touch()
        assert execute(["ledger", "verify", str(tmp_path)]) == 2
        assert f"name the folder of one, such as {training}." in capsys.readouterr().err

    def test_says_when_nothing_was_sent(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "events.jsonl").touch()
        assert execute(["ledger", "verify", str(tmp_path)]) == 2
        assert "has no ledger, so nothing was sent" in capsys.readouterr().err
