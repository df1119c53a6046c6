"""What a job tells must stand in its file, no more and no less."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from isthmus.jobs.spec import Job

from isthmus.alignment.cryptographic.messages import SharedCount
from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.jobs import consent
from isthmus.ledger.forecast import Sizes

SIZES = Sizes(
    rows={"clinic": 300, "insurer": 250}, shared=200, train=160, test=40, test_rows={}, rounds=3
)


@pytest.fixture
def job(template: Path) -> Job:
    return spec.load(template / "job.toml", Job)


@pytest.fixture
def in_batches(job: Job) -> Job:
    assert job.regression is not None
    regression = msgspec.structs.replace(job.regression, batches=2)
    return msgspec.structs.replace(job, regression=regression)


class TestNeeded:
    def test_is_every_message_that_tells_its_reader_something(self, job: Job) -> None:
        assert [kind.__name__ for kind in consent.needed(job)] == job.disclosed
        assert all(kind.discloses and kind.reveals for kind in consent.needed(job))

    def test_depends_on_how_the_job_trains(self, in_batches: Job) -> None:
        names = [kind.__name__ for kind in consent.needed(in_batches)]
        assert names == ["DoublyBlindedRows", "SharedRows", "OpenedGradient", "PartialPredictor"]


class TestCrossings:
    def test_begin_with_the_alignment_and_end_with_the_scores(self, job: Job) -> None:
        names = [type(each.flow.sample).__name__ for each in consent.crossings(job, SIZES)]
        assert (names[0], names[-1]) == ("HeldAlignment", "PartialPredictor")

    def test_align_a_second_time_where_the_test_rows_are_a_set_of_their_own(self, job: Job) -> None:
        test_rows = {"clinic": 40, "insurer": 40}
        sizes = [SIZES, replace(SIZES, test_rows=test_rows)]
        once, twice = (
            sum(isinstance(each.flow.sample, SharedCount) for each in consent.crossings(job, at))
            for at in sizes
        )
        assert (once, twice) == (1, 2)


class TestSentBy:
    def test_parts_the_messages_of_a_job_between_its_parties(self, job: Job) -> None:
        clinic, insurer = consent.sent_by(job, "clinic"), consent.sent_by(job, "insurer")
        assert "OpenedGradient" in clinic - insurer
        assert "PartialPredictor" in insurer - clinic
        assert clinic & insurer == {"RowCount", "BlindedRows"}


class TestCheck:
    def test_accepts_the_exact_list(self, job: Job) -> None:
        consent.check(job)

    def test_names_what_the_list_lacks_and_what_it_tells(self, job: Job) -> None:
        for kind in consent.needed(job):
            others = [name for name in job.disclosed if name != kind.__name__]
            with pytest.raises(SpecError, match=rf"sends {kind.__name__}, which tells its reader "):
                consent.check(msgspec.structs.replace(job, disclosed=others))

    @pytest.mark.parametrize("name", ["Gossip", "RowCount"])
    def test_refuses_to_agree_to_what_is_not_told(self, job: Job, name: str) -> None:
        with pytest.raises(SpecError, match=f"`disclosed` names '{name}', which this job does not"):
            consent.check(msgspec.structs.replace(job, disclosed=[*job.disclosed, name]))
