"""Both parties of a job that decides which rows score above a cut, with a model of theirs."""

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from isthmus.cli.main import execute
from isthmus.core.errors import SpecError
from isthmus.jobs.aligned.results import ScoredResult
from isthmus.jobs.explain import explain
from isthmus.jobs.job import Job
from isthmus.jobs.run import run
from isthmus.jobs.trained import write_scoring_job
from isthmus.vertical.prediction.decision import STEP
from tests.unit.jobs.aligned.scored import by_person
from tests.unit.jobs.desk import Desk

CUT = 0.5

one_kind = pytest.mark.parametrize("desks", ["regression"], indirect=True)


@pytest.fixture
def desk(desks: Path, tmp_path: Path) -> Desk:
    """Parties that have trained, and a job that decides with their model."""
    found = Desk(Path(shutil.copytree(desks, tmp_path / "desk", symlinks=True)))
    found.job = found.folder / "decide.toml"
    return found


def written(desk: Desk) -> Desk:
    write_scoring_job(desk.folder / "clinic" / "runs", desk.job, cut=CUT)
    return desk


@one_kind
class TestDecisions:
    def test_are_those_of_the_scores_and_nothing_else_is_left(self, desk: Desk) -> None:
        decided = written(desk).both(run)["clinic"]
        scoring = Desk(desk.folder)
        scoring.job = desk.folder / "score.toml"
        write_scoring_job(desk.folder / "clinic" / "runs", scoring.job)
        scores = by_person(scoring.both(run)["clinic"])
        found = by_person(decided)
        assert found.keys() == scores.keys()
        for person, row in found.items():
            assert "score" not in row
            if abs(scores[person]["score"] - CUT) > STEP:
                assert row["decision"] == (scores[person]["score"] > CUT)

    def test_are_measured_by_precision_and_recall(self, desk: Desk) -> None:
        ended = written(desk).both(run)
        result = ended["clinic"].read_json("result.json", ScoredResult)
        rows = by_person(ended["clinic"]).values()
        hits = sum(row["decision"] and row["label"] == 1 for row in rows)
        assert result.metrics == {
            "precision": {"joint": hits / sum(row["decision"] for row in rows)},
            "recall": {"joint": hits / sum(row["label"] == 1 for row in rows)},
        }
        assert result.validation is None
        assert result.stability is not None
        assert result.stability.score is None
        assert "260 rows" in ended["clinic"].report.read_text("utf-8")
        assert f"score is above {CUT}, no more" in ended["insurer"].report.read_text("utf-8")
        assert not ended["insurer"].predictions.exists()

    def test_cross_as_the_forecast_says(self, desk: Desk) -> None:
        ended = written(desk).both(run)
        told = {party: explain(desk.plan(party), each) for party, each in ended.items()}
        sent = {party: {flow.message: flow for flow in each.flows} for party, each in told.items()}
        names = {
            "clinic": {"ComparisonSeed", "ComparisonProducts"},
            "insurer": {"ComparedNumbers", "ZeroRows"},
        }
        for party, messages in names.items():
            for flow in map(sent[party].__getitem__, messages):
                assert (flow.recorded_count, flow.recorded_bytes) == (flow.count, flow.bytes)
        assert "PartialPredictor" not in sent["insurer"]
        assert Job.load(desk.job).disclosed == ["ComparedRows", "SharedRows", "ZeroRows"]

    def test_are_asked_for_on_the_command_line(
        self, desk: Desk, capsys: pytest.CaptureFixture[str]
    ) -> None:
        runs = str(desk.folder / "clinic" / "runs")
        assert execute(["init", "--from", runs, str(desk.job), "--decide", "0.5"]) == 0
        assert "[prediction.decision]\ncut = 0.5" in desk.job.read_text()
        other = str(desk.folder / "other.toml")
        assert execute(["init", "--from", runs, other, "--decide", "0.5", "--online"]) == 2
        assert "Leave out `--decide`, or else `--online`" in capsys.readouterr().err

    def test_need_a_cut_between_scores_before_any_contact(self, desk: Desk) -> None:
        with pytest.raises(SpecError, match=r"`prediction\.decision\.cut` is 2, and no score"):
            write_scoring_job(desk.folder / "clinic" / "runs", desk.job, cut=2.0)
        assert not desk.job.exists()
        text = written(desk).job.read_text()
        desk.job.write_text(text.replace("cut = 0.5", "cut = 1.5"))
        with pytest.raises(SpecError, match=r"`prediction\.decision\.cut` is 1\.5, and no score"):
            desk.plan("clinic")

    def test_are_for_two_parties(self, desk: Desk) -> None:
        with written(desk).job.open("a") as job:
            job.write('\n[parties.pharmacy]\nrole = "passive"\nrows = 500\n')
        with pytest.raises(SpecError, match=r"`prediction\.decision` is for two parties"):
            desk.plan("clinic")

    def test_are_of_one_score_per_row(self, desk: Desk) -> None:
        table = Job.load(written(desk).job).tables["prediction"]
        with pytest.raises(ValueError, match="one score per row"):
            replace(table, classes=3)


@pytest.mark.parametrize("desks", ["trees"], indirect=True)
def test_decisions_of_trees_are_refused(desk: Desk) -> None:
    with pytest.raises(SpecError, match="decisions above a cut are for the model of a regression"):
        written(desk)
