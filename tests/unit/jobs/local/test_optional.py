"""Functions that a system of one organisation may have or not: what the family does with them."""

import json
import shutil
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

import isthmus as im
from isthmus.cli.main import execute
from isthmus.core.errors import SpecError
from isthmus.data.spec import Dataset
from isthmus.jobs import trained
from isthmus.jobs.check import check
from isthmus.jobs.load import load_job
from isthmus.jobs.local.family import LocalPlan
from isthmus.jobs.run import run
from isthmus.outcomes import Exported, Predicted
from isthmus.store.runs import Run
from isthmus.system import LocalInputs
from isthmus.vertical.baseline import system
from tests.unit.jobs.local.test_family import JOB, edit

OTHER = """
[datasets.later]
path = "later.parquet"

"""


@pytest.fixture(scope="module")
def finished(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a job and a finished run of it; tests only read it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "clinic").mkdir()
    shutil.copy(template / "clinic" / "people.csv", folder / "clinic" / "people.csv")
    (folder / "job.toml").write_text(JOB)
    run(folder / "job.toml")
    return folder


@pytest.fixture
def job(finished: Path, tmp_path: Path) -> Path:
    """A job to change."""
    shutil.copytree(finished / "clinic", tmp_path / "clinic")
    return Path(shutil.copy(finished / "job.toml", tmp_path / "job.toml"))


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let baselines score rows by their age; returns what they were asked."""
    asked = list[Any]()

    def predict(spec: Any, rows: Dataset, found: Run, out: IO[bytes]) -> Predicted:
        asked.append((spec, rows, found))
        path = rows.resolve(Path())
        table = parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)
        parquet.write_table(pa.table({"ill": table["age"]}), out)
        return Predicted(rows=table.num_rows, columns=["ill"])

    monkeypatch.setattr(system, "predict", predict, raising=False)
    return asked


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let baselines export; a snapshot that is not there fails half-way."""

    def export(_spec: Any, found: Run, into: Path, since: int | None) -> Exported:
        shutil.copy(found.model, into / "model.json")
        if since == 99:
            raise SpecError("there is no snapshot 99.")
        changed = {"since": since, "evicted": 2} if since is not None else {}
        return Exported(files=["model.json"], rows=5, snapshot=12, **changed)

    monkeypatch.setattr(system, "export", export, raising=False)


