"""A search over one alignment: each repetition is a run like any other, and all are counted."""

import csv
import shutil
from pathlib import Path

import msgspec
import pytest

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.data.scores import StoredScores
from isthmus.jobs import finished, report, simulate
from isthmus.jobs.aligned.results import SearchedResult, TrainedResult
from isthmus.jobs.grid import grid
from isthmus.jobs.job import Fold, Job
from isthmus.jobs.search import search
from isthmus.store.runs import Run
from tests.unit.jobs.desk import PARTIES, Desk


class StoppedError(Exception):
    """What a test stops a search with."""


GRID = grid({"regression.max_rounds": [1, 2], "folds": 2})


@pytest.fixture(scope="module")
def searched(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished search; tests only read it, or copy it."""
    return search(template / "job.toml", GRID, tmp_path_factory.mktemp("searched"))


def result_of(run: Run) -> SearchedResult:
    found = finished.read(run)
    assert isinstance(found, SearchedResult)
    return found


class TestSearch:
    @pytest.mark.long
    def test_trains_each_choice_on_each_fold_over_one_alignment(self, searched: Run) -> None:
        result = result_of(searched)
        assert sorted(trial.values["regression.max_rounds"] for trial in result.trials) == [1, 2]
        for trial in result.trials:
            assert len(trial.runs) == 2
            assert trial.metrics.keys() == trial.deviations.keys() == {"auc", "ks"}
            assert trial.rounds == trial.values["regression.max_rounds"]
            for folder in trial.runs:
                run = Run(searched.folder / folder / "clinic")
                assert run.read_json(run.result.name, TrainedResult).alignment.reused
        assert result.trials[0].metrics["auc"] >= result.trials[1].metrics["auc"]

    @pytest.mark.long
    def test_scores_each_training_row_once_and_no_test_row(self, searched: Run) -> None:
        trial = result_of(searched).trials[0]
        runs = [Run(searched.folder / folder / "clinic") for folder in trial.runs]
        rows = [run.read_json(run.result.name, TrainedResult).rows for run in runs]
        assert rows[0]["train"] == rows[1]["test"]
        assert rows[0]["test"] == rows[1]["train"]
        assert sum(each["test"] for each in rows) < 260  # the test rows of the job are in no fold
        scored = [len(StoredScores.load(run.predictions).labels) for run in runs]
        assert scored == [each["test"] for each in rows]

    @pytest.mark.long
    def test_finds_the_same_as_a_run_of_its_own_with_that_value(
        self, searched: Run, tmp_path: Path
    ) -> None:
        trial = result_of(searched).trials[0]
        job = Job.load(searched.folder / trial.runs[1] / "job.toml")
        assert job.data is not None
        assert job.data.fold == Fold(part=2, of=2)
        folder = tmp_path / "own"
        for party in PARTIES:  # their own alignment: another key, another order of blinded rows
            shutil.copytree(searched.folder / party, folder / party)
            shutil.rmtree(folder / party / "runs")
        job.save(folder / "job.toml")
        parties = {party: folder / party for party in PARTIES}
        simulate.play("run", folder / "job.toml", parties, tmp_path, simulate.unwatched)
        own, found = (
            Run(place / "clinic") for place in (tmp_path, searched.folder / trial.runs[1])
        )
        assert own.predictions.read_bytes() == found.predictions.read_bytes()
        ours, theirs = (run.read_json(run.result.name, TrainedResult) for run in (own, found))
        assert not ours.alignment.reused
        assert (ours.metrics, ours.curve) == (theirs.metrics, theirs.curve)

    @pytest.mark.long
    def test_counts_what_all_repetitions_tell(self, searched: Run) -> None:
        result = result_of(searched)
        told = {row.message: row for row in result.told}
        runs = [folder for trial in result.trials for folder in trial.runs]
        gradients = 0
        for folder in runs:
            run = Run(searched.folder / folder / "clinic")
            learned = run.read_json(run.result.name, TrainedResult).learned
            gradients += sum(row.count for row in learned if row.message == "OpenedSums")
        assert told["OpenedSums"].count == gradients
        assert told["OpenedSums"].per_run == gradients / 4
        assert "Hello" not in told
        assert result.equations == pytest.approx(4 * 2 / 52, rel=0.1)  # columns over rarer labels

    @pytest.mark.long
    def test_is_told_in_one_table(self, searched: Run) -> None:
        with (searched.folder / "trials.csv").open() as file:
            lines = list(csv.DictReader(file))
        result = result_of(searched)
        assert [float(line["auc"]) for line in lines] == [
            trial.metrics["auc"] for trial in result.trials
        ]
        summary = finished.summary(searched)
        headings, shown = summary.tables[0]
        assert list(headings) == ["max_rounds", "AUC #", "KS #", "rounds #"]
        assert len(shown) == 2
        assert dict(summary.facts)["trainings"].startswith("4 over one alignment, scored on 2")
        assert dict(summary.facts)["report"] == str(searched.report)

    @pytest.mark.long
    def test_has_a_page(self, searched: Run) -> None:
        shown = searched.report.read_text()
        assert report.write_all(searched.folder) == [searched.report]
        assert searched.report.read_text() == shown
        for trial in result_of(searched).trials:
            assert f"{trial.metrics['auc']:.4f} ± {trial.deviations['auc']:.4f}" in shown
        assert "<th>max_rounds</th>" in shown
        assert "OpenedSums" in shown

    def test_that_was_stopped_goes_on_and_trains_nothing_again(
        self, trial: Desk, tmp_path: Path
    ) -> None:
        job = trial.folder / "job.toml"
        tried = grid({"regression.max_rounds": [1, 2]})

        def stop_in_the_second(party: str, event: Event) -> None:
            if (party, event.stage) == ("clinic", "train") and event.total == 2:
                raise StoppedError

        with pytest.raises(StoppedError):
            search(job, tried, tmp_path, stop_in_the_second)
        (begun,) = tmp_path.glob("trial-*")
        first = Run(begun / "trials_" / "1-1" / "clinic")
        before = first.result.stat()
        found = search(job, tried, tmp_path)
        assert found.folder == begun
        assert first.result.stat() == before
        result = result_of(found)
        assert sorted(each.values["regression.max_rounds"] for each in result.trials) == [1, 2]
        assert all(each.metrics["auc"] > 0.5 and not each.failed for each in result.trials)
        assert "of 2 choices" in found.report.read_text()

    @pytest.mark.long
    def test_goes_on_where_a_training_fails(self, trial: Desk, tmp_path: Path) -> None:
        tried = grid({"regression.label_exposure": [1e-9, 0.5], "regression.max_rounds": [1]})
        found = result_of(search(trial.folder / "job.toml", tried, tmp_path))
        good, bad = found.trials
        assert good.values["regression.label_exposure"] == 0.5
        assert good.metrics["auc"] > 0.5
        assert not good.failed
        assert (len(bad.failed), bad.metrics) == (1, {})
        assert "label_exposure" in bad.failed[0]

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            ({"regression.penality": [1]}, "did you mean"),
            ({"boosting.depth": [3]}, r"only keys of \[regression\] vary"),
        ],
    )
    def test_refuses_a_grid_that_does_not_fit_before_anything_begins(
        self, trial: Desk, tmp_path: Path, said: dict[str, list[int]], sentence: str
    ) -> None:
        with pytest.raises(SpecError, match=sentence):
            search(trial.folder / "job.toml", grid(said), tmp_path)
        assert not list(tmp_path.glob("trial-*"))

    def test_refuses_a_job_that_trains_nothing(self, trial: Desk, tmp_path: Path) -> None:
        file = trial.folder / "job.toml"
        job = Job.load(file)
        aligning = ["ComparedRows", "SharedRows"]
        msgspec.structs.replace(job, regression=None, disclosed=aligning).save(file)
        with pytest.raises(SpecError, match="this job has no training on aligned rows"):
            search(file, GRID, tmp_path)
