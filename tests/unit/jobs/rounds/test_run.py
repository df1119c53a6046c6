"""The end of a job in rounds at one party: all is stored before anything is measured."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.core.telemetry import Event, silent
from isthmus.horizontal.encoders import model
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.rounds import protocol
from isthmus.horizontal.rounds.memory import MasterMemory
from isthmus.horizontal.system import RoundsOutcome
from isthmus.horizontal.weighting.spec import as_encoders
from isthmus.jobs import earlier, finished
from isthmus.jobs.examples import ADDRESS, Made, make
from isthmus.jobs.load import make_plan
from isthmus.jobs.rounds import family
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.rounds.results import RoundsResult
from isthmus.ledger.record import records
from isthmus.ledger.verify import verify
from isthmus.store.runs import UNCONFIRMED, Run

STOPPED = {"metrics": "the run was stopped while it was measured"}


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A job whose parties meet at an address of their own."""
    made = make("fusion", tmp_path / "trial")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for file in made.parties.values():
        file.write_text(file.read_text().replace(ADDRESS, f"127.0.0.1:{port}"))
    return made


def plan_of(made: Made, party: str) -> RoundsPlan:
    found = make_plan(made.job, made.parties[party])
    assert isinstance(found, RoundsPlan)
    return found


@pytest.fixture
def plan(made: Made) -> RoundsPlan:
    """Of the master, which has samples to test on."""
    return plan_of(made, "office")


@pytest.fixture
def run(plan: RoundsPlan) -> Run:
    """One whose rounds are over."""
    run = Run.create(plan.runs, plan.job.name, plan.digest)
    parameters = initial(as_encoders(plan.loaded.spec), 1)
    holders = tuple(plan.neighbours)
    ended = RoundsOutcome(parameters, digest(parameters), 1, holders=holders)
    ended.save(run.trained, plan.digest)
    return run


class TestPlay:
    def test_has_stored_everything_before_it_measures_and_measures_again_with_nobody(
        self, plan: RoundsPlan, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(model, "accuracy", stop)
            with pytest.raises(KeyboardInterrupt):
                family.play(plan, None, silent)
        result = run.read_json(run.result.name, RoundsResult)
        assert (result.rounds, result.metrics, result.missing) == (1, {}, STOPPED)
        assert (run.network / "model.safetensors").exists()
        assert verify(run.ledger).sealed
        assert dict(finished.summary(run).facts)["no metrics"] == STOPPED["metrics"]

        before, seen = run.ledger.read_bytes(), list[Event]()
        assert family.play(plan, None, seen.append).folder == run.folder
        after = run.read_json(run.result.name, RoundsResult)
        assert after.metrics["accuracy"].keys() == {"shared_head"}
        assert after.missing == {}
        assert (after.model, after.egress) == (result.model, result.egress)
        assert after.seconds.keys() >= {"training", "measuring"}
        assert run.ledger.read_bytes() == before
        assert seen[-1].stage == "done"

    def test_names_what_could_not_be_measured(
        self, plan: RoundsPlan, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model, "accuracy", fail)
        assert family.play(plan, None, silent).folder == run.folder
        result = run.read_json(run.result.name, RoundsResult)
        assert result.metrics == {}
        assert result.missing == {
            "metrics": "LookupError: this is a bug in isthmus, please report it"
        }
        assert verify(run.ledger).sealed


class TestAMasterThatHasFinishedWithoutAChild:
    @pytest.fixture(autouse=True)
    @staticmethod
    def brief(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(protocol, "OFFER", 0.1)

    @pytest.fixture
    @staticmethod
    def lost(plan: RoundsPlan, run: Run) -> str:
        """A child that has not said that it has the network; all others have."""
        *others, lost = plan.neighbours
        memory = MasterMemory(run.checkpoint, plan.digest)
        for child in others:
            memory.keep_holder(child)
        ended = RoundsOutcome.load(run.trained, plan.digest)
        assert ended is not None
        replace(ended, holders=tuple(others)).save(run.trained, plan.digest)
        family.play(plan, None, silent)
        return lost

    def test_ends_all_the_same_and_says_so(self, plan: RoundsPlan, run: Run, lost: str) -> None:
        for _ in range(2):  # nobody comes, when it is started again
            result = run.read_json(run.result.name, RoundsResult)
            assert result.missing == UNCONFIRMED
            assert result.metrics
            assert lost not in result.holders
            assert run.unconfirmed
            assert verify(run.ledger).sealed
            family.play(plan, None, silent)

    def test_gives_the_network_when_both_start_again_and_trains_nothing(
        self, made: Made, plan: RoundsPlan, run: Run, lost: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(protocol, "OFFER", 60.0)
        before = run.read_json(run.result.name, RoundsResult)
        child = plan_of(made, lost)
        with ThreadPoolExecutor(1) as thread:
            coming = thread.submit(family.play, child, None, silent)
            assert family.play(plan, None, silent).folder == run.folder
            came = coming.result()
        after = run.read_json(run.result.name, RoundsResult)
        assert run.finished
        assert after.holders == plan.neighbours
        assert (after.model, after.metrics) == (before.model, before.metrics)
        assert verify(run.ledger).sealed
        assert {it.message for it in records(run.ledger)} == {
            *("Hello", "Instruction", "Turn", "Published"),
        }
        theirs = came.read_json(came.result.name, RoundsResult)
        assert (theirs.model, theirs.rounds) == (before.model, 0)
        assert earlier.finished(plan, None) is not None


def stop(*_: object) -> float:
    raise KeyboardInterrupt


def fail(*_: object) -> float:
    raise LookupError
