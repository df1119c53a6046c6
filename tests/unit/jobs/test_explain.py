"""What would leave a party, and beside it what its ledger says did."""

import shutil
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.jobs.explain import explain
from isthmus.store.runs import Run
from tests.unit.jobs.desk import PARTIES, Desk


@pytest.fixture
def template_desk(template: Path) -> Desk:
    return Desk(template)


class TestForecast:
    def test_lists_what_the_party_sends_and_in_which_order(self, desk: Desk) -> None:
        names = [flow.message for flow in explain(desk.plan("insurer")).flows]
        assert names[:3] == ["Hello", "HeldAlignment", "RowCount"]
        assert names[3:5] == ["BlindedRows", "ComparedRows"]
        assert names[-1] == "Done"
        assert "OpenedSums" not in names  # the clinic sends it

    def test_adds_up(self, desk: Desk) -> None:
        found = explain(desk.plan("clinic"))
        assert (found.party, found.role) == ("clinic", "active")
        assert found.bytes == sum(flow.bytes for flow in found.flows)
        assert {flow.to for flow in found.flows} == {"insurer"}

    def test_marks_what_the_job_agrees_to(self, desk: Desk) -> None:
        plans = [desk.plan(party) for party in ("clinic", "insurer")]
        marked = {flow.message for plan in plans for flow in explain(plan).flows if flow.disclosed}
        assert marked == set(plans[0].job.disclosed)

    def test_reckons_with_our_rows_and_the_most_rounds_where_the_job_says_nothing(
        self, desk: Desk
    ) -> None:
        assert explain(desk.plan("clinic")).assumptions == {
            "shared_rows": 300,
            "train_rows": 240,
            "test_rows": 60,
            "rounds": 50,
            "clinic_rows": 300,
            "insurer_rows": 300,
        }

    def test_reckons_with_the_same_alignment_where_a_fold_is_scored(self, desk: Desk) -> None:
        desk.edit_job('train = "people"', 'train = "people"\ntest = "later"')
        for party in PARTIES:
            _, _, rest = desk.party_file(party).read_text().partition("[datasets.people]")
            dataset = rest[: rest.index("[identity]")]
            desk.edit_party(party, "[identity]", f"[datasets.later]{dataset}[identity]")
        before = self._aligning(desk)
        desk.edit_job('train = "people"', 'train = "people"\nfold = { part = 1, of = 2 }')
        assert self._aligning(desk) == before

    def _aligning(self, desk: Desk) -> list[tuple[str, int, int]]:
        flows = [flow for party in PARTIES for flow in explain(desk.plan(party)).flows]
        told = [(flow.message, flow.count, flow.bytes) for flow in flows]
        return [each for each in told if each[0].endswith(("Rows", "RowCount"))]

    def test_reckons_with_no_training_where_there_is_none(self, desk: Desk) -> None:
        desk.drop_training()
        found = explain(desk.plan("insurer"))
        assert found.assumptions == {"shared_rows": 300, "clinic_rows": 300, "insurer_rows": 300}
        assert [flow.message for flow in found.flows][-2:] == ["ComparedRows", "Done"]

    def test_reckons_with_what_the_job_expects(self, desk: Desk) -> None:
        desk.edit_job(
            "[regression]\n", "[expected]\nshared_rows = 250\nrounds = 6\n\n[regression]\n"
        )
        assumptions = explain(desk.plan("insurer")).assumptions
        assert (assumptions["shared_rows"], assumptions["rounds"]) == (250, 6)
        assert assumptions["clinic_rows"] == 300


class TestBesideLedger:
    @pytest.mark.parametrize("party", ["clinic", "insurer"])
    def test_agrees_with_what_left(self, template_desk: Desk, simulated: Run, party: str) -> None:
        run = Run(simulated.folder / party)
        for flow in explain(template_desk.plan(party), run).flows:
            assert flow.recorded_count == flow.count, flow.message
            assert flow.recorded_bytes == pytest.approx(flow.bytes, rel=0.05, abs=50), flow.message

    def test_finds_the_partys_run_in_a_simulated_one(
        self, template_desk: Desk, simulated: Run
    ) -> None:
        plan = template_desk.plan("clinic")
        assert explain(plan, simulated) == explain(plan, Run(simulated.folder / "clinic"))

    def test_refuses_the_run_of_another_job(self, desk: Desk, simulated: Run) -> None:
        desk.edit_job("seed = 7", "seed = 8")
        with pytest.raises(SpecError, match=r"clinic: this run is of another job"):
            explain(desk.plan("clinic"), Run(simulated.folder / "clinic"))

    def test_refuses_the_run_of_another_party(self, template_desk: Desk, simulated: Run) -> None:
        with pytest.raises(SpecError, match=r"insurer: this run is .* of another party"):
            explain(template_desk.plan("clinic"), Run(simulated.folder / "insurer"))

    def test_refuses_a_run_that_has_not_finished(
        self, desk: Desk, simulated: Run, tmp_path: Path
    ) -> None:
        run = Run(Path(shutil.copytree(simulated.folder / "clinic", tmp_path / "run")))
        run.result.unlink()
        with pytest.raises(SpecError, match=r"result\.json: cannot be read.*Has this run finished"):
            explain(desk.plan("clinic"), run)
