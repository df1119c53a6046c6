"""A job of one organisation: one file of rows, nobody else, nothing leaves."""

import shutil
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.data.scores import StoredScores
from isthmus.evaluation.description import measured
from isthmus.jobs import finished, report
from isthmus.jobs.aligned.results import TrainedResult
from isthmus.jobs.check import check
from isthmus.jobs.explain import explain
from isthmus.jobs.load import load_job, make_plan
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.run import align, run
from isthmus.jobs.simulate import simulate
from isthmus.store.events import follow
from isthmus.store.runs import Run
from isthmus.vertical.baseline import training
from isthmus.vertical.regression import measuring
from tests.unit.jobs.desk import Desk

JOB = """\
name = "alone"
seed = 7

[data]
train = "people"
normalise = ["trim"]

[datasets.people]
path = "clinic/people.csv"
identifiers = ["person_id"]
label = "ill"

[baseline]
model = "regression"
"""

TREES = 'model = "boosting"\ntrees = 3\ndepth = 2'


@pytest.fixture
def job(template: Path, tmp_path: Path) -> Path:
    """The job of a clinic by itself, on the file that it has in the joint one."""
    folder = tmp_path / "alone"
    (folder / "clinic").mkdir(parents=True)
    shutil.copy(template / "clinic" / "people.csv", folder / "clinic" / "people.csv")
    (folder / "job.toml").write_text(JOB)
    return folder / "job.toml"


def edit(job: Path, old: str, new: str) -> None:
    text = job.read_text()
    assert text.count(old) == 1
    job.write_text(text.replace(old, new))


JOB_REFUSALS: dict[str, tuple[str, str, str]] = {
    "parties": (
        "[baseline]",
        '[parties.clinic]\nrole = "active"\n\n[baseline]',
        r"\[baseline\] is trained by one organisation by itself, .* take `parties` out\.",
    ),
    "messages": ("seed = 7", 'seed = 7\ndisclosed = ["Hello"]', "take `disclosed` out"),
    "what parties reckon with": (
        "[baseline]",
        "[expected]\nshared_rows = 3\nrounds = 2\n\n[baseline]",
        "take `expected` out",
    ),
    "an alignment": (
        "[baseline]",
        '[alignment]\nmethod = "cryptographic"\n\n[baseline]',
        r"the table \[alignment\] belongs to a job with",
    ),
    "no such data set": (
        'train = "people"',
        'train = "patients"',
        r"uses data set 'patients': add a table \[datasets\.patients\]",
    ),
    "no such test set": (
        'train = "people"',
        'train = "people"\ntest = "later"',
        r"uses data set 'later': add a table \[datasets\.later\]",
    ),
    "no such model": ('"regression"', '"forest"', r"`baseline.model` is \"forest\""),
    "a key of the other model": (
        '"regression"',
        '"regression"\ntrees = 3',
        r"\[baseline\] has no key `trees`",
    ),
}

DATA_REFUSALS: dict[str, tuple[str, str, str]] = {
    "no label": ('label = "ill"\n', "", "name the column to predict, `label`"),
    "no such column": ('"ill"', '"sick"', "sick"),
    "no such file": ("people.csv", "persons.csv", r"persons\.csv: "),
}


class TestCheck:
    @pytest.mark.parametrize(
        ("old", "new", "sentence"), JOB_REFUSALS.values(), ids=list(JOB_REFUSALS)
    )
    def test_refuses_a_job(self, job: Path, old: str, new: str, sentence: str) -> None:
        edit(job, old, new)
        with pytest.raises(SpecError, match=rf"job\.toml: .*{sentence}"):
            load_job(job)

    def test_says_what_will_happen_and_what_this_machine_brings(self, job: Path) -> None:
        found = check(job)
        assert (found.parties, found.disclosed) == ({}, [])
        assert found.steps == [
            "Read 'people' on this machine: there are no other parties, and nothing leaves.",
            'Train a baseline: model = "regression", family = "binomial", penalty = 0.0001, '
            'l1_ratio = 0.0, class_weight = "none", classes = 0, tweedie_power = 1.5.',
            "Score 20% of the rows, kept out of training.",
        ]
        assert found.ready is not None
        assert found.ready.facts["columns"] == "2: age, weight"

    def test_says_which_data_set_is_scored(self, job: Path) -> None:
        edit(job, 'train = "people"', 'train = "people"\ntest = "later"')
        table = job.read_text().partition("[datasets.people]")[2].partition("[baseline]")[0]
        head, *rows = (job.parent / "clinic/people.csv").read_text().splitlines()
        later = "\n".join([head, *(f"z{row}" for row in rows)])
        (job.parent / "clinic/later.csv").write_text(later)
        others = table.replace("people.csv", "later.csv")
        edit(job, "[baseline]", f"[datasets.later]{others}[baseline]")
        assert check(job).steps[-1] == "Score the rows of 'later'."

    def test_refuses_to_score_the_rows_that_are_trained_on(self, job: Path) -> None:
        edit(job, 'train = "people"', 'train = "people"\ntest = "later"')
        table = job.read_text().partition("[datasets.people]")[2].partition("[baseline]")[0]
        edit(job, "[baseline]", f"[datasets.later]{table}[baseline]")
        with pytest.raises(SpecError, match="300 of 300 rows of the data set to score are trained"):
            check(job)

    def test_refuses_a_data_set_that_is_not_used(self, job: Path) -> None:
        table = job.read_text().partition("[datasets.people]")[2].partition("[baseline]")[0]
        edit(job, "[baseline]", f"[datasets.exam]{table}[baseline]")
        with pytest.raises(SpecError, match="does not use data set 'exam'"):
            check(job)


