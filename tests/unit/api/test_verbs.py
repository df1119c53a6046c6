"""The verbs on what lies in memory; nothing is trained here but a job of one organisation."""

import re
from pathlib import Path

import pytest

import isthmus as im
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from tests.trial_in_memory import JOB, ROOT, parties, tables

ALONE = im.Job.load(ROOT / "examples/health/alone.toml").replace(datasets=None)


@pytest.fixture(scope="module")
def people() -> object:
    """What the clinic knows, as the data set of a job of its own."""
    clinic, _ = tables()
    return im.frame(clinic, identifiers=["id"], label="ill")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestExplain:
    def test_shows_what_would_leave_as_text_and_as_a_table(self) -> None:
        clinic, _ = parties()
        found = im.explain(JOB, clinic)
        assert found.party == "clinic"
        assert str(found).startswith("clinic (active) would send ")
        assert repr(found) == str(found)
        facts = len(found.assumptions) + 2  # the memory, and what computes the encryption
        assert found._repr_html_().count("<tr>") == len(found.flows) + 1 + facts

    def test_is_that_of_the_files(self) -> None:
        clinic, _ = parties()
        JOB.save("job.toml")
        clinic.save("clinic/party.toml")
        assert im.explain("job.toml", "clinic/party.toml") == im.explain(JOB, clinic)

    def test_names_data_in_memory_by_party_and_name_alone(self) -> None:
        clinic, _ = tables()
        party = im.Party("clinic", people=im.frame(clinic, identifiers=["id"], label="sick"))
        with pytest.raises(SpecError, match=r"^people\.parquet: `label` names 'sick', which is"):
            im.explain(JOB, party)


class TestCheck:
    def test_shows_the_plan(self) -> None:
        found = im.check(JOB)
        assert "1. clinic (active) listens, insurer (passive) calls" in str(found)
        assert "<ol><li>clinic (active) listens" in found._repr_html_()

    def test_takes_data_of_one_organisation(self, people: im.api.frames.Frame) -> None:
        assert "239 to train on, 61 to score" in str(im.check(ALONE, people=people))

    def test_says_that_data_of_parties_are_theirs(self, people: im.api.frames.Frame) -> None:
        with pytest.raises(SpecError, match=r"has parties \(clinic, insurer\): give each its data"):
            im.check(JOB, people=people)

    def test_finds_files_of_a_job_in_memory_from_the_current_folder(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = im.Job.load(ROOT / "examples/health/alone.toml")
        monkeypatch.chdir(ROOT / "examples/health")
        found = im.check(
            job.replace(baseline=im.RegressionBaseline(family="binomial", penalty=1.0))
        )
        assert "penalty = 1.0" in found.steps[1]

    def test_takes_no_other_argument(self) -> None:
        with pytest.raises(SpecError, match="`partie` is neither an argument nor a data set"):
            im.check(ALONE, partie="clinic/party.toml")  # type: ignore[arg-type]


class TestSimulate:
    def test_needs_the_parties_of_a_job_in_memory(self) -> None:
        with pytest.raises(SpecError, match="name the parties of the job too"):
            im.simulate(JOB)

    def test_leaves_nothing_of_a_run_that_has_not_begun(self, here: Path) -> None:
        clinic, insurer = parties()
        with pytest.raises(SpecError, match=r"you gave clinic\. Give every party once\.$"):
            im.simulate(JOB, [clinic])
        wrong = JOB.replace(regression=im.Regression(family="binomial", passive_columns=9))
        with pytest.raises(SpecError, match=r"^insurer/party\.toml: "):
            im.simulate(wrong, [clinic, insurer])
        assert not list((here / "runs").iterdir())

    def test_says_what_the_command_says(self) -> None:
        with pytest.raises(SpecError, match=r"^no\.toml: there is no such file\."):
            im.simulate("no.toml")


class TestRun:
    def test_of_parties_needs_files(self) -> None:
        clinic, _ = parties()
        for job, party in ((JOB, "clinic/party.toml"), ("job.toml", clinic), (JOB, None)):
            JOB.save("job.toml")
            with pytest.raises(SpecError, match="save the job and your party"):
                im.run(job, party)  # type: ignore[arg-type]

    def test_of_one_organisation_takes_a_data_frame(
        self, people: im.api.frames.Frame, here: Path
    ) -> None:
        seen: list[tuple[str, Event]] = []
        run = im.run(ALONE, people=people, watch=lambda *event: seen.append(event))
        assert {party for party, _ in seen} == {""}
        assert seen[-1][1].stage == "done"
        assert run.folder == (here / "runs" / "latest").resolve()
        assert run.metrics["auc"].keys() == {"model"}
        assert run.predictions.column_names == ["id", "row", "label", "score"]
        assert run.ledger == {}
        assert run.report == run.folder / "report.html"
        assert re.fullmatch(r"Run\('.*/doctor-visits-alone-[\w-]+'\)", repr(run))
        assert "AUC" in str(run)
        assert "<table>" in run._repr_html_()
        assert im.load("runs").result == run.result

        # The same job once more, from files and in a folder of the caller's choice.
        (here / "again").mkdir()
        files = run.folder / "input_files"
        again = im.run(files / "job.toml", into="again")
        assert again.metrics == run.metrics
        assert again.folder == here / "again"


class TestLoad:
    def test_opens_nothing_that_has_not_finished(self, here: Path) -> None:
        (here / "run").mkdir()
        (here / "run" / "events.jsonl").touch()
        with pytest.raises(SpecError, match="Has this run finished"):
            im.load("run")
