"""Both parties of a job that scores single rows, as the active party asks for them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from pyarrow import compute, csv

import isthmus
from isthmus.api.online import OnlineScorer
from isthmus.cli.main import execute
from isthmus.core import spec
from isthmus.core.errors import ChannelError, PeerError, PolicyError, SpecError
from isthmus.jobs import finished
from isthmus.jobs.aligned.results import ScoredResult
from isthmus.jobs.check import check
from isthmus.jobs.explain import Explanation, explain
from isthmus.jobs.job import Job
from isthmus.jobs.run import run
from isthmus.jobs.simulate import simulate
from isthmus.jobs.trained import write_scoring_job
from isthmus.ledger.verify import verify
from isthmus.store.runs import Run
from tests import commands
from tests.unit.jobs.aligned.scored import by_person, trained
from tests.unit.jobs.desk import PARTIES, Desk

SCORES = ("score", "score_0", "score_1")
ASKING = {"RequestedRows", "PartialPredictor", "Decisions"}

one_kind = pytest.mark.parametrize("desks", ["regression"], indirect=True)


@pytest.fixture
def desk(desks: Path, tmp_path: Path) -> Desk:
    """Parties that have trained, and a job that scores single rows with their model."""
    found = Desk(Path(shutil.copytree(desks, tmp_path / "desk", symlinks=True)))
    found.job = found.folder / "online.toml"
    write_scoring_job(found.folder / "clinic" / "runs", found.job, online=True)
    return found


@contextmanager
def asked(desk: Desk) -> Iterator[tuple[OnlineScorer, Future[Run]]]:
    """The clinic's open line, and the run that the insurer has at its end."""
    with ThreadPoolExecutor(1) as threads:
        answering = threads.submit(run, desk.job, desk.party_file("insurer"))
        model = isthmus.load(trained(desk, "clinic").folder)
        with model.online(desk.job, desk.party_file("clinic")) as scorer:
            yield scorer, answering


def people(desk: Desk) -> Any:
    """The clinic's rows, of which the last 260 are shared."""
    return csv.read_csv(desk.folder / "clinic" / "people.csv")


def only_scores(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name in SCORES}


def beside_ledger(told: Explanation) -> dict[str, tuple[Any, ...]]:
    return {
        each.message: (each.count, each.bytes, each.recorded_count, each.recorded_bytes)
        for each in told.flows
        if each.message in ASKING
    }


class TestScores:
    def test_are_those_of_training_to_the_last_digit(self, desk: Desk) -> None:
        before = by_person(trained(desk, "clinic"))
        every = people(desk)
        rows = every.filter(compute.is_in(every["person_id"], pa.array(before)))
        with asked(desk) as (scorer, answering):
            at_once = scorer.predict(rows.slice(0, 20)).to_pylist()
            one_by_one = [scorer.predict(rows.slice(at, 1)).to_pylist()[0] for at in range(20)]
            by_name = scorer.predict(rows.select(["person_id"]).slice(0, 20)).to_pylist()
        for found in (at_once, one_by_one, by_name):
            assert [row["person_id"] for row in found] == rows["person_id"].to_pylist()[:20]
            assert all(only_scores(row) == only_scores(before[row["person_id"]]) for row in found)

        for party, ended in (("clinic", Run(scorer.folder)), ("insurer", answering.result())):
            result = ended.read_json("result.json", ScoredResult)
            assert result.rows == {"own": 300, "scored": 60, "labelled": 0}
            assert result.requests == {20: 2, 1: 20, 0: 1}
            assert verify(ended.ledger).sealed
            assert not ended.predictions.exists()
            with pytest.raises(SpecError, match=r"scoring online leave none\."):
                _ = isthmus.load(ended.folder).predictions
            told = explain(desk.plan(party), ended)
            assert told.assumptions["requests"] == 22
            for count, size, recorded_count, recorded_size in beside_ledger(told).values():
                assert (count, size) == (recorded_count, recorded_size)
            assert dict(finished.summary(ended).facts)["rows scored"] == "60, in 22 requests"
            assert "60 rows in 22 requests" in ended.report.read_text("utf-8")


