"""A job in rounds on a Flower federation, as its parties start it: `isthmus run`, and no app."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from isthmus.core import spec
from isthmus.jobs.party import Flower, Party
from isthmus.store.runs import Run
from tests import commands
from tests.commands import ended, isthmus
from tests.flower_federation import CONNECTION, Federation, deployed, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MASTER, CHILDREN = "office", ("branch-01", "branch-03")
PARTIES = (MASTER, *CHILDREN)
ROUNDS = 2


class Office:
    """An office and two branches, and a SuperLink where they meet."""

    def __init__(self, folder: Path, link: Federation) -> None:
        isthmus("init", "fusion", folder)
        self.folder = folder
        self.job = folder / "job.toml"
        text = self.job.read_text()
        for party in re.findall(r"\[parties\.(branch-\d\d)\]", text):
            if party not in CHILDREN:
                text = text.replace(f'[parties.{party}]\nrole = "child"\n\n', "")
        text = text.replace('rule = "actor_critic"', 'rule = "count"')
        text = text.replace("count = 40\nquorum = 5", f"count = {ROUNDS}\nquorum = 2")
        text = text.replace("deadline = 60", "deadline = 100").replace("steps = 12", "steps = 2")
        self.job.write_text(text)
        self._use(MASTER, Flower(connection=CONNECTION), keyless=False)
        for child in CHILDREN:
            where = Flower(
                superlink=link.address,
                root_certificates=str(link.folder / "authority.pem"),
                private_key=str(link.register(child)),
            )
            self._use(child, where, keyless=True)

    def file(self, party: str) -> Path:
        return self.folder / party / "party.toml"

    def run(self, party: str) -> Run:
        return Run(self.folder / party / "runs" / "latest")

    def start(self, party: str) -> subprocess.Popen[str]:
        return commands.start("run", self.job, "--party", self.file(party))

    def play(self) -> dict[str, dict[str, Any]]:
        """What every party answers, by party."""
        started = {party: self.start(party) for party in PARTIES}
        try:
            return {party: ended(process, patience=500) for party, process in started.items()}
        finally:
            for process in started.values():
                process.terminate()  # does nothing to one that has ended
                process.wait()

    def _use(self, party: str, flower: Flower, *, keyless: bool) -> None:
        """Let a party meet the others on Flower only, without keys of our own lines."""
        found = replace(
            spec.load(self.file(party), Party),
            engine="flower",
            flower=flower,
            peers={},
            listen=None,
        )
        self.file(party).write_bytes(spec.dump(replace(found, identity=None) if keyless else found))


@pytest.fixture
def office(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    home = tmp_path / "flower"
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    with deployed(home, free_port) as link:
        yield Office(tmp_path / "trial", link)


class TestRun:
    def test_leaves_what_a_run_over_our_own_lines_leaves(self, office: Office) -> None:
        expected = Path(isthmus("simulate", office.job, "--runs", office.folder / "runs")["run"])
        answers = office.play()
        assert {answer["rounds"] for answer in answers.values()} == {ROUNDS}
        assert answers[MASTER]["holders"] == list(CHILDREN)
        for party in PARTIES:
            ours, same = office.run(party), Run(expected / party)
            assert said(ours) == said(same)
            assert ours.rounds.read_bytes() == same.rounds.read_bytes()
            assert weights(ours) == weights(same)
            assert ours.report.exists()
            [verdict] = isthmus("ledger", "verify", ours.folder)["ledgers"].values()
            assert verdict["signature_checked"]


def said(run: Run) -> dict[str, object]:
    """What the result of a run says, but for when and how fast it was."""
    found = run.read_json(run.result.name, dict[str, Any])
    found["learned"].sort(key=lambda it: (it["message"], it["direction"]))
    return {key: it for key, it in found.items() if key not in {"started", "seconds"}}


def weights(run: Run) -> bytes:
    return (run.network / "model.safetensors").read_bytes()
