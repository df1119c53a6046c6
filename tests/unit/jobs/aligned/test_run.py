"""Both parties of a job over aligned columns: to the alignment, or to a model."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.data.index import Index
from isthmus.data.scores import StoredScores
from isthmus.evaluation.description import Metrics
from isthmus.jobs import finished
from isthmus.jobs.aligned import confirmed
from isthmus.jobs.aligned import run as aligned_run
from isthmus.jobs.aligned.results import AlignmentResult, SimulatedTraining, TrainedResult
from isthmus.jobs.explain import explain
from isthmus.jobs.messages import Done
from isthmus.jobs.report import write_all
from isthmus.jobs.run import align, run
from isthmus.jobs.simulate import simulate
from isthmus.ledger.verify import verify
from isthmus.store.runs import UNCONFIRMED, UNMEASURED, Run
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import outcome as trees_outcome
from isthmus.vertical.regression import measuring, outcome
from isthmus.vertical.regression.model import Part
from tests.unit.jobs.desk import PARTIES, Desk


class TestAlignOnly:
    def test_ends_with_the_alignment(self, trial: Desk) -> None:
        for party, aligned in trial.both(align).items():
            result = aligned.read_json("result.json", AlignmentResult)
            assert (result.party, result.alignment.size) == (party, 260)
            assert aligned.index.exists()
            assert isinstance(finished.read(aligned), AlignmentResult)
            with pytest.raises(SpecError, match="aligned rows and trained nothing, so there is no"):
                write_all(aligned.folder)

    def test_sends_what_was_forecast_and_no_training(self, trial: Desk) -> None:
        for party, aligned in trial.both(align).items():
            assert_as_forecast(trial, party, aligned)

    def test_is_taken_up_by_a_run_that_tells_nothing_again(self, trial: Desk) -> None:
        aligned = trial.both(align)
        trained = trial.both(run)
        for party in PARTIES:
            assert trained[party].read_json("result.json", TrainedResult).alignment.reused
            assert trained[party].index.read_bytes() == aligned[party].index.read_bytes()
            assert_as_forecast(trial, party, trained[party])

    def test_names_rows_of_the_file_where_repeated_ones_were_left_out(self, trial: Desk) -> None:
        file = trial.folder / "clinic" / "people.csv"
        head, *rows = file.read_text().splitlines()
        file.write_text("\n".join([head, rows[0], *rows]))
        trial.edit_party("clinic", 'label = "ill"', 'label = "ill"\nduplicates = "first"')
        index = Index.load(trial.both(align)["clinic"].index)
        lines = [rows[0], *rows]
        shared = sorted(lines[row].partition(",")[0] for row in index.rows)
        assert shared == sorted(f"p{row}" for row in range(40, 300))
        assert index.rows.min() == 41


class TestPlay:
    def test_names_the_token_of_our_ray_where_it_cannot_be_read(self, trial: Desk) -> None:
        cluster = 'address = "127.0.0.1:9"\ntoken = "ray-token"\nline = "tls"\n'
        trial.edit_party("clinic", "wait = 30.0\n", f"wait = 30.0\n[compute.cluster]\n{cluster}")
        with pytest.raises(SpecError, match=r"clinic/ray-token: the token of the Ray cluster can"):
            trial.both(run)

    def test_has_stored_everything_before_it_measures(
        self, trial: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stopped = stopped_measuring(trial, monkeypatch, "regression")
        result = stopped.read_json(stopped.result.name, TrainedResult)
        assert (result.rounds, result.metrics) == (2, {})
        assert result.missing == UNMEASURED
        assert stopped.read_json(stopped.model.name, Part).columns
        assert len(StoredScores.load(stopped.predictions).predictions) == result.rows["test"]
        assert verify(stopped.ledger).sealed

    @pytest.mark.parametrize("system", ["regression", "trees"])
    def test_measures_again_with_nobody_where_it_was_stopped(
        self, trial: Desk, monkeypatch: pytest.MonkeyPatch, system: str
    ) -> None:
        stopped = stopped_measuring(trial, monkeypatch, system)
        result, before = finished.read(stopped), stopped.ledger.read_bytes()
        assert run(trial.job, trial.party_file("clinic")).folder == stopped.folder
        after = stopped.read_json(stopped.result.name, TrainedResult)
        assert stopped.ledger.read_bytes() == before
        assert not stopped.measuring.exists()
        assert isinstance(result, TrainedResult)
        assert (after.model, after.egress, after.missing) == (result.model, result.egress, {})
        assert after.engine == keys.running("okamoto-uchiyama", "auto")
        assert stopped.report.exists()

        # It finds all that another run finds in which nobody is stopped.
        undisturbed = trial.both(partial(run, again=True))["clinic"]
        assert undisturbed.folder != stopped.folder
        same = undisturbed.read_json(undisturbed.result.name, TrainedResult)
        assert after.metrics["auc"] == pytest.approx(same.metrics["auc"])
        assert after.leakage.keys() == same.leakage.keys()
        assert after.validation is not None
        assert after.stability is not None
        assert after.stability.score is not None
        assert StoredScores.load(stopped.predictions).alone is not None

    def test_names_what_could_not_be_measured(
        self, trial: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        monkeypatch.setattr(measuring, "measure", no_measure)
        ended = trial.both(run)["clinic"]
        result = ended.read_json(ended.result.name, TrainedResult)
        assert result.metrics == {}
        assert result.missing == {
            "metrics": "LookupError: this is a bug in isthmus, please report it"
        }
        assert StoredScores.load(ended.predictions).alone is not None


class TestSimulate:
    def test_keeps_the_joint_model_where_nothing_can_be_compared_with_it(
        self, trial: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        monkeypatch.setattr(outcome, "train_pooled", no_measure)
        ended = simulate(trial.folder / "job.toml", tmp_path)
        result = ended.read_json(ended.result.name, SimulatedTraining)
        assert result.metrics["auc"].keys() == {"joint", "active_only"}
        why = "LookupError: this is a bug in isthmus, please report it"
        assert result.missing == {"pooled": why}
        assert ("no pooled", why) in finished.summary(ended).facts
        assert all(Path(page).exists() for page in result.reports.values())


class TestConfirmation:
    """Who is cut off while all say that they have what they need has all of it."""

    def test_comes_after_the_result_so_that_nobody_needs_who_has_finished(
        self, trial: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(confirmed, "OFFER", 0.2)
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        with monkeypatch.context() as cut:
            cut.setattr(aligned_run, "finish_all", cut_off_after_saying("insurer"))
            with pytest.raises(ConnectionAbortedError):
                trial.both(run)
        ended = {party: newest(trial, party) for party in PARTIES}
        assert ended["clinic"].finished  # it has heard that the insurer has all
        assert ended["insurer"].unconfirmed
        assert not verify(ended["insurer"].ledger).sealed

        # The clinic has gone, so the insurer waits a little, and ends with all that it has: as
        # often as it is started, since it cannot know that nobody needs it any more.
        for _ in range(2):
            assert run(trial.job, trial.party_file("insurer")).folder == ended["insurer"].folder
            result = ended["insurer"].read_json("result.json", TrainedResult)
            assert result.missing == UNCONFIRMED
            assert result.stability is not None
            assert verify(ended["insurer"].ledger).sealed
        assert ended["insurer"].report.exists()

    def test_of_who_was_cut_off_is_made_up_for_when_all_start_again(
        self, trial: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        with monkeypatch.context() as cut:
            cut.setattr(aligned_run, "finish_all", cut_off_after_saying("nobody"))
            with pytest.raises(ConnectionAbortedError):
                trial.both(run)
        before = {party: newest(trial, party) for party in PARTIES}
        assert all(each.unconfirmed for each in before.values())
        for party, after in trial.both(run).items():
            assert after.folder == before[party].folder
            assert after.finished
            assert verify(after.ledger).sealed


def stopped_measuring(desk: Desk, monkeypatch: pytest.MonkeyPatch, system: str) -> Run:
    """The clinic's run, stopped while it was measured."""
    if system == "trees":
        grow_trees(desk)
    else:
        desk.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
    with monkeypatch.context() as broken:
        broken.setattr(OUTCOMES[system], "measure", stop)
        with pytest.raises(KeyboardInterrupt):
            desk.both(run)
    return newest(desk, "clinic")