@one_kind
class TestPredict:
    def test_takes_a_run_as_well_while_its_lines_are_open(self, desk: Desk) -> None:
        model = isthmus.load(trained(desk, "clinic").folder)
        with ThreadPoolExecutor(1) as threads:
            answering = threads.submit(run, desk.job, desk.party_file("insurer"))
            with model.online(desk.job, desk.party_file("clinic")) as scorer:
                row = people(desk).slice(100, 1)
                assert model.predict(row) == scorer.predict(row)
            answering.result()
        with pytest.raises(SpecError, match="the lines are closed: open them again"):
            scorer.predict(row)
        with pytest.raises(SpecError, match=r"this one was of several parties.*`Run.online`"):
            model.predict(row)

    def test_takes_the_columns_that_it_is_given(self, desk: Desk) -> None:
        row = people(desk).slice(100, 1)
        older = row.set_column(row.column_names.index("age"), "age", pa.array([3.5]))
        with asked(desk) as (scorer, _):
            known, new = (scorer.predict(each).to_pylist()[0] for each in (row, older))
        assert known["score"] != new["score"]
        assert {**known, "score": 0} == {**new, "score": 0}

    def test_refuses_in_a_sentence_and_goes_on(self, desk: Desk) -> None:
        rows = people(desk)
        refused = {
            "2 of the 4 rows to score are not among the 260 that .*, the first is row 0": (
                rows.slice(38, 4)
            ),
            "101 rows are too many at a time": rows.slice(100, 101),
            "the data frame has no rows": rows.slice(0, 0),
            "'weight', which is not a column": rows.slice(100, 1).drop_columns(["weight"]),
            "column 'age' holds text": rows.slice(100, 1).set_column(2, "age", pa.array(["x"])),
        }
        with asked(desk) as (scorer, answering):
            for said, wrong in refused.items():
                with pytest.raises(SpecError, match=said):
                    scorer.predict(wrong)
            scorer.predict(rows.slice(100, 1))
        result = answering.result().read_json("result.json", ScoredResult)
        assert result.requests == {1: 1, 0: 1}

    def test_waits_for_as_long_as_nobody_asks(self, desk: Desk) -> None:
        for party in PARTIES:
            desk.edit_party(party, "wait = 30.0", "wait = 30.0\npatience = 0.7")
        with asked(desk) as (scorer, _):
            time.sleep(1.2)  # longer than a party waits for a message that is due
            assert len(scorer.predict(people(desk).slice(100, 2))) == 2

    def test_is_another_run_each_time(self, desk: Desk) -> None:
        for _ in range(2):
            with asked(desk) as (scorer, answering):
                scorer.predict(people(desk).slice(100, 1))
            answering.result()
        for party in PARTIES:
            found = (desk.folder / party / "runs").glob("trial-online-*/result.json")
            requests = [Run(file.parent).read_json(file.name, ScoredResult) for file in found]
            assert [each.requests for each in requests] == [{1: 1, 0: 1}] * 2
            assert requests[0].alignment.reused


@one_kind
class TestEnd:
    def test_comes_with_a_sentence_where_a_policy_forbids_more(self, desk: Desk) -> None:
        limit = "[policy]\nmaximum_bytes = 2000\n\n[identity]"
        desk.edit_party("insurer", "[identity]", limit)
        with asked(desk) as (scorer, answering):
            scorer.predict(people(desk).slice(100, 1))
            with pytest.raises(PeerError, match="'insurer' stopped: its own policy forbids"):
                scorer.predict(people(desk).slice(100, 100))
        with pytest.raises(PolicyError, match=r"PartialPredictor was not sent: .* have left in"):
            answering.result()
        for party in PARTIES:
            (ledger,) = (desk.folder / party / "runs").glob("trial-online-*/ledger.jsonl")
            assert verify(ledger).sealed
            assert Run(ledger.parent).result.exists()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_is_a_good_one_where_a_signal_stops_the_party_that_answers(
        self, desk: Desk, number: signal.Signals
    ) -> None:
        before = signal.getsignal(number)

        def ask() -> Run:
            model = isthmus.load(trained(desk, "clinic").folder)
            with model.online(desk.job, desk.party_file("clinic")) as scorer:
                scorer.predict(people(desk).slice(100, 1))
                os.kill(os.getpid(), number)  # the main thread answers
                time.sleep(1)
                with pytest.raises(ChannelError, match="'insurer' answers no more: it was stopped"):
                    scorer.predict(people(desk).slice(100, 1))
            return Run(scorer.folder)

        with ThreadPoolExecutor(1) as threads:
            asking = threads.submit(ask)
            answered = run(desk.job, desk.party_file("insurer"))
        for ended in (answered, asking.result()):
            assert verify(ended.ledger).sealed
            result = ended.read_json("result.json", ScoredResult)
            assert result.requests is not None
            assert result.requests[1] in {1, 2}  # the clinic had asked again
        assert signal.getsignal(number) is before


