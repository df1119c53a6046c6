"""What a job tells must stand in its file, no more and no less."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isthmus.alignment.cryptographic.messages import SharedCount
from isthmus.core.errors import SpecError
from isthmus.jobs import consent
from isthmus.jobs.load import load_job
from isthmus.jobs.plan import Loaded
from isthmus.ledger.forecast import Sizes

SIZES = Sizes(
    rows={"clinic": 300, "insurer": 250}, shared=200, train=160, test=40, test_rows={}, rounds=3
)


def saying(loaded: Loaded, **keys: Any) -> Loaded:
    """The same with other keys in the job file."""
    return replace(loaded, job=msgspec.structs.replace(loaded.job, **keys))


@pytest.fixture
def loaded(template: Path) -> Loaded:
    return load_job(template / "job.toml")


@pytest.fixture
def in_batches(loaded: Loaded) -> Loaded:
    return saying(loaded, regression=msgspec.structs.replace(loaded.spec, batches=2))


class TestNeeded:
    def test_is_every_message_that_tells_its_reader_something(self, loaded: Loaded) -> None:
        assert [kind.__name__ for kind in consent.needed(loaded)] == loaded.job.disclosed
        assert all(kind.discloses and kind.reveals for kind in consent.needed(loaded))

    def test_depends_on_how_the_job_trains(self, in_batches: Loaded) -> None:
        names = [kind.__name__ for kind in consent.needed(in_batches)]
        assert names == [
            "ComparedRows",
            "SharedRows",
            "LossScale",
            "PartialPredictor",
            "OpenedSums",
        ]


class TestCrossings:
    def test_begin_with_the_alignment_and_end_with_the_scores(self, loaded: Loaded) -> None:
        names = [type(each.flow.sample).__name__ for each in consent.crossings(loaded, SIZES)]
        assert (names[0], names[-1]) == ("HeldAlignment", "PartialPredictor")

    def test_align_a_second_time_where_the_test_rows_are_a_set_of_their_own(
        self, loaded: Loaded
    ) -> None:
        test_rows = {"clinic": 40, "insurer": 40}
        sizes = [SIZES, replace(SIZES, test_rows=test_rows)]
        once, twice = (
            sum(isinstance(each.flow.sample, SharedCount) for each in consent.crossings(loaded, at))
            for at in sizes
        )
        assert (once, twice) == (1, 2)


class TestSentBy:
    def test_parts_the_messages_of_a_job_between_its_parties(self, loaded: Loaded) -> None:
        clinic, insurer = consent.sent_by(loaded, "clinic"), consent.sent_by(loaded, "insurer")
        assert "OpenedSums" in clinic - insurer
        assert "PartialPredictor" in insurer - clinic
        assert clinic & insurer == {"RowCount", "BlindedRows"}


class TestCheck:
    def test_accepts_the_exact_list(self, loaded: Loaded) -> None:
        consent.check(loaded)

    def test_names_all_that_the_list_lacks_and_what_each_tells(self, loaded: Loaded) -> None:
        first, *others, last = consent.needed(loaded)
        names = [kind.__name__ for kind in others]
        with pytest.raises(SpecError) as caught:
            consent.check(saying(loaded, disclosed=names))
        for kind in (first, last):
            assert f"{kind.__name__}, which tells its reader {kind.reveals}" in str(caught.value)
        assert not any(f"{name}, which tells" in str(caught.value) for name in names)

    def test_refuses_to_agree_to_what_is_not_told(self, loaded: Loaded) -> None:
        with pytest.raises(SpecError, match="this job does not send: Gossip, RowCount"):
            consent.check(saying(loaded, disclosed=[*loaded.job.disclosed, "Gossip", "RowCount"]))

    def test_gives_the_line_that_says_it_all(self, loaded: Loaded) -> None:
        with pytest.raises(SpecError) as caught:
            consent.check(saying(loaded, disclosed=["SharedRows", "Gossip"]))
        _, _, line = str(caught.value).partition("the line is: ")
        consent.check(saying(loaded, **tomllib.loads(line)))