class TestDatasets:
    def test_that_a_system_names_belong_to_the_job(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = list[LocalInputs]()
        monkeypatch.setattr(system, "load", lambda _, inputs: seen.append(inputs))
        monkeypatch.setattr(system, "datasets", lambda _: ["later", "later"], raising=False)
        edit(job, "[baseline]", f"{OTHER}[baseline]")
        loaded = load_job(job)
        assert isinstance(loaded.family.plan(loaded, None), LocalPlan)
        assert {name: data.path for name, data in seen[0].others.items()} == {
            "later": "later.parquet"
        }
        assert loaded.family.steps(loaded)[0].startswith("Read 'people' and 'later' on this mach")

    def test_that_a_system_names_must_be_there(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(system, "datasets", lambda _: ["later"], raising=False)
        with pytest.raises(SpecError, match=r"uses data set 'later': add a table \[datasets\.late"):
            load_job(job)

    def test_that_nobody_names_are_refused_with_all_places_to_name_them(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        edit(job, "[baseline]", f"{OTHER}[baseline]")
        monkeypatch.setattr(system, "datasets", lambda _: [], raising=False)
        with pytest.raises(SpecError, match=r"or name it in .*`data\.test` or in \[baseline\]\."):
            load_job(job)


class TestSteps:
    def test_are_those_that_the_system_tells(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(system, "steps", lambda _: ["Fit once.", "Rest."], raising=False)
        assert check(job).steps[1:3] == ["Fit once.", "Rest."]


class TestPredict:
    def test_hands_the_system_what_the_job_said_of_the_rows(
        self, finished: Path, scores: list[Any], tmp_path: Path
    ) -> None:
        file = finished / "clinic/people.csv"
        found = trained.predict(finished / "runs", file, tmp_path / "scores.parquet")
        assert found.rows == parquet.read_metadata(tmp_path / "scores.parquet").num_rows == 300
        ((spec, rows, of),) = scores
        assert spec == im.RegressionBaseline()
        assert (rows.path, rows.label) == (str(file), "ill")
        assert of.result.exists()

    def test_is_a_command(
        self,
        finished: Path,
        scores: list[Any],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        out = tmp_path / "scores.parquet"
        names = [str(each) for each in (finished / "runs", finished / "clinic/people.csv", out)]
        assert execute(["predict", *names[:2], "--out", names[2], "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {"scores": str(out), "rows": 300, "columns": ["ill"]}
        assert len(scores) == 1

    def test_takes_rows_in_memory(self, finished: Path, scores: list[Any]) -> None:
        found = im.load(finished / "runs").predict(pa.table({"age": [4.0, 2.0]}))
        assert found["ill"].to_pylist() == [4.0, 2.0]
        assert len(scores) == 1

    @pytest.mark.usefixtures("scores")
    def test_writes_over_no_row_to_score_and_nothing_but_parquet(
        self, finished: Path, tmp_path: Path
    ) -> None:
        rows = tmp_path / "rows.parquet"
        parquet.write_table(pa.table({"age": [1.0]}), rows)
        with pytest.raises(SpecError, match="holds the rows to score"):
            trained.predict(finished / "runs", rows, rows)
        with pytest.raises(SpecError, match=r"scores\.txt: scores are a Parquet or CSV file"):
            trained.predict(finished / "runs", rows, tmp_path / "scores.txt")
        with pytest.raises(SpecError, match=r"scores\.parquet: cannot be written: No such file"):
            trained.predict(finished / "runs", rows, tmp_path / "no" / "scores.parquet")

    def test_is_refused_where_the_system_does_not_do_it(
        self, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(system, "predict")
        with pytest.raises(SpecError, match=r"a run of \[baseline\] does not keep what it takes"):
            trained.predict(finished / "runs", tmp_path / "x.csv", tmp_path / "scores.parquet")
        assert not list(tmp_path.iterdir())

    def test_is_refused_for_runs_of_parties(self, simulated: Run, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="takes a run of one organisation, and this one was of"):
            trained.predict(simulated.folder, tmp_path / "x.csv", tmp_path / "scores.parquet")

    @pytest.mark.usefixtures("scores")
    def test_is_refused_for_a_run_that_has_not_finished(
        self, finished: Path, tmp_path: Path
    ) -> None:
        copy = Path(shutil.copytree(finished, tmp_path / "copy"))
        (latest,) = (copy / "runs").glob("alone-*")
        (latest / "result.json").unlink()
        with pytest.raises(SpecError, match="Has this run finished"):
            trained.predict(latest, tmp_path / "x.csv", tmp_path / "scores.parquet")


@pytest.mark.usefixtures("exports")
class TestExport:
    def test_is_a_command(
        self, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert execute(["export", str(finished / "runs"), str(out), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {
            "folder": str(out),
            "files": ["model.json"],
            "rows": 5,
            "snapshot": 12,
        }
        assert (out / "model.json").exists()

    def test_writes_what_changed_since_a_snapshot(
        self, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert execute(["export", str(finished / "runs"), str(out), "--since", "11"]) == 0
        told = " ".join(capsys.readouterr().out.split())
        assert "snapshot 12, 5 rows that changed since snapshot 11, 2 ids evicted." in told

    def test_is_whole_or_not_there(self, finished: Path, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="no snapshot 99"):
            trained.export(finished / "runs", tmp_path / "out", since=99)
        assert not list(tmp_path.iterdir())

    def test_takes_an_empty_folder_and_no_other(self, finished: Path, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        trained.export(finished / "runs", tmp_path / "out")
        with pytest.raises(SpecError, match="out: is not empty"):
            trained.export(finished / "runs", tmp_path / "out")

    def test_needs_a_folder_that_can_be_written(self, finished: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SpecError, match="cannot be written"):
            trained.export(finished / "runs", tmp_path / "file" / "out")

    def test_is_refused_where_the_system_has_no_such_form(
        self, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(system, "export")
        with pytest.raises(SpecError, match=r"a run of \[baseline\] has nothing to export"):
            trained.export(finished / "runs", tmp_path / "out")


class TestJob:
    def test_is_kept_in_the_run_folder(self, finished: Path) -> None:
        (latest,) = (finished / "runs").glob("alone-*")
        kept = msgspec.json.decode(Run(latest).job.read_bytes(), type=im.Job)
        assert kept.digest == load_job(finished / "job.toml").job.digest
