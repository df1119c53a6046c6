"""The end of a job in rounds at one party: all is stored before anything is measured."""

from pathlib import Path

import pytest

from isthmus.core.telemetry import Event, silent
from isthmus.horizontal.encoders import model
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.system import RoundsOutcome
from isthmus.horizontal.weighting.spec import as_encoders
from isthmus.jobs import finished
from isthmus.jobs.examples import make
from isthmus.jobs.load import make_plan
from isthmus.jobs.rounds import family
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.rounds.results import RoundsResult
from isthmus.ledger.verify import verify
from isthmus.store.runs import Run

STOPPED = {"metrics": "the run was stopped while it was measured"}


@pytest.fixture
def plan(tmp_path: Path) -> RoundsPlan:
    """Of the master, which has samples to test on."""
    made = make("fusion", tmp_path / "trial")
    found = make_plan(made.job, made.parties["office"])
    assert isinstance(found, RoundsPlan)
    return found


@pytest.fixture
def run(plan: RoundsPlan) -> Run:
    """One whose rounds are over."""
    run = Run.create(plan.runs, plan.job.name, plan.digest)
    parameters = initial(as_encoders(plan.loaded.spec), 1)
    RoundsOutcome(parameters, digest(parameters), 1).save(run.trained, plan.digest)
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


def stop(*_: object) -> float:
    raise KeyboardInterrupt


def fail(*_: object) -> float:
    raise LookupError
