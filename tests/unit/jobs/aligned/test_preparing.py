"""A job that prepares columns: both parties, before and after, and what is refused."""

import shutil
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import csv, parquet

import isthmus
from isthmus.core.errors import SpecError
from isthmus.jobs import finished
from isthmus.jobs.aligned import run as aligned_run
from isthmus.jobs.aligned import stored
from isthmus.jobs.aligned.job import every_most, training_spec
from isthmus.jobs.aligned.results import SimulatedTraining, TrainedResult
from isthmus.jobs.check import check
from isthmus.jobs.explain import explain
from isthmus.jobs.load import load_job
from isthmus.jobs.run import run
from isthmus.jobs.simulate import simulate
from isthmus.jobs.trained import write_scoring_job
from isthmus.ledger.record import records
from isthmus.vertical.preparation.columns import Evidence
from isthmus.vertical.regression.model import Part
from tests.unit.jobs.aligned.scored import by_person, trained
from tests.unit.jobs.desk import PARTIES, Desk

WOE = """\
[preparation.woe]
bins = 4
least_rows = 20

[preparation.scorecard]
reasons = 2

[preparation.encryption]
key_bits = 2048

[regression]
label_exposure = 0.5
passive_columns = 3
"""

PLANS = ("basic", "family", "full", "")


def with_a_plan(desk: Desk) -> None:
    """Give the insurer a column of categories, some of them empty, and empty cells in another."""
    file = desk.folder / "insurer" / "people.csv"
    head, *rows = file.read_text().splitlines()
    for at, row in enumerate(rows):
        *others, last = row.split(",")
        cells = [*others, "" if at % 9 == 0 else last, PLANS[at % 4]]
        rows[at] = ",".join(cells)
    file.write_text("\n".join([f"{head},plan", *rows]) + "\n")
    desk.edit_party("insurer", 'path = "people.csv"', 'path = "people.csv"\ncategorical = ["plan"]')


def prepare_with(desk: Desk, steps: str, told: str = "") -> None:
    text = desk.job.read_text().replace('"SharedRows"', f'"SharedRows"{told}')
    desk.job.write_text(text.replace("[regression]\npassive_columns = 2\n", steps))