ASKING_PROCESS = """\
import sys, time
import isthmus

model, job, party = sys.argv[1:]
scorer = isthmus.load(model).online(job, party)
print(scorer.folder, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@one_kind
class TestProcesses:
    def test_that_are_stopped_or_killed_leave_sealed_ledgers(self, desk: Desk) -> None:
        model = trained(desk, "clinic").folder

        answering = commands.start("run", desk.job, "--party", desk.party_file("insurer"))
        with isthmus.load(model).online(desk.job, desk.party_file("clinic")) as scorer:
            row = people(desk).slice(100, 1)
            assert scorer.predict(row)["person_id"].to_pylist() == ["p100"]
            answering.terminate()
            told = commands.ended(answering, code=0)
        assert told["requests"] == {"1": 1}
        assert verify(Run(Path(told["run"])).ledger).sealed

        answering = commands.start("run", desk.job, "--party", desk.party_file("insurer"))
        files = (model, desk.job, desk.party_file("clinic"))
        words = [sys.executable, "-c", ASKING_PROCESS, *map(str, files)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as asking:  # noqa: S603 - our own program
            assert asking.stdout is not None
            assert asking.stdout.readline()
            asking.kill()
        told = commands.ended(answering, code=4)
        assert "the line to 'clinic' is gone" in told["error"]["message"]
        newest = sorted((desk.folder / "insurer" / "runs").glob("trial-online-*"))[-1]
        assert verify(Run(newest).ledger).sealed


@one_kind
class TestPlan:
    def test_says_what_will_happen_and_what_it_tells(self, desk: Desk) -> None:
        found = check(desk.job, desk.party_file("insurer"))
        assert "at most 100 rows at a time and 10,000 in all, until" in found.steps[-1]
        told = [each.message for each in found.disclosed]
        assert told == ["ComparedRows", "SharedRows", "RequestedRows", "PartialPredictor"]

    def test_foretells_the_most_that_can_leave(self, desk: Desk) -> None:
        asking, answering = (explain(desk.plan(party)) for party in PARTIES)
        assert asking.assumptions["requested_rows"] == answering.assumptions["requests"] == 10_000
        (requests,) = (each for each in asking.flows if each.message == "RequestedRows")
        (shares,) = (each for each in answering.flows if each.message == "PartialPredictor")
        assert (requests.count, shares.count) == (10_001, 10_000)

    @pytest.mark.parametrize(
        ("party", "kind"), [("clinic", "RequestedRows"), ("insurer", "PartialPredictor")]
    )
    def test_lets_a_policy_refuse(self, desk: Desk, party: str, kind: str) -> None:
        desk.edit_party(party, "[identity]", f'[policy]\nrefuse = ["{kind}"]\n\n[identity]')
        with pytest.raises(PolicyError, match=f"forbids {kind}"):
            desk.plan(party)

    def test_tells_who_asks_and_who_answers(self, desk: Desk) -> None:
        with pytest.raises(SpecError, match=r"'clinic' asks for scores .*isthmus.load\(RUN\)"):
            run(desk.job, desk.party_file("clinic"))
        model = isthmus.load(trained(desk, "insurer").folder)
        with pytest.raises(SpecError, match="'insurer' answers and 'clinic' asks: start it with"):
            model.online(desk.job, desk.party_file("insurer"))
        with pytest.raises(SpecError, match="in a simulation nobody does"):
            simulate(desk.job, desk.folder / "runs")

    def test_refuses_a_job_that_scores_all_rows_or_with_another_model(self, desk: Desk) -> None:
        model = isthmus.load(trained(desk, "clinic").folder)
        job = spec.load(desk.job, Job)
        table = job.tables["prediction"]
        whole, other = desk.folder / "whole.toml", desk.folder / "other.toml"
        write_scoring_job(desk.folder / "clinic" / "runs", whole)
        job.replace(prediction=msgspec.structs.replace(table, model="0" * 64)).save(other)
        for file, said in ((whole, "has no table"), (other, "is 000000000000..., and this run")):
            with pytest.raises(SpecError, match=said):
                model.online(file, desk.party_file("clinic"))


class TestInit:
    def test_writes_a_job_that_scores_single_rows(
        self, simulated: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "online.toml"
        words = ["init", "--from", str(simulated.folder), str(file), "--online"]
        assert execute([*words, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)["disclosed"]
        assert told == ["ComparedRows", "SharedRows", "RequestedRows", "PartialPredictor"]
        file.unlink()
        assert execute(words) == 0
        printed = capsys.readouterr().out
        assert "Then each that is asked" in printed
        assert ".online(" in printed
        assert execute(["init", "health", str(tmp_path / "trial"), "--online"]) == 2
        assert "goes with `--from`" in capsys.readouterr().err
