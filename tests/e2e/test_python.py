"""A run from Python is the run of the command line, on the same files, in processes of its own."""

from pathlib import Path

import pytest

import isthmus as im
from isthmus.core.errors import PolicyError
from isthmus.core.telemetry import Event
from isthmus.jobs.result import PartyResult
from isthmus.store.runs import Run
from tests import commands
from tests.trial_in_memory import JOB, parties, tables

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestSimulate:
    def test_from_data_frames_equals_the_command_on_the_same_files(self, here: Path) -> None:
        seen: list[tuple[str, Event]] = []
        clinic, insurer = parties()
        run = im.simulate(JOB, [clinic, insurer], watch=lambda *event: seen.append(event))

        JOB.save("job.toml")
        for party in (clinic, insurer):
            party.save(f"{party.name}/party.toml")
        answer = commands.isthmus("simulate", "job.toml", "--runs", "trials")

        assert run.metrics == answer["metrics"]
        assert run.result.digest == answer["digest"]
        assert run.metrics["auc"]["joint"] > run.metrics["auc"]["active_only"]
        assert answer["metrics"]["auc"].keys() == {"joint", "active_only", "pooled"}
        assert (answer["level"], answer["workers"]) == ("encrypted", {"clinic": 1, "insurer": 1})
        assert answer["engine"]
        leak = answer["leakage"]
        assert 0.5 < leak["label_auc"] < leak["own_weights_auc"] + 0.03
        assert {party for party, _ in seen} == {"clinic", "insurer"}
        assert run.folder == (here / "runs" / "latest").resolve()
        self._holds_what_is_there(run)

    def _holds_what_is_there(self, run: im.Run) -> None:
        assert run.report == {party: run.folder / party / "report.html" for party in JOB.parties}
        assert run.predictions.column_names == [
            *("id", "row", "label", "score", "score_active_only")
        ]
        assert run.ledger.keys() == {"clinic", "insurer"}
        assert "SharedRows" in {row.message for row in run.ledger["clinic"]}
        assert "insurer sent " in str(run.ledger)
        assert "active party alone" in run._repr_html_()
        clinic = im.load(run.folder / "clinic")
        assert clinic.ledger == {"clinic": run.ledger["clinic"]}
        assert clinic.report == run.folder / "clinic" / "report.html"
        found = im.explain(JOB, parties()[0], run)
        assert isinstance(clinic.result, PartyResult)
        assert sum(flow.recorded_bytes or 0 for flow in found.flows) == clinic.result.egress.bytes

    def test_fails_with_the_error_of_the_party(self, here: Path) -> None:
        clinic, _ = parties()
        frame = im.frame(tables()[1], identifiers=["member"])
        careful = im.Party("insurer", people=frame, policy={"maximum_bytes": 100_000})
        with pytest.raises(PolicyError, match=r"^party 'insurer' stopped: \w+ was not sent: "):
            im.simulate(JOB, [clinic, careful])
        assert (here / "runs" / "latest" / "insurer" / "ledger.jsonl").exists()

    def test_ends_every_party_once_the_caller_has_seen_enough(self, here: Path) -> None:
        def watch(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            im.simulate(JOB, parties(), watch=watch)
        for party in JOB.parties:
            with Run(here / "runs" / "latest" / party).locked():
                pass  # nobody runs there any more