@pytest.fixture(scope="module")
def ended(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Parties that have trained on weights of evidence, and do not change it any more."""
    desk = Desk(Path(shutil.copytree(template, tmp_path_factory.mktemp("prepared") / "desk")))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    for party in PARTIES:
        desk.edit_party(party, "127.0.0.1:7401", address)
    with_a_plan(desk)
    prepare_with(desk, WOE, ', "OpenedLabelSums"')
    desk.both(run)
    return desk


@pytest.fixture
def desk(ended: Desk, tmp_path: Path) -> Desk:
    """The same, to be changed."""
    return Desk(Path(shutil.copytree(ended.folder, tmp_path / "desk", symlinks=True)))


@pytest.fixture
def new(desk: Desk) -> Desk:
    """The same before the run."""
    for party in PARTIES:
        shutil.rmtree(desk.folder / party / "runs")
    return desk


class TestRun:
    def test_trains_the_prepared_columns(self, ended: Desk) -> None:
        for party, names in (
            ("clinic", ["age", "weight"]),
            ("insurer", ["visits", "costs", "plan"]),
        ):
            found = trained(ended, party)
            result = found.read_json("result.json", TrainedResult)
            assert [each.name for each in found.read_json("model.json", Part).columns] == names
            assert (result.columns, result.prepared) == (len(names), {"insurer": 3})

    def test_fits_the_steps_on_training_rows_alone(self, ended: Desk) -> None:
        for party in PARTIES:
            found = trained(ended, party)
            prepared = stored.prepared(found)
            assert prepared is not None
            rows = found.read_json("result.json", TrainedResult).rows["train"]
            for column in prepared.columns:
                assert isinstance(column, Evidence)
                assert sum(column.rows) == rows < 260

    def test_sends_what_was_forecast_to_the_byte(self, ended: Desk) -> None:
        for party in PARTIES:
            flows = explain(ended.plan(party), trained(ended, party)).flows
            ours = {"Prepares", "PreparesAnew", "EncryptedLabels", "MaskedLabelSums"}
            for flow in flows:
                if flow.message in {*ours, "OpenedLabelSums", "PreparedColumns"}:
                    assert (flow.bytes, flow.count) == (flow.recorded_bytes, flow.recorded_count)

    def test_counts_sums_of_labels_as_equations(self, ended: Desk) -> None:
        (told,) = trained(ended, "clinic").read_json("result.json", TrainedResult).exposure
        labels = csv.read_csv(ended.folder / "clinic" / "people.csv")["ill"].to_pylist()
        assert told.run > 3 * 5 / min(sum(labels), len(labels) - sum(labels))

    def test_shows_bins_and_points_to_their_owner_only(self, ended: Desk) -> None:
        page = (trained(ended, "insurer").folder / "report.html").read_text()
        assert "Scorecard of insurer" in page
        assert "basic" in page
        assert "basic" not in (trained(ended, "clinic").folder / "report.html").read_text()


class TestAStoppedRun:
    def test_asks_for_no_label_sum_again_and_gives_the_same_model(
        self, new: Desk, ended: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(*_: object) -> None:
            raise SpecError("stopped before training")

        with monkeypatch.context() as patch:
            patch.setattr(aligned_run, "_train", stop)
            with pytest.raises(SpecError, match="stopped before training"):
                new.both(run)
        again = new.both(run)
        kinds = Counter(record.message for record in records(again["clinic"].ledger))
        assert kinds["Prepares"] == 0
        assert (kinds["PreparesAnew"], kinds["EncryptedLabels"]) == (2, 1)
        for party in PARTIES:
            before = trained(ended, party).read_json("model.json", Part)
            after = again[party].read_json("model.json", Part)
            assert (after.columns, after.intercept) == (before.columns, before.intercept)


class TestScoring:
    def test_repeats_the_steps_to_the_last_digit(self, desk: Desk) -> None:
        desk.job = desk.folder / "score.toml"
        write_scoring_job(desk.folder / "clinic" / "runs", desk.job)
        before = by_person(trained(desk, "clinic"))
        scored = desk.both(run)
        after = by_person(scored["clinic"])
        assert len(before) < len(after) == 260
        for person, row in before.items():
            assert after[person]["score"] == row["score"]
        reasons = {party: parquet.read_table(scored[party].reasons) for party in PARTIES}
        assert "points" in reasons["clinic"].column_names
        assert "points" not in reasons["insurer"].column_names
        assert {*reasons["insurer"]["reason_1"].to_pylist()} <= {"visits", "costs", "plan", ""}

    def test_of_single_rows_repeats_them_too(self, desk: Desk) -> None:
        desk.job = desk.folder / "online.toml"
        write_scoring_job(desk.folder / "clinic" / "runs", desk.job, online=True)
        before = by_person(trained(desk, "clinic"))
        people = csv.read_csv(desk.folder / "clinic" / "people.csv")
        with ThreadPoolExecutor(1) as threads:
            answering = threads.submit(run, desk.job, desk.party_file("insurer"))
            model = isthmus.load(trained(desk, "clinic").folder)
            with model.online(desk.job, desk.party_file("clinic")) as scorer:
                rows = people.filter([each in before for each in people["person_id"].to_pylist()])
                scored = scorer.predict(rows.slice(0, 3)).to_pylist()
            answering.result()
        assert scored
        for row in scored:
            assert row["score"] == before[row["person_id"]]["score"]


class TestRefuses:
    @pytest.mark.parametrize(
        ("steps", "sentence"),
        [
            ("[preparation.missing]", r"column 'plan' is `categorical`, and the job has no step"),
            ("[preparation.encode]", r"column 'costs': 34 of 300 cells are empty"),
            (
                "[preparation.missing]\n\n[preparation.encode]",
                "has 5 columns once they are prepared, and the job says",
            ),
            ("[preparation.woe]\nleast_rows = 200", "column 'visits' has no two bins of 200"),
        ],
    )
    def test_columns_that_do_not_fit_the_steps(self, desk: Desk, steps: str, sentence: str) -> None:
        before, _, rest = desk.job.read_text().partition("[preparation.woe]")
        if "woe" not in steps:
            before = before.replace(', "OpenedLabelSums"', "")
        desk.job.write_text(f"{before}{steps}\n\n[regression]{rest.partition('[regression]')[2]}")
        with pytest.raises(SpecError, match=sentence):
            desk.plan("insurer")

    @pytest.mark.parametrize(
        ("key", "sentence"),
        [
            ("edges = { plan = [1.0] }", "`edges` names 'plan', which is not one of the chosen"),
            ("edges = { visits = [1.0, 0.0] }", "`edges` of column 'visits' do not ascend"),
            ("edges = { visits = [-1, 0, 1, 2] }", "4 `edges` in your party file, which make 5"),
            ('order = { plan = ["basic", "full"] }', r"`datasets\.people\.order` is for jobs with"),
        ],
    )
    def test_what_a_party_file_says_of_columns_in_vain(
        self, desk: Desk, key: str, sentence: str
    ) -> None:
        desk.edit_party("insurer", 'categorical = ["plan"]', f'categorical = ["plan"]\n{key}')
        with pytest.raises(SpecError, match=sentence):
            desk.plan("insurer")

    def test_more_sums_of_labels_than_the_exposure_allows(self, new: Desk) -> None:
        new.edit_job("label_exposure = 0.5", "label_exposure = 0.1")
        with pytest.raises(SpecError, match=r"`regression\.label_exposure` of the job allows 0\.1"):
            check(new.job, new.party_file("clinic"))

    def test_a_job_that_does_not_say_that_label_sums_are_told(self, desk: Desk) -> None:
        desk.edit_job(', "OpenedLabelSums"', "")
        with pytest.raises(
            SpecError, match="OpenedLabelSums, which tells its reader how many rows"
        ):
            desk.plan("insurer")


def test_check_says_what_will_happen_between_alignment_and_training(new: Desk) -> None:
    found = check(new.job, new.party_file("insurer"))
    assert found.ready is not None
    assert found.ready.estimate is not None
    assert found.ready.estimate.preparation > 0
    steps = found.steps
    (told,) = [step for step in steps if "weigh the evidence" in step]
    assert "labels cross encrypted (okamoto-uchiyama, 2,048 bits)" in told


def test_at_the_level_of_shares_the_job_says_the_most_of_every_party(ended: Desk) -> None:
    loaded = load_job(ended.job)
    table = {"level": "shared", "passive_columns": 3, "shared": {"active_columns": 4}}
    shared = replace(loaded, job=loaded.job.replace(regression=table))
    assert every_most(loaded) is None
    assert every_most(shared) == {"clinic": 4, "insurer": 3}
    trains = training_spec(shared, {"clinic": 2, "insurer": 1})
    assert (trains.shared.active_columns, trains.columns_of("insurer")) == (2, 1)


@pytest.mark.slow
def test_simulated_beside_the_same_model_of_columns_prepared_in_one_place(
    new: Desk, tmp_path: Path
) -> None:
    result = finished.read(simulate(new.job, tmp_path / "runs"))
    assert isinstance(result, SimulatedTraining)
    auc = result.metrics["auc"]
    assert auc["joint"] == pytest.approx(auc["pooled"], abs=0.01)
    assert auc["joint"] != auc["active_only"]
    assert result.missing == {}