def newest(desk: Desk, party: str) -> Run:
    (found,) = (desk.folder / party / "runs").glob("trial-*")
    return Run(found)


def cut_off_after_saying(party: str) -> Callable[..., None]:
    """The end of a run in which a party is cut off when it has said that it has everything."""

    def finish(peers: Collection[Channel], *, gathers: bool) -> None:
        (peer,) = peers
        us = "clinic" if gathers else "insurer"
        if party == "nobody":
            raise ConnectionAbortedError
        if us == party:
            peer.send(Done())
            raise ConnectionAbortedError
        peer.receive(Done)

    return finish


def grow_trees(desk: Desk) -> None:
    text = desk.job.read_text()
    regression = text[text.index("[regression]") :]
    told = text[text.index("disclosed") : text.index("[parties.clinic]")]
    names = ", ".join(f'"{name}"' for name in ("ComparedRows", "SharedRows", *TOLD))
    text = text.replace(regression, TREES).replace(told, f"disclosed = [{names}]\n\n")
    desk.job.write_text(text)


TREES = """\
[boosting]
trees = 2
depth = 2

[boosting.encryption]
key_bits = 2048
"""
TOLD = ("ColumnBins", "LevelNodes", "EncryptedSums", "OwnSplits", "WentLeft", "Decisions")
OUTCOMES = {"regression": measuring, "trees": trees_outcome}


def stop(*_: object) -> Metrics:
    raise KeyboardInterrupt


def no_measure(*_: object) -> Metrics:
    raise LookupError("no measure")


def assert_as_forecast(desk: Desk, party: str, finished: Run) -> None:
    for flow in explain(desk.plan(party), finished).flows:
        assert flow.recorded_count == flow.count, flow.message
        assert flow.recorded_bytes == pytest.approx(flow.bytes, rel=0.05, abs=50), flow.message
