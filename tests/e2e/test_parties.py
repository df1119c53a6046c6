"""Two parties as two processes that a person starts by hand, and what can go wrong between them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SMALL_KEY = "\n[regression.encryption]\nkey_bits = 1024\n"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "isthmus", *map(str, arguments)]


class Desk:
    """A folder made by `isthmus init`, and the parties started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []
        subprocess.run(command("init", "health", folder), check=True, capture_output=True)  # noqa: S603
        self.job = folder / "job.toml"
        self.job.write_text(self.job.read_text() + SMALL_KEY)

    def party_file(self, party: str) -> Path:
        return self.folder / party / "party.toml"

    def edit(self, path: Path, old: str, new: str, head: str = "") -> None:
        text = path.read_text()
        assert old in text
        path.write_text(head + text.replace(old, new))

    def run(self, party: str, job: Path | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603
            command("run", job or self.job, "--party", self.party_file(party), "--json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def rounds(self, party: str) -> int:
        """Rounds in the event log of the latest run."""
        log = self.folder / party / "runs" / "latest" / "events.jsonl"
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return max((at.get("done", 0) for at in events if at["stage"] == "train"), default=0)


@pytest.fixture
def desk(tmp_path: Path, free_port: int) -> Iterator[Desk]:
    desk = Desk(tmp_path / "trial")
    for party in ("clinic", "insurer"):
        desk.edit(desk.party_file(party), ":7401", f":{free_port}")
    yield desk
    for process in desk.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], code: int = 0) -> dict[str, Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "Traceback" not in err
    answer: dict[str, Any] = json.loads(out)
    return answer


class TestRun:
    def test_by_hand_gives_each_party_its_own_result(self, desk: Desk) -> None:
        insurer, clinic = desk.run("insurer"), desk.run("clinic")  # the one who dials may be first
        results = {"clinic": ended(clinic), "insurer": ended(insurer)}
        assert results["clinic"]["metrics"]["auc"] == pytest.approx(0.655, abs=0.01)
        assert results["insurer"]["metrics"] == {}
        assert results["clinic"]["alignment"] == results["insurer"]["alignment"]

    def test_goes_on_after_a_party_was_killed(self, desk: Desk) -> None:
        clinic, insurer = desk.run("clinic"), desk.run("insurer")
        while desk.rounds("insurer") < 3:
            assert insurer.poll() is None
            time.sleep(0.01)
        insurer.send_signal(signal.SIGKILL)
        answer = ended(clinic, code=4)
        assert "the line to 'insurer' is gone" in answer["error"]["message"]

        results = [ended(process) for process in (desk.run("clinic"), desk.run("insurer"))]
        assert results[0]["metrics"]["auc"] == pytest.approx(0.655, abs=0.01)
        assert results[0]["converged"]
        assert len(list((desk.folder / "clinic" / "runs").glob("doctor-*"))) == 1
        verdict = subprocess.run(  # noqa: S603
            command("ledger", "verify", desk.folder / "clinic" / "runs"),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "signature valid" in verdict.stdout


class TestStopsBeforeAnythingIsSent:
    def test_when_the_job_files_differ(self, desk: Desk) -> None:
        other = desk.folder / "other.toml"
        other.write_text(desk.job.read_text().replace("penalty = 1e-4", "penalty = 1e-3"))
        clinic, insurer = desk.run("clinic"), desk.run("insurer", job=other)
        for process in (clinic, insurer):
            error = ended(process, code=3)["error"]
            assert "regression.penalty" in error["message"]
        sent = (desk.folder / "clinic" / "runs" / "latest" / "ledger.jsonl").read_text()
        assert [json.loads(line)["message"] for line in sent.splitlines()] == ["Hello"]

    @pytest.mark.parametrize("deceived", ["clinic", "insurer"])
    def test_when_the_peer_is_not_who_the_party_file_names(self, desk: Desk, deceived: str) -> None:
        peer = "insurer" if deceived == "clinic" else "clinic"
        subprocess.run(  # noqa: S603
            command("keys", "make", peer, desk.folder / "impostor"), check=True, capture_output=True
        )
        impostor = (desk.folder / "impostor" / "certificate.pem").read_bytes()
        (desk.folder / deceived / "peers" / f"{peer}.pem").write_bytes(impostor)
        for party in ("clinic", "insurer"):
            desk.edit(desk.party_file(party), "[identity]", "[identity]", head="wait = 5.0\n")
        clinic, insurer = desk.run("clinic"), desk.run("insurer")
        # Who dials sees a wrong certificate at once; who is refused only sees that nobody answers.
        refused = ended(insurer, code=3 if deceived == "insurer" else 4)["error"]["message"]
        assert "certificate" in refused
        assert "'insurer'" in ended(clinic, code=4)["error"]["message"]
        assert not (desk.folder / "clinic" / "runs" / "latest" / "ledger.jsonl").read_text()

    def test_when_a_column_does_not_exist(self, desk: Desk) -> None:
        desk.edit(desk.party_file("insurer"), '"lncoins"', '"lncoin"')
        error = ended(desk.run("insurer"), code=2)["error"]["message"]
        assert "lncoin" in error
        assert "lncoins" in error  # the nearest that there is
