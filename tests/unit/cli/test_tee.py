import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from isthmus.cli.main import execute
from isthmus.store.encoding import to_json
from isthmus.tee import simulated
from isthmus.tee.evidence import SIMULATION
from tests.unit.tee.amd_pki import MEASUREMENT, Amd
from tests.unit.tee.vectors import GENUINE, needs_genuine


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report of an AMD that nobody knows, as its hardware made it."""
    path = tmp_path / "report.bin"
    path.write_bytes(Amd().evidence().document)
    return path


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Evidence of a simulated enclave, as a run stores it."""
    path = tmp_path / "clinic.json"
    path.write_bytes(to_json(simulated.attest(b"bound")))
    return path


class TestInspect:
    def test_says_first_that_a_report_was_not_verified(
        self, report: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["tee", "inspect", str(report)]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("NOT VERIFIED for ")
        assert "not with three (VCEK" in shown
        assert MEASUREMENT.hex() in shown
        assert "policy.enclaves" not in shown  # nothing to copy into a party file

    def test_reads_the_endorsements_beside_it(
        self, report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "chain.pem").write_bytes(Amd().evidence().endorsements)
        arguments = ["--endorsements", str(tmp_path / "chain.pem"), "--json"]
        assert execute(["tee", "inspect", str(report), *arguments]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["verified"] is False
        assert "its signature is not by the chip" in told["reason"]
        assert [one["name"] for one in told["validity"]][-1] == "certificate of 'ARK-Ours'"

    def test_says_first_that_a_simulated_enclave_protects_nothing(
        self, stored: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["tee", "inspect", str(stored)]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(SIMULATION)
        assert "anybody can make such a statement" in shown
        assert "certificate of 'SIMULATION'" in shown

    def test_tells_programs_what_people_see(
        self, stored: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        execute(["tee", "inspect", str(stored), "--json"])
        told = json.loads(capsys.readouterr().out)
        assert (told["kind"], told["protects"]) == ("simulated", False)
        assert told["report_data"] == b"bound".hex()

    def test_verifies_as_of_the_time_that_is_asked(
        self, stored: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["tee", "inspect", str(stored), "--at", "2019-12-31T23:59"]) == 0
        shown = capsys.readouterr().out
        assert "NOT VERIFIED for 2019-12-31 at 23:59 UTC" in shown

    def test_names_the_file_that_is_no_evidence(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "notes.txt").write_text("nothing")
        assert execute(["tee", "inspect", str(tmp_path / "notes.txt")]) == 2
        assert "notes.txt: this is neither a quote of" in capsys.readouterr().err

    def test_misses_a_file_that_is_not_there(
        self, report: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["tee", "inspect", "no.bin"]) == 2
        assert execute(["tee", "inspect", str(report), "--endorsements", "no.pem"]) == 2
        told = capsys.readouterr().err
        assert "no.bin: cannot be read" in told
        assert "no.pem: cannot be read" in told

    @needs_genuine
    def test_offers_the_registers_of_a_verified_enclave_to_copy(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        document = str(GENUINE / "nitro.cose")
        assert execute(["tee", "inspect", document, "--at", "2025-01-06T17:30"]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("Verified for 2025-01-06 at 17:30 UTC")
        assert "[[policy.enclaves.measurements]]" in shown
        assert 'PCR0 = "8bb159f202bb95d6' in shown

    @needs_genuine
    def test_names_the_date_on_which_a_genuine_one_expired(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        quote, collateral = GENUINE / "tdx_quote", GENUINE / "tdx_quote_collateral.json"
        arguments = [str(quote), "--endorsements", str(collateral), "--json"]
        assert execute(["tee", "inspect", *arguments]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["verified"] is False
        assert "expired" in told["reason"]
        assert "2025-07-19" in told["reason"]
        assert datetime.fromisoformat(told["at"]) <= datetime.now(UTC)
