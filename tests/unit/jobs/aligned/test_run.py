"""Both parties of a job over aligned columns: to the alignment, or to a model."""

import pytest

from isthmus.core.errors import SpecError
from isthmus.data.index import Index
from isthmus.evaluation.description import Metrics
from isthmus.jobs import finished
from isthmus.jobs.aligned.results import AlignmentResult, TrainedResult
from isthmus.jobs.explain import explain
from isthmus.jobs.report import write_all
from isthmus.jobs.run import align, run
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
    def test_keeps_the_model_where_it_cannot_be_measured_and_goes_on_from_there(
        self, trial: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        with monkeypatch.context() as broken:
            broken.setattr(outcome, "measure", no_measure)
            with pytest.raises(LookupError, match="no measure"):
                trial.both(run)
        (cut_off,) = (trial.folder / "clinic" / "runs").glob("trial-*")
        before = Run(cut_off)
        model = before.read_json(before.model.name, Part)
        assert not before.result.exists()

        after = trial.both(run)["clinic"]
        assert after.folder == cut_off
        assert after.read_json(after.model.name, Part) == model
        assert after.read_json(after.result.name, TrainedResult).metrics["auc"]["joint"] > 0.5


def no_measure(*_: object) -> Metrics:
    raise LookupError("no measure")


def assert_as_forecast(desk: Desk, party: str, finished: Run) -> None:
    for flow in explain(desk.plan(party), finished).flows:
        assert flow.recorded_count == flow.count, flow.message
        assert flow.recorded_bytes == pytest.approx(flow.bytes, rel=0.05, abs=50), flow.message
