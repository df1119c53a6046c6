"""Whoever reads a finished run needs to know no family: the result says which kind it is of."""

import json
import shutil
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.jobs import finished, report
from isthmus.jobs.aligned import family as aligned
from isthmus.jobs.aligned.results import SimulatedTraining, TrainedResult
from isthmus.store.runs import Run


@pytest.fixture
def clinic(simulated: Run, tmp_path: Path) -> Run:
    """A copy of the active party's finished run."""
    return Run(Path(shutil.copytree(simulated.folder / "clinic", tmp_path / "clinic")))


def rename(run: Run, kind: str) -> None:
    """Let the result be of another kind."""
    result = json.loads(run.result.read_bytes())
    run.result.write_text(json.dumps(result | {"kind": kind}))


class TestRead:
    def test_tells_a_simulated_run_from_that_of_a_party(self, simulated: Run, clinic: Run) -> None:
        assert isinstance(finished.read(simulated), SimulatedTraining)
        assert isinstance(finished.read(clinic), TrainedResult)

    def test_goes_by_the_kind_that_the_result_names(self, simulated: Run, clinic: Run) -> None:
        kinds = [json.loads(run.result.read_bytes())["kind"] for run in (simulated, clinic)]
        assert kinds == ["aligned.simulated", "aligned.trained"]

    def test_finds_what_the_run_wrote(self, clinic: Run) -> None:
        assert finished.read(clinic) == clinic.read_json(clinic.result.name, TrainedResult)

    def test_refuses_a_kind_that_its_family_does_not_write(self, clinic: Run) -> None:
        rename(clinic, "aligned.drawn")
        with pytest.raises(SpecError, match=r"result\.json: is not the Result of a run: `kind` is"):
            finished.read(clinic)

    def test_refuses_a_kind_whose_fields_are_not_there(self, clinic: Run) -> None:
        rename(clinic, "aligned.simulated")
        with pytest.raises(SpecError, match=r"result\.json: is not the Result of a run: `"):
            finished.read(clinic)

    def test_refuses_a_family_that_is_not_there(self, clinic: Run) -> None:
        rename(clinic, "pairwise.trained")
        with pytest.raises(SpecError, match="of a family 'pairwise', which this version does not"):
            finished.read(clinic)

    def test_needs_a_finished_run(self, clinic: Run) -> None:
        clinic.result.unlink()
        with pytest.raises(SpecError, match=r"result\.json: cannot be read.*Has this run finished"):
            finished.read(clinic)


class TestAsWritten:
    @pytest.mark.parametrize(
        ("key", "value"),
        [("seconds", {}), ("rows", {}), ("started", "x"), ("system", "baseline")],
    )
    def test_a_changed_result_is_a_sentence_and_no_traceback(
        self, clinic: Run, key: str, value: object
    ) -> None:
        said = json.loads(clinic.result.read_text())
        assert key in said
        clinic.result.write_text(json.dumps(said | {key: value}))
        with pytest.raises(SpecError, match="is not what a run writes"):
            report.write(clinic)


class TestFamilyOf:
    def test_is_the_one_that_the_result_names(self, clinic: Run) -> None:
        assert vars(finished.family_of(clinic)) is vars(aligned)


class TestSummary:
    def test_shows_the_metrics_of_the_run(self, clinic: Run) -> None:
        result = clinic.read_json(clinic.result.name, TrainedResult)
        assert finished.summary(clinic).metrics == result.metrics
