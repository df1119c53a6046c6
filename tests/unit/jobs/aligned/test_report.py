"""What a finished run over aligned columns leaves, and the page that is made of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isthmus.data.index import Index
from isthmus.data.scores import StoredScores
from isthmus.evaluation.validation import Gain, Stability
from isthmus.jobs import report
from isthmus.jobs.aligned.results import SimulatedTraining, TrainedResult
from isthmus.store.runs import Run
from isthmus.vertical.regression.model import Part


@pytest.fixture
def clinic(simulated: Run, tmp_path: Path) -> Run:
    """A copy of the active party's finished run."""
    return Run(Path(shutil.copytree(simulated.folder / "clinic", tmp_path / "clinic")))


def change(run: Run, **keys: Any) -> None:
    """Let the run have had another result."""
    result = json.loads(run.result.read_bytes())
    run.result.write_text(json.dumps(result | msgspec.to_builtins(keys)))


class TestResult:
    def test_has_measures_where_the_labels_are(self, simulated: Run) -> None:
        metrics = {
            party: Run(simulated.folder / party).read_json("result.json", TrainedResult).metrics
            for party in ("clinic", "insurer")
        }
        assert metrics["clinic"].keys() == {"auc", "ks"}
        assert all(
            values.keys() == {"joint", "active_only"} for values in metrics["clinic"].values()
        )
        assert metrics["insurer"] == {}

    def test_agrees_with_the_other_files_of_the_run(self, clinic: Run) -> None:
        result = clinic.read_json("result.json", TrainedResult)
        assert len(Index.load(clinic.index)) == result.alignment.size
        assert len(StoredScores.load(clinic.predictions).labels) == result.rows["test"]
        part = clinic.read_json(clinic.model.name, Part)
        assert [column.name for column in part.columns] == ["age", "weight"]
        assert result.converged
        assert result.validation is not None
        assert result.validation.rows == result.rows["test"]
        assert result.stability is not None
        assert result.stability.score is not None
        assert result.stability.columns.keys() == {"age", "weight"}
        assert len(result.curve) == result.rounds

    def test_says_who_learned_what_in_both_directions(self, clinic: Run) -> None:
        learned = clinic.read_json("result.json", TrainedResult).learned
        directions = {seen.message: seen.direction for seen in learned if seen.message != "Hello"}
        assert directions["OpenedSums"] == "clinic → insurer"
        assert directions["PartialSlope"] == "insurer → clinic"


class TestWrite:
    def test_makes_one_page_that_needs_nothing_else(self, clinic: Run) -> None:
        clinic.report.unlink()
        page = report.write(clinic).read_text("utf-8")
        assert "<html" in page
        assert "AUC" in page
        assert 'src="http' not in page

    def test_shows_no_row(self, clinic: Run) -> None:
        page = report.write(clinic).read_text("utf-8")
        assert ">p17<" not in page

    def test_puts_the_pooled_model_beside_it_where_it_is_known(
        self, simulated: Run, clinic: Run
    ) -> None:
        joint = simulated.read_json("result.json", SimulatedTraining)
        page = report.write(clinic, simulated).read_text("utf-8")
        assert (
            f"Pooling all columns on one machine would give {joint.metrics['auc']['pooled']:.4g}"
            in page
        )

    def test_warns_where_training_did_not_converge(self, clinic: Run) -> None:
        ending = "stopped after 3 rounds, not converged: raise `max_rounds` or `penalty`"
        change(clinic, converged=False, ending=ending)
        page = report.write(clinic).read_text("utf-8")
        assert f"Training {ending}. More rounds bring" in page
        assert "stopped, not converged" in page  # in the chart

    def test_names_what_could_not_be_measured(self, clinic: Run) -> None:
        why = "the test rows hold one class only."
        undefined = {"auc": {"joint": None, "active_only": None}}
        change(clinic, metrics=undefined, missing={"metrics.auc": why})
        page = report.write(clinic).read_text("utf-8")
        assert "undefined" in page
        assert f"No <code>metrics.auc</code>: {why}" in page

    def test_warns_of_a_gain_that_may_be_chance(self, clinic: Run) -> None:
        result = clinic.read_json(clinic.result.name, TrainedResult)
        assert result.validation is not None
        gain = Gain(value=0.01, low=-0.02, high=0.04, p=0.5)
        change(clinic, validation=msgspec.structs.replace(result.validation, gain=gain))
        page = report.write(clinic).read_text("utf-8")
        assert "may be chance: with 95% confidence it is between -0.0200 and +0.0400" in page

    def test_warns_of_rows_that_are_not_like_those_that_were_trained_on(self, clinic: Run) -> None:
        change(
            clinic, stability=Stability(sampling_noise=0.02, columns={"age": 0.4, "weight": 0.1})
        )
        page = report.write(clinic).read_text("utf-8")
        assert "population stability index is over 0.25 for age." in page

    def test_warns_where_the_other_columns_did_not_help(self, clinic: Run) -> None:
        change(clinic, metrics={"auc": {"joint": 0.6, "active_only": 0.7}})
        assert "did not improve the model" in report.write(clinic).read_text("utf-8")
