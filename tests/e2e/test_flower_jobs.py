"""A job in rounds on a Flower federation, as its parties start it: `isthmus run`, and no app."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from isthmus.core import spec
from isthmus.jobs.party import Flower, Party
from isthmus.store.runs import Run
from tests.commands import ended, isthmus
from tests.e2e.office import MASTER, Office
from tests.flower_federation import CONNECTION, Federation, deployed, environment

pytestmark = pytest.mark.slow

CHILDREN = ("branch-01", "branch-03")
ROUNDS = 2


class OfficeOnFlower(Office):
    """An office and two branches that meet at a SuperLink."""

    def __init__(self, folder: Path, link: Federation) -> None:
        super().__init__(folder, CHILDREN, ROUNDS)
        self.edit(self.job, "deadline = 60", "deadline = 100")
        self.edit(self.job, "steps = 12", "steps = 2")
        self._use(MASTER, Flower(connection=CONNECTION), keyless=False)
        for child in CHILDREN:
            where = Flower(
                superlink=link.address,
                root_certificates=str(link.folder / "authority.pem"),
                private_key=str(link.register(child)),
            )
            self._use(child, where, keyless=True)

    def end(self) -> None:
        """End who still runs with all that it started, which who is killed leaves behind."""
        for process in self.started:
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
def office(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OfficeOnFlower]:
    home = tmp_path / "flower"
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    with (
        deployed(home, free_port) as link,
        OfficeOnFlower(tmp_path / "trial", link) as office,
    ):
        yield office
        office.end()


class TestRun:
    # Flower notices it after a minute; in the gate a child is killed on our own lines.
    @pytest.mark.parametrize("killed", [False, pytest.param(True, marks=pytest.mark.long)])
    def test_leaves_what_a_run_over_our_own_lines_leaves(
        self, office: OfficeOnFlower, *, killed: bool
    ) -> None:
        expected = Path(isthmus("simulate", office.job, "--runs", office.folder / "runs")["run"])
        started = office.start_all("run")
        if killed:
            kill_one_below(started[CHILDREN[0]].pid)
        answers = {party: ended(it, patience=1200) for party, it in started.items()}
        assert {answer["rounds"] for answer in answers.values()} == {ROUNDS}
        assert answers[MASTER]["holders"] == list(CHILDREN)
        for party in office.parties:
            ours, same = Run(office.latest(party)), Run(expected / party)
            assert said(ours) == said(same)
            assert ours.rounds.read_bytes() == same.rounds.read_bytes()
            assert weights(ours) == weights(same)
            assert ours.report.exists()
            [verdict] = isthmus("ledger", "verify", ours.folder)["ledgers"].values()
            assert verdict["signature_checked"]


def kill_one_below(process: int) -> None:
    """Kill the first process that plays a child for Flower, as the system may at any time."""
    while True:
        for each in psutil.Process(process).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if any("flwr-clientapp" in word for word in each.cmdline()):
                    each.kill()
                    return
        time.sleep(0.01)


def said(run: Run) -> dict[str, object]:
    """What the result of a run says, but for when and how fast it was."""
    found = run.read_json(run.result.name, dict[str, Any])
    found["learned"].sort(key=lambda it: (it["message"], it["direction"]))
    return {key: it for key, it in found.items() if key not in {"started", "seconds"}}


def weights(run: Run) -> bytes:
    return (run.network / "model.safetensors").read_bytes()
