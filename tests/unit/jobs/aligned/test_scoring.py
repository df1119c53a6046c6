"""Both parties of a job that scores rows with a model that they trained before."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from pyarrow import csv

from isthmus.cli.main import execute
from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.evaluation.validation import FAR, SHIFTED
from isthmus.jobs import finished
from isthmus.jobs.aligned.results import ScoredResult, SimulatedScoring, TrainedResult
from isthmus.jobs.check import check
from isthmus.jobs.explain import explain
from isthmus.jobs.job import Job
from isthmus.jobs.load import load_job
from isthmus.jobs.run import run
from isthmus.jobs.simulate import simulate
from isthmus.jobs.trained import write_scoring_job
from isthmus.ledger.verify import verify
from isthmus.store.runs import Run
from isthmus.vertical.prediction import outcome
from isthmus.vertical.prediction.spec import Prediction
from tests.unit.jobs.aligned.scored import by_person, trained
from tests.unit.jobs.desk import Desk


@pytest.fixture
def desk(desks: Path, tmp_path: Path) -> Desk:
    """The same, and a job that scores all shared rows with that model."""
    found = Desk(Path(shutil.copytree(desks, tmp_path / "desk", symlinks=True)))
    found.job = found.folder / "score.toml"
    write_scoring_job(found.folder / "clinic" / "runs", found.job)
    return found


class TestPlay:
    def test_gives_test_rows_the_scores_of_training_to_the_last_digit(self, desk: Desk) -> None:
        before = by_person(trained(desk, "clinic"))
        after = by_person(desk.both(run)["clinic"])
        assert len(before) < len(after) == 260
        for person, row in before.items():
            known = {name: value for name, value in row.items() if name != "score_active_only"}
            assert after[person] == known

    def test_leaves_scores_result_page_and_sealed_ledger(self, desk: Desk) -> None:
        ended = desk.both(run)
        clinic = ended["clinic"].read_json("result.json", ScoredResult)
        insurer = ended["insurer"].read_json("result.json", ScoredResult)
        seen = trained(desk, "clinic").read_json("result.json", TrainedResult).rows["train"]
        assert clinic.rows == {"own": 300, "scored": 260, "labelled": 260, "trained": seen}
        assert insurer.rows == {"own": 300, "scored": 260, "labelled": 0}
        assert (
            clinic.model == trained(desk, "insurer").read_json("result.json", TrainedResult).model
        )
        assert clinic.metrics.keys() & {"auc", "accuracy"}
        assert insurer.metrics == {}
        for result in (clinic, insurer):
            assert result.stability is not None
            assert len(result.stability.columns) == result.columns
            assert max(result.stability.columns.values()) < SHIFTED  # the people of the training
        assert clinic.stability is not None
        assert (clinic.stability.score is None) == ("auc" not in clinic.metrics)
        assert ("Validation" in ended["clinic"].report.read_text("utf-8")) == (
            clinic.validation is not None
        )
        assert not ended["insurer"].predictions.exists()
        for each in ended.values():
            assert verify(each.ledger).sealed
            page = each.report.read_text("utf-8")
            assert "260 rows" in page
            assert "Training and scored rows" in page
            assert finished.summary(each).measured_on == "rows with a label"
        told = {party: dict(finished.summary(each).facts) for party, each in ended.items()}
        said = f"260, all with a label; {seen} of these were trained on"
        assert told["clinic"]["rows scored"] == said
        seen_on = "rows that this page measures were trained on"
        assert f"{seen} of the 260 {seen_on}" in ended["clinic"].report.read_text("utf-8")
        assert seen_on not in ended["insurer"].report.read_text("utf-8")
        assert told["insurer"]["rows scored"] == "260, none with a label that is known here"

    def test_is_followed_by_jobs_of_the_model_that_it_scored_with(self, desk: Desk) -> None:
        ended = desk.both(run)["clinic"]
        assert (ended.folder.parent / "latest").resolve() == ended.folder.resolve()
        again = desk.folder / "again.toml"
        write_scoring_job(desk.folder / "clinic" / "runs", again)
        assert again.read_text() == desk.job.read_text()
        shutil.rmtree(trained(desk, "clinic").folder)
        with pytest.raises(SpecError, match=r"no run beside it trained that\. Name the folder"):
            write_scoring_job(ended.folder, desk.folder / "third.toml")

    def test_sees_rows_that_are_others_than_those_trained_on(self, desk: Desk) -> None:
        file = desk.folder / "insurer" / "people.csv"
        head, *rows = file.read_text().splitlines()
        cells = [row.split(",") for row in rows]
        moved = [f"{','.join(cell[:-1])},{float(cell[-1]) + 1e6}" for cell in cells]
        file.write_text("\n".join([head, *moved]))
        ended = desk.both(run)["insurer"]
        result = ended.read_json("result.json", ScoredResult)
        assert result.stability is not None
        assert result.stability.columns["costs"] > FAR
        assert "The scored rows are not like those" in ended.report.read_text("utf-8")

    def test_scores_with_a_run_that_tells_nothing_of_the_rows_trained_on(self, desk: Desk) -> None:
        trained(desk, "clinic").trained_groups.unlink()
        result = desk.both(run)["clinic"].read_json("result.json", ScoredResult)
        assert result.stability is None
        assert "has no trained_groups.json, as an earlier" in result.missing["stability"]

    def test_says_nothing_of_rows_trained_on_where_that_was_not_recorded(self, desk: Desk) -> None:
        shutil.rmtree(desk.folder / "clinic" / "runs" / "exposures")
        clinic = desk.both(run)["clinic"]
        assert "trained" not in clinic.read_json("result.json", ScoredResult).rows
        assert "were trained on: a model" not in clinic.report.read_text("utf-8")

    def test_leaves_scores_as_csv_too_where_the_party_wants_them(self, desk: Desk) -> None:
        desk.edit_party("clinic", "wait = 30.0", "wait = 30.0\npredictions_csv = true")
        ended = desk.both(run)["clinic"]
        found = csv.read_csv(ended.predictions_csv)
        assert found["person_id"].to_pylist() == list(by_person(ended))

    def test_sends_what_was_forecast(self, desk: Desk) -> None:
        ended = desk.both(run)["insurer"]
        told = explain(desk.plan("insurer"), ended)
        flows = [each for each in told.flows if each.message in {"PartialPredictor", "Decisions"}]
        assert [(each.recorded_count, each.recorded_bytes) for each in flows] == [
            (each.count, each.bytes) for each in flows
        ]
        assert len(flows) == 1

    def test_takes_up_the_alignment_and_is_measured_with_nobody_where_it_was_stopped(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr(outcome, "measured", stop)
            with pytest.raises(KeyboardInterrupt):
                desk.both(run)
        ended = run(desk.job, desk.party_file("clinic"))
        result = ended.read_json("result.json", ScoredResult)
        assert result.alignment.reused
        assert result.missing == {}
        assert result.metrics
        assert result.stability is not None
        assert verify(ended.ledger).sealed
        assert run(desk.job, desk.party_file("clinic")).folder == ended.folder

    def test_scores_rows_without_labels_and_says_so(self, desk: Desk) -> None:
        desk.edit_party("clinic", 'label = "ill"\n', "")
        labelled = by_person(trained(desk, "clinic"))
        ended = desk.both(run)["clinic"]
        result = ended.read_json("result.json", ScoredResult)
        assert result.rows["labelled"] == 0
        assert {value for by in result.metrics.values() for value in by.values()} == {None}
        assert result.missing["metrics"] == "none of the 260 rows that were scored has a label"
        assert "No row has a label that is known" in ended.report.read_text("utf-8")
        scored = by_person(ended)
        assert all("label" not in row for row in scored.values())
        assert all(
            scored[person][name] == row[name]
            for person, row in labelled.items()
            for name in row
            if name in {"score", "score_0", "score_1"}
        )

    def test_measures_the_rows_whose_label_is_known(self, desk: Desk) -> None:
        file = desk.folder / "clinic" / "people.csv"
        head, *rows = file.read_text().splitlines()
        cells = [row.split(",") for row in rows]
        emptied = [
            [cell[0], cell[1] if at < 100 else "", *cell[2:]] for at, cell in enumerate(cells)
        ]
        file.write_text("\n".join([head, *(",".join(cell) for cell in emptied)]))
        result = desk.both(run)["clinic"].read_json("result.json", ScoredResult)
        assert result.rows["labelled"] == 60
        assert result.validation is None or result.validation.rows == 60
        assert result.metrics


class TestPlan:
    """Refused before anybody is contacted, in a sentence."""

    def test_says_what_will_happen(self, desk: Desk) -> None:
        found = check(desk.job, desk.party_file("insurer"))
        assert any("Score the shared rows with the" in step for step in found.steps)
        told = {each.message for each in found.disclosed}
        assert told == {"ComparedRows", "SharedRows", found.disclosed[-1].message}

    def test_refuses_the_part_of_another_run(self, desk: Desk) -> None:
        job = spec.load(desk.job, Job)
        table: Prediction = job.tables["prediction"]
        other = msgspec.structs.replace(table, model="0" * 64)
        job.replace(prediction=other).save(desk.job)
        with pytest.raises(SpecError, match=r"no run of 'insurer' in .*runs trained it\. Parts of"):
            desk.plan("insurer")

    def test_refuses_other_columns(self, desk: Desk) -> None:
        file = desk.folder / "insurer" / "people.csv"
        file.write_text(file.read_text().replace("costs", "price", 1))
        with pytest.raises(SpecError, match="'costs', which is not a column"):
            desk.plan("insurer")

    def test_takes_columns_by_their_names(self, desk: Desk) -> None:
        before = by_person(trained(desk, "clinic"))
        file = desk.folder / "insurer" / "people.csv"
        cells = [line.split(",") for line in file.read_text().splitlines()]
        turned = [f"{costs},{member},0,{visits}" for member, visits, costs in cells]
        file.write_text("\n".join(turned).replace(",0,visits", ",new,visits"))
        after = by_person(desk.both(run)["clinic"])
        assert all(after[person]["row"] == row["row"] for person, row in before.items())
        name = "score" if "score" in next(iter(before.values())) else "score_1"
        assert [after[person][name] for person in before] == [row[name] for row in before.values()]

    def test_refuses_other_parties(self, desk: Desk) -> None:
        job = spec.load(desk.job, Job)
        roles = {"clinic": {"role": "passive"}, "insurer": {"role": "active"}}
        table: Prediction = job.tables["prediction"]
        splits = {"clinic": sum(table.splits.values())} if table.splits else {}
        turned = msgspec.structs.replace(table, splits=splits)
        job.replace(parties=roles, prediction=turned).save(desk.job)
        desk.edit_party("clinic", 'label = "ill"\n', "")
        with pytest.raises(SpecError, match=r"these were clinic \(active\), insurer \(passive\)"):
            desk.plan("clinic")

    def test_finds_a_run_that_lies_elsewhere(self, desk: Desk) -> None:
        run_folder = trained(desk, "insurer").folder
        kept = shutil.move(run_folder, desk.folder / "kept")
        with pytest.raises(SpecError, match="name its folder in `models` of your party file"):
            desk.plan("insurer")
        desk.edit_party("insurer", "wait = 30.0", 'wait = 30.0\nmodels = ["../kept"]')
        stored = desk.plan("insurer").stored
        assert stored is not None
        assert stored.run.folder.resolve() == Path(kept).resolve()


class TestSimulate:
    def test_scores_with_what_an_earlier_simulation_trained(
        self, simulated: Run, template: Path, tmp_path: Path
    ) -> None:
        folder = Path(shutil.copytree(template, tmp_path / "desk"))
        job = folder / "score.toml"
        write_scoring_job(simulated.folder, job)
        ended = simulate(job, simulated.folder.parent)
        result = ended.read_json("result.json", SimulatedScoring)
        assert result.rows["scored"] == 260
        write_scoring_job(ended.folder, folder / "again.toml")
        assert (folder / "again.toml").read_text() == job.read_text()
        before = by_person(Run(simulated.folder / "clinic"))
        after = by_person(Run(ended.folder / "clinic"))
        assert {person: after[person]["score"] for person in before} == {
            person: row["score"] for person, row in before.items()
        }
        assert all(Path(page).exists() for page in result.reports.values())


class TestInit:
    def test_writes_a_job_that_scores_with_the_model_of_a_run(
        self, simulated: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "score.toml"
        words = ["init", "--from", str(simulated.folder), str(file), "--data", "later", "--json"]
        assert execute(words) == 0
        assert json.loads(capsys.readouterr().out)["data"] == "later"
        job = load_job(file).job
        assert job.tables["prediction"].system == "regression"
        assert job.disclosed == ["ComparedRows", "SharedRows", "PartialPredictor"]

    def test_writes_over_no_file(
        self, simulated: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "score.toml"
        file.write_text("mine")
        assert execute(["init", "--from", str(simulated.folder), str(file)]) == 2
        assert "is there already" in capsys.readouterr().err
        assert file.read_text() == "mine"

    def test_takes_the_newest_run_with_a_model_where_the_latest_failed(
        self, desk: Desk, capsys: pytest.CaptureFixture[str]
    ) -> None:
        runs = desk.folder / "clinic" / "runs"
        failed = Run.create(runs, "trial-score", "ab" * 32)
        failed.events.touch()
        file = desk.folder / "again.toml"
        assert execute(["init", "--from", str(runs), str(file)]) == 0
        told = " ".join(capsys.readouterr().out.split())
        used = trained(desk, "clinic").folder
        assert f"{failed.folder.name}, has not finished: the model is of" in told
        assert used.name in told
        assert (
            load_job(file).job.tables["prediction"] == load_job(desk.job).job.tables["prediction"]
        )

    def test_names_the_run_that_has_to_go_on_where_none_has_finished(
        self, desk: Desk, capsys: pytest.CaptureFixture[str]
    ) -> None:
        runs = desk.folder / "clinic" / "runs"
        trained(desk, "clinic").result.unlink()
        failed = Run.create(runs, "trial-score", "ab" * 32)
        failed.events.touch()
        file = desk.folder / "again.toml"
        assert execute(["init", "--from", str(runs), str(file)]) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert "no run in it has finished, so that there is no model" in told
        assert f"the latest is {failed.folder.name}." in told
        assert not file.exists()

    def test_names_a_failed_run_that_was_asked_for(
        self, desk: Desk, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = trained(desk, "clinic").folder
        (folder / "result.json").unlink()
        assert execute(["init", "--from", str(folder), str(desk.folder / "again.toml")]) == 2
        assert "Has this run finished?" in " ".join(capsys.readouterr().err.split())