class TestPlan:
    @pytest.mark.parametrize(
        ("old", "new", "sentence"), DATA_REFUSALS.values(), ids=list(DATA_REFUSALS)
    )
    def test_refuses_data(self, job: Path, old: str, new: str, sentence: str) -> None:
        edit(job, old, new)
        with pytest.raises(SpecError, match=rf"(job\.toml|people\.csv): .*{sentence}"):
            make_plan(job)

    def test_refuses_a_party_file(self, job: Path, template: Path) -> None:
        with pytest.raises(SpecError, match=r"so it takes no party file: leave `--party` out"):
            make_plan(job, template / "clinic" / "party.toml")

    def test_shows_no_row(self, job: Path) -> None:
        assert "p17" not in repr(make_plan(job))

    def test_lets_nothing_leave(self, job: Path) -> None:
        found = explain(make_plan(job))
        assert (found.flows, found.bytes) == ([], 0)
        assert found.notice == "One organisation trains by itself: nothing leaves it."


class TestRun:
    @pytest.mark.parametrize("model", ['model = "regression"', TREES], ids=["regression", "trees"])
    def test_leaves_model_scores_result_and_report(self, job: Path, model: str) -> None:
        edit(job, 'model = "regression"', model)
        finished_run = run(job)
        assert finished_run.folder.parent == job.parent / "runs"
        result = finished_run.read_json("result.json", LocalResult)
        assert (result.system, result.columns, sum(result.rows.values())) == ("baseline", 2, 300)
        assert measured(result.metrics)["auc"]["model"] > 0.6
        assert len(StoredScores.load(finished_run.predictions).labels) == result.rows["test"]
        assert finished_run.model.exists()
        assert not finished_run.ledger.exists()
        page = finished_run.report.read_text("utf-8")
        assert "<html" in page
        assert "AUC" in page
        assert ">p17<" not in page

    def test_needs_no_identifiers(self, job: Path) -> None:
        edit(job, 'identifiers = ["person_id"]\n', 'columns = ["age", "weight"]\n')
        result = finished.read(run(job))
        assert isinstance(result, LocalResult)
        assert (result.columns, sum(result.rows.values())) == (2, 300)

    def test_writes_over_no_finished_run(self, job: Path, tmp_path: Path) -> None:
        model = run(job, into=tmp_path / "kept").model
        before = model.read_bytes()
        edit(job, "seed = 7", "seed = 8")
        with pytest.raises(SpecError, match="kept: holds a finished run"):
            run(job, into=tmp_path / "kept")
        assert model.read_bytes() == before

    def test_goes_on_in_no_folder_of_another_job(
        self, job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise LookupError("no measure")

        with monkeypatch.context() as broken:
            broken.setattr(measuring, "measured", fail)
            with pytest.raises(LookupError):
                run(job, into=tmp_path / "kept")
        edit(job, "seed = 7", "seed = 8")
        with pytest.raises(
            SpecError, match="kept: holds an unfinished run of another job, which differs at 'seed'"
        ):
            run(job, into=tmp_path / "kept")
        edit(job, "seed = 8", "seed = 7")
        assert run(job, into=tmp_path / "kept").result.exists()

    def test_leaves_rows_to_train_on(self, job: Path) -> None:
        edit(job, "[data]\n", "[data]\ntest_share = 0.9999\n")
        with pytest.raises(SpecError, match=r"none of 300 rows is left to train on"):
            run(job)

    def test_tells_how_far_it_is(self, job: Path) -> None:
        seen = list[Event]()
        ended = run(job, watch=seen.append)
        assert (seen[-1].stage, seen[-1].done, seen[-1].total) == ("done", 1, 1)
        assert [each.stage for each in follow(ended.events, lambda: True)] == [
            each.stage for each in seen
        ]

    @pytest.mark.parametrize("model", ['model = "regression"', TREES], ids=["regression", "trees"])
    def test_has_stored_everything_before_it_measures_and_goes_on_in_the_same_folder(
        self, job: Path, model: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        edit(job, 'model = "regression"', model)
        with monkeypatch.context() as broken:
            broken.setattr(training, "_measured", stop)
            with pytest.raises(KeyboardInterrupt):
                run(job)
        (folder,) = (job.parent / "runs").glob("alone-*")
        stopped = Run(folder)
        result = stopped.read_json(stopped.result.name, LocalResult)
        assert (result.metrics, sum(result.rows.values())) == ({}, 300)
        assert result.missing == {"metrics": "the run was stopped while it was measured"}
        assert stopped.model.exists()
        assert len(StoredScores.load(stopped.predictions).labels) == result.rows["test"]
        facts = dict(finished.summary(stopped).facts)
        assert facts["no metrics"] == "the run was stopped while it was measured"
        assert "measured" not in facts
        assert report.write_all(job.parent / "runs") == [stopped.report]

        after = run(job)
        assert after.folder == folder
        found = after.read_json(after.result.name, LocalResult)
        assert found.metrics
        assert found.missing == {}

    def test_stays_finished_until_its_data_change_or_somebody_asks_for_another(
        self, job: Path
    ) -> None:
        first = run(job)
        result = first.result.read_bytes()
        seen = list[Event]()
        assert run(job, watch=seen.append).folder == first.folder
        assert seen[-1].note.endswith("`--again` begins another one")  # nobody else has to
        assert first.result.read_bytes() == result
        second = run(job, again=True)
        assert run(job).folder == second.folder != first.folder
        rows = job.parent / "clinic" / "people.csv"
        rows.write_text(rows.read_text() + "\np300,1,0.5,0.5")
        assert run(job).read_json("result.json", LocalResult).rows["train"] > 0
        assert len(list(first.folder.parent.glob("alone-*"))) == 3

    def test_goes_where_it_is_told(self, job: Path, tmp_path: Path) -> None:
        assert run(job, into=tmp_path / "here").folder == tmp_path / "here"
        assert not (job.parent / "runs").exists()

    def test_refuses_a_folder_in_which_another_process_runs(
        self, job: Path, tmp_path: Path
    ) -> None:
        with (
            Run.at(tmp_path / "run").locked(),
            pytest.raises(SpecError, match=r"another process is running this job here"),
        ):
            run(job, into=tmp_path / "run")

    def test_reaches_what_the_joint_job_says_of_the_active_party_alone(
        self, job: Path, trial: Desk
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        people = [line.partition(",")[0] for line in job_rows(trial, "clinic")]
        theirs = [line.partition(",")[2] for line in job_rows(trial, "insurer")]
        rows = [f"{name},{rest}" for name, rest in zip(people, theirs, strict=True)]
        (trial.folder / "insurer" / "people.csv").write_text(
            "\n".join(["member,visits,costs", *rows])
        )
        joint = trial.both(run)["clinic"].read_json("result.json", TrainedResult)
        assert joint.alignment.size == len(people)
        alone = run(job).read_json("result.json", LocalResult)
        assert alone.rows == {name: joint.rows[name] for name in ("train", "test")}
        for measure, values in joint.metrics.items():
            assert alone.metrics[measure]["model"] == values["active_only"]


def job_rows(desk: Desk, party: str) -> list[str]:
    """The lines of a party's file, but for its heading."""
    return (desk.folder / party / "people.csv").read_text().splitlines()[1:]


class TestOtherVerbs:
    def test_align_has_nobody_to_align_with(self, job: Path, template: Path) -> None:
        with pytest.raises(SpecError, match="so it takes no party file"):
            align(job, template / "clinic" / "party.toml")

    def test_simulate_has_nobody_to_simulate(self, job: Path, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"nobody to simulate: use `isthmus run .*job\.toml`"):
            simulate(job, tmp_path / "runs")
        assert not (tmp_path / "runs").exists()


class TestReport:
    def test_is_written_anew(self, job: Path) -> None:
        ended = run(job)
        ended.report.unlink()
        assert report.write_all(job.parent / "runs") == [ended.report]
        assert ended.report.exists()


class TestSummary:
    def test_has_metrics_and_where_the_run_left_what(self, job: Path) -> None:
        ended = run(job)
        found = finished.summary(ended)
        facts = dict(found.facts)
        result = finished.read(ended)
        assert isinstance(result, LocalResult)
        assert found.metrics == result.metrics
        told = f"{result.rows['train']} trained on, {result.rows['test']} scored"
        assert (facts["rows"], facts["training"]) == (told, "one fit")
        assert (facts["run"], facts["report"]) == (str(ended.folder), str(ended.report))
