"""What a finished run leaves, and the page that is made of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.errors import SpecError
from isthmus.data.index import Index
from isthmus.data.scores import Scores
from isthmus.jobs import report
from isthmus.jobs.result import Result, SimulationResult, is_simulation
from isthmus.store.runs import Run
from isthmus.vertical.regression.model import Part


@pytest.fixture
def clinic(simulated: Run, tmp_path: Path) -> Run:
    """A copy of the active party's finished run."""
    return Run(Path(shutil.copytree(simulated.folder / "clinic", tmp_path / "clinic")))


def change(run: Run, **keys: Any) -> None:
    """Let the run have had another result."""
    result = json.loads(run.result.read_bytes())
    run.result.write_text(json.dumps(result | keys))


class TestResult:
    def test_has_measures_where_the_labels_are(self, simulated: Run) -> None:
        metrics = {
            party: Run(simulated.folder / party).read_json("result.json", Result).metrics
            for party in ("clinic", "insurer")
        }
        assert metrics["clinic"].keys() == {"auc", "ks", "auc_active_only", "ks_active_only"}
        assert metrics["insurer"] == {}

    def test_agrees_with_the_other_files_of_the_run(self, clinic: Run) -> None:
        result = clinic.read_json("result.json", Result)
        assert len(Index.load(clinic.index)) == result.alignment.size
        assert len(Scores.load(clinic.predictions).labels) == result.rows["test"]
        part = clinic.read_json(clinic.model.name, Part)
        assert [column.name for column in part.columns] == ["age", "weight"]
        assert result.converged
        assert len(result.curve) == result.rounds

    def test_says_who_learned_what_in_both_directions(self, clinic: Run) -> None:
        learned = clinic.read_json("result.json", Result).learned
        directions = {seen.message: seen.direction for seen in learned if seen.message != "Hello"}
        assert directions["OpenedGradient"] == "clinic → insurer"
        assert directions["PartialSlope"] == "insurer → clinic"

    def test_tells_a_simulated_run_from_that_of_a_party(self, simulated: Run, clinic: Run) -> None:
        assert is_simulation(simulated)
        assert not is_simulation(clinic)


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
        joint = simulated.read_json("result.json", SimulationResult)
        page = report.write(clinic, simulated).read_text("utf-8")
        assert (
            f"Pooling all columns on one machine would give {joint.metrics['auc_central']:.4g}"
            in page
        )

    def test_warns_where_training_did_not_converge(self, clinic: Run) -> None:
        change(clinic, converged=False)
        assert "without reaching the tolerance" in report.write(clinic).read_text("utf-8")

    def test_warns_where_nothing_could_be_measured(self, clinic: Run) -> None:
        change(clinic, metrics={})
        page = report.write(clinic).read_text("utf-8")
        assert "The test rows do not have two different labels, so nothing was measured" in page

    def test_warns_where_the_other_columns_did_not_help(self, clinic: Run) -> None:
        change(clinic, metrics={"auc": 0.6, "auc_active_only": 0.7})
        assert "did not improve the model" in report.write(clinic).read_text("utf-8")

    @pytest.mark.parametrize("name", ["result.json", "model.json"])
    def test_needs_a_finished_run(self, clinic: Run, name: str) -> None:
        (clinic.folder / name).unlink()
        with pytest.raises(SpecError, match=rf"{name}: cannot be read.*Has this run finished"):
            report.write(clinic)

    def test_refuses_a_result_that_is_none(self, clinic: Run) -> None:
        clinic.result.write_text('{"job": 3}')
        with pytest.raises(SpecError, match=r"result\.json: is not the Result of a run"):
            report.write(clinic)


class TestWriteAll:
    def test_writes_the_page_of_every_party_of_a_simulated_run(
        self, simulated: Run, tmp_path: Path
    ) -> None:
        folder = Path(shutil.copytree(simulated.folder, tmp_path / "run"))
        pages = [folder / party / "report.html" for party in ("clinic", "insurer")]
        for page in pages:
            page.unlink()
        assert report.write_all(folder) == pages
        assert all(page.exists() for page in pages)

    def test_says_where_there_is_no_run(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"holds no run. Give a run folder"):
            report.write_all(tmp_path)
