"""What the files of one party rule out is refused before anybody is contacted."""

from pathlib import Path

import pytest

from isthmus.core.errors import PolicyError, SpecError
from isthmus.jobs import limits
from isthmus.jobs.check import check
from isthmus.jobs.consent import Crossing
from isthmus.jobs.plan import Ready
from isthmus.ledger.forecast import Flow
from isthmus.store.alignments import Alignments
from isthmus.store.runs import Run
from isthmus.transport.message import Message
from tests.unit.jobs.desk import PARTIES, Desk


def allow(desk: Desk, party: str, **policy: int) -> None:
    lines = "".join(f"{key} = {value}\n" for key, value in policy.items())
    desk.edit_party(party, "[identity]", f"[policy]\n{lines}\n[identity]")


def ready(desk: Desk, party: str = "clinic") -> Ready:
    found = check(desk.job, desk.party_file(party)).ready
    assert found is not None
    return found


class Small(Message, frozen=True):
    max_bytes = 100
    rows: bytes


class TestSharedRows:
    def test_are_never_more_than_this_party_brings(self, desk: Desk) -> None:
        allow(desk, "insurer", minimum_shared=301)
        with pytest.raises(
            PolicyError, match=r"300 rows are the most .*bring 300, the job lets 'clinic' bring 300"
        ):
            desk.plan("insurer")

    def test_are_never_more_than_the_job_lets_another_bring(self, desk: Desk) -> None:
        desk.edit_job('role = "passive"', 'role = "passive"\nrows = 120')
        allow(desk, "clinic", minimum_shared=121)
        with pytest.raises(PolicyError, match="120 rows are the most that can be shared"):
            desk.plan("clinic")

    def test_may_be_as_many_as_the_policy_asks_for(self, desk: Desk) -> None:
        allow(desk, "clinic", minimum_shared=300)
        assert desk.plan("clinic").party.policy.minimum_shared == 300


@pytest.mark.parametrize("party", PARTIES)
class TestTrainingRows:
    def test_are_too_few_for_the_label_exposure_in_the_best_case(
        self, desk: Desk, party: str
    ) -> None:
        desk.edit_job("passive_columns = 2", "passive_columns = 2\nlabel_exposure = 0.006")
        with pytest.raises(SpecError, match=r"would tell it 0\.01\d+ equations .*takes 334\."):
            desk.plan(party)

    def test_are_too_few_where_a_fold_is_left_out(self, desk: Desk, party: str) -> None:
        desk.edit_job("passive_columns = 2", "passive_columns = 2\nlabel_exposure = 0.024")
        desk.plan(party)
        desk.edit_job('train = "people"', 'train = "people"\nfold = { part = 1, of = 2 }')
        with pytest.raises(SpecError, match=r"takes 84\."):
            desk.plan(party)

    def test_are_too_few_for_a_single_split(self, desk: Desk, party: str) -> None:
        text = desk.job.read_text()
        told = text[text.index("disclosed") : text.index("[parties.clinic]")]
        trees = """disclosed = [
  "ComparedRows", "SharedRows", "ColumnBins", "LevelNodes", "EncryptedSums",
  "OwnSplits", "WentLeft", "Decisions",
]

"""
        text = text.replace(told, trees).replace("passive_columns = 2", "minimum_node_rows = 500")
        desk.job.write_text(text.replace("[regression", "[boosting"))
        with pytest.raises(SpecError, match=r"no node of fewer than 500 is split"):
            desk.plan(party)


class TestColumns:
    def test_of_rare_values_are_refused_with_the_file_of_their_party(self, desk: Desk) -> None:
        file = desk.folder / "insurer" / "people.csv"
        head, *rows = file.read_text().splitlines()
        flags = [f"{row.rpartition(',')[0]},{int(number < 3)}" for number, row in enumerate(rows)]
        file.write_text("\n".join([head, *flags]))
        with pytest.raises(PolicyError) as error:
            desk.plan("insurer")
        told = f"{desk.party_file('insurer')}: of column 'costs' (3), so few of 300 rows have"
        assert str(error.value).startswith(told)


class TestBytes:
    def test_that_every_run_sends_are_refused_where_they_are_too_many(self, desk: Desk) -> None:
        allow(desk, "insurer", maximum_bytes=10_000)
        with pytest.raises(
            PolicyError, match=r"has 'insurer' send 1\d,\d{3} bytes at the least, .* is 10,000\."
        ):
            desk.plan("insurer")

    def test_that_a_run_may_send_are_told(self, desk: Desk) -> None:
        assert ready(desk, "insurer").warnings == []
        allow(desk, "insurer", maximum_bytes=40_000)
        (found,) = ready(desk, "insurer").warnings
        assert "and `policy.maximum_bytes` of your party file is 40.0 kB" in found

    def test_that_a_finished_run_sent_are_no_fewer_than_those_foreseen(
        self, desk: Desk, simulated: Run
    ) -> None:
        sent = Run(simulated.folder / "insurer").read_json("result.json", dict)["egress"]["bytes"]
        allow(desk, "insurer", maximum_bytes=sent)
        assert desk.plan("insurer").party.policy.maximum_bytes == sent


class TestMessages:
    def test_that_are_larger_than_their_type_allows_are_refused(self, desk: Desk) -> None:
        large = Crossing("insurer", "clinic", Flow("passive", Small(rows=bytes(200)), 1))
        with pytest.raises(
            SpecError, match="The message Small from 'insurer' to 'clinic' would have 2"
        ):
            limits.check(desk.plan("clinic"), [large])

    def test_that_nobody_sends_may_be_as_large_as_they_like(self, desk: Desk) -> None:
        never = Crossing("insurer", "clinic", Flow("passive", Small(rows=bytes(200)), 0))
        limits.check(desk.plan("clinic"), [never])
        assert limits.warnings(desk.plan("clinic"), [never]) == []


class TestAlignments:
    def begin(self, desk: Desk, times: int) -> Alignments:
        store = Alignments(desk.folder / "clinic" / "runs" / "alignments")
        for _ in range(times):
            store.begin("insurer", str(desk.folder / "clinic" / "people.csv"), 20)
        return store

    def test_so_far_are_told(self, desk: Desk) -> None:
        self.begin(desk, 3)
        assert ready(desk).facts["alignments so far"] == "3 of 20 with insurer"

    def test_one_too_many_is_refused_before_it_is_begun(self, desk: Desk) -> None:
        store = self.begin(desk, 2)
        allow(desk, "clinic", alignments=2)
        with pytest.raises(PolicyError, match="2 alignments of this data with 'insurer' were sta"):
            check(desk.job, desk.party_file("clinic"))
        assert store.count("insurer", str(desk.folder / "clinic" / "people.csv")) == 2

    def test_leave_no_trace_where_they_are_only_counted(self, desk: Desk) -> None:
        ready(desk)
        assert not Path(desk.folder / "clinic" / "runs").exists()


class TestEstimate:
    def test_is_of_the_rounds_that_the_job_expects(self, desk: Desk) -> None:
        found = ready(desk).estimate
        assert found is not None
        assert (found.rounds, found.at_most) == (50, True)
        assert found.per_round > 0
        desk.edit_job("[alignment]", "[expected]\nshared_rows = 260\nrounds = 5\n\n[alignment]")
        expected = ready(desk).estimate
        assert expected is not None
        assert (expected.rounds, expected.at_most) == (5, False)

    def test_has_no_rounds_where_nothing_is_trained(self, desk: Desk) -> None:
        desk.drop_training()
        found = ready(desk).estimate
        assert found is not None
        assert found.alignment > 0
        assert (found.per_round, found.rounds) == (0.0, 0)
