"""Both parties of a job over aligned columns: to the alignment, or to a model."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.data.index import Index
from isthmus.data.scores import StoredScores
from isthmus.evaluation.description import Metrics
from isthmus.jobs import finished
from isthmus.jobs.aligned.results import AlignmentResult, SimulatedTraining, TrainedResult
from isthmus.jobs.explain import explain
from isthmus.jobs.report import write_all
from isthmus.jobs.run import align, run
from isthmus.jobs.simulate import simulate
from isthmus.ledger.verify import verify
from isthmus.store.runs import Run
from isthmus.vertical.regression import outcome
from isthmus.vertical.regression.model import Part
from tests.unit.jobs.desk import PARTIES, Desk


class TestAlignOnly:
    def test_ends_with_the_alignment(self, trial: Desk) -> None:
        for party, aligned in trial.both(align).items():
            result = aligned.read_json("result.json", AlignmentResult)
            assert (result.party, result.alignment.size) == (party, 260)
            assert aligned.index.exists()
            assert isinstance(finished.read(aligned), AlignmentResult)
            with pytest.raises(SpecError, match="aligned rows and trained nothing, so there is no"):
                write_all(aligned.folder)

    def test_sends_what_was_forecast_and_no_training(self, trial: Desk) -> None:
        for party, aligned in trial.both(align).items():
            assert_as_forecast(trial, party, aligned)

    def test_is_taken_up_by_a_run_that_tells_nothing_again(self, trial: Desk) -> None:
        aligned = trial.both(align)
        trained = trial.both(run)
        for party in PARTIES:
            assert trained[party].read_json("result.json", TrainedResult).alignment.reused
            assert trained[party].index.read_bytes() == aligned[party].index.read_bytes()
            assert_as_forecast(trial, party, trained[party])

    def test_names_rows_of_the_file_where_repeated_ones_were_left_out(self, trial: Desk) -> None:
        file = trial.folder / "clinic" / "people.csv"
        head, *rows = file.read_text().splitlines()
        file.write_text("\n".join([head, rows[0], *rows]))
        trial.edit_party("clinic", 'label = "ill"', 'label = "ill"\nduplicates = "first"')
        index = Index.load(trial.both(align)["clinic"].index)
        lines = [rows[0], *rows]
        shared = sorted(lines[row].partition(",")[0] for row in index.rows)
        assert shared == sorted(f"p{row}" for row in range(40, 300))
        assert index.rows.min() == 41


class TestPlay:
    def test_has_stored_everything_before_it_measures(
        self, trial: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        with monkeypatch.context() as broken:
            broken.setattr(outcome, "measure", stop)
            with pytest.raises(KeyboardInterrupt):
                trial.both(run)
        (folder,) = (trial.folder / "clinic" / "runs").glob("trial-*")
        stopped = Run(folder)
        result = stopped.read_json(stopped.result.name, TrainedResult)
        assert (result.rounds, result.metrics) == (2, {})
        assert result.missing == {"metrics": "the run was stopped while it was measured"}
        assert stopped.read_json(stopped.model.name, Part).columns
        assert len(StoredScores.load(stopped.predictions).predictions) == result.rows["test"]
        assert verify(stopped.ledger).sealed

    def test_names_what_could_not_be_measured(
        self, trial: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        monkeypatch.setattr(outcome, "measure", no_measure)
        ended = trial.both(run)["clinic"]
        result = ended.read_json(ended.result.name, TrainedResult)
        assert result.metrics == {}
        assert result.missing == {
            "metrics": "LookupError: this is a bug in isthmus, please report it"
        }
        assert StoredScores.load(ended.predictions).alone is not None


class TestSimulate:
    def test_keeps_the_joint_model_where_nothing_can_be_compared_with_it(
        self, trial: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        monkeypatch.setattr(outcome, "train_pooled", no_measure)
        ended = simulate(trial.folder / "job.toml", tmp_path)
        result = ended.read_json(ended.result.name, SimulatedTraining)
        assert result.metrics["auc"].keys() == {"joint", "active_only"}
        why = "LookupError: this is a bug in isthmus, please report it"
        assert result.missing == {"pooled": why}
        assert ("no pooled", why) in finished.summary(ended).facts
        assert all(Path(page).exists() for page in result.reports.values())


def stop(*_: object) -> Metrics:
    raise KeyboardInterrupt


def no_measure(*_: object) -> Metrics:
    raise LookupError("no measure")


def assert_as_forecast(desk: Desk, party: str, finished: Run) -> None:
    for flow in explain(desk.plan(party), finished).flows:
        assert flow.recorded_count == flow.count, flow.message
        assert flow.recorded_bytes == pytest.approx(flow.bytes, rel=0.05, abs=50), flow.message
