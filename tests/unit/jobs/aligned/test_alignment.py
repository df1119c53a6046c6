"""Shared rows are found once: later runs take them up, as long as all parties hold the same."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from isthmus.core.errors import IsthmusError, PeerError, PolicyError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.index import Index
from isthmus.jobs.aligned.alignment import Aligned, align
from isthmus.jobs.aligned.messages import ChosenAlignment, HeldAlignment
from isthmus.store.runs import Run
from isthmus.transport.loopback import LoopbackEnd, loopback
from tests.unit.jobs.desk import Desk

CHOICE_BYTES = 200  # HeldAlignment and ChosenAlignment are shorter, all else is longer


class Pair:
    """What both parties of a desk found, and what they said to each other."""

    def __init__(self, desk: Desk) -> None:
        self.line, other = loopback("clinic", "insurer")
        with ThreadPoolExecutor(1) as thread:
            insurer = thread.submit(_align, desk, "insurer", other)
            self.clinic = _align(desk, "clinic", self.line)
            self.insurer = insurer.result()
        self.sent = self.line.sent + other.sent


def _align(desk: Desk, party: str, line: LoopbackEnd) -> Aligned:
    (peer,) = {"clinic", "insurer"} - {party}
    run = Run.at(desk.folder / party / "run")
    with line:
        return align(desk.plan(party), {peer: line}, run, Telemetry())


def _against(
    desk: Desk, party: str, peer: Callable[[LoopbackEnd], Any], line: LoopbackEnd, end: LoopbackEnd
) -> None:
    """Align with a peer that a test plays."""
    with ThreadPoolExecutor(1) as thread:
        playing = thread.submit(peer, end)
        try:
            _align(desk, party, line)
        finally:
            playing.result()


class TestAlign:
    def test_finds_the_rows_of_the_same_people_in_the_same_order(self, desk: Desk) -> None:
        found = Pair(desk)
        assert found.clinic.size == found.insurer.size == 260
        people = [
            [desk.plan(party).train.identifiers[row] for row in aligned.indices["people"].rows]
            for party, aligned in (("clinic", found.clinic), ("insurer", found.insurer))
        ]
        assert people[0] == people[1]
        assert sorted(people[0]) == sorted(b"p%d" % row for row in range(40, 300))

    def test_finds_those_of_each_data_set(self, desk: Desk) -> None:
        desk.edit_job('train = "people"', 'train = "people"\ntest = "later"')
        for party in ("clinic", "insurer"):
            rows = (desk.folder / party / "people.csv").read_text().splitlines()
            (desk.folder / party / "later.csv").write_text("\n".join([rows[0], *rows[-120:]]))
            file = desk.party_file(party)
            table = file.read_text().split("[datasets.people]")[1].split("[identity]")[0]
            later = table.replace("people.csv", "later.csv")
            desk.edit_party(party, "[identity]", f"[datasets.later]{later}[identity]")
        found = Pair(desk)
        assert {name: len(index) for name, index in found.insurer.indices.items()} == {
            "people": 260,
            "later": 120,
        }
        assert found.insurer.size == 260

    def test_keeps_the_evidence_of_both_enclaves(self, attested: Desk) -> None:
        for party in ("clinic", "insurer"):
            attested.allow_simulated(party)
        assert Pair(attested).insurer.size == 260
        for party in ("clinic", "insurer"):
            kept = (attested.folder / party / "run" / "evidence").iterdir()
            assert {file.name for file in kept} == {"clinic.people.json", "insurer.people.json"}


class TestReuse:
    def test_takes_up_what_both_parties_hold(self, desk: Desk) -> None:
        before = Pair(desk)
        desk.edit_job("passive_columns = 2", "passive_columns = 2\npenalty = 0.01")
        after = Pair(desk)
        assert (before.clinic.new, after.clinic.new, after.insurer.new) == (True, False, False)
        assert after.clinic.id == after.insurer.id == before.clinic.id
        for party in ("clinic", "insurer"):
            was, is_now = getattr(before, party), getattr(after, party)
            assert is_now.size == was.size
            assert is_now.indices["people"].rows.tolist() == was.indices["people"].rows.tolist()
        assert max(map(len, after.sent)) < CHOICE_BYTES

    @pytest.mark.parametrize(
        ("old", "new"),
        [("minimum_size = 100", "minimum_size = 90"), ("rows = 300", "rows = 301")],
        ids=["terms", "limit"],
    )
    def test_aligns_anew_where_the_job_says_otherwise(self, desk: Desk, old: str, new: str) -> None:
        before = Pair(desk)
        desk.edit_job(old, new)
        after = Pair(desk)
        assert after.clinic.new
        assert after.clinic.id != before.clinic.id

    def test_aligns_anew_where_one_party_has_other_rows(self, desk: Desk) -> None:
        Pair(desk)
        file = desk.folder / "insurer" / "people.csv"
        file.write_text("\n".join(file.read_text().splitlines()[:-10]))
        after = Pair(desk)
        assert after.clinic.new
        assert after.clinic.size == 250

    def test_aligns_anew_where_simulated_enclaves_found_it_and_are_no_longer_accepted(
        self, attested: Desk
    ) -> None:
        for party in ("clinic", "insurer"):
            attested.allow_simulated(party)
        held = Pair(attested).insurer.id
        attested.edit_party("clinic", "allow_simulated = true", "allow_simulated = false")
        attested.edit_party("clinic", "[identity]", '[enclave]\nkind = "sgx"\n\n[identity]')
        chosen = list[ChosenAlignment]()

        def insurer(end: LoopbackEnd) -> None:
            with end:
                end.send(HeldAlignment(id=held))
                chosen.append(end.receive(ChosenAlignment))

        with pytest.raises(IsthmusError):
            _against(attested, "clinic", insurer, *loopback("clinic", "insurer"))
        assert chosen[0].new

    def test_stops_where_the_first_party_takes_up_what_we_do_not_hold(self, desk: Desk) -> None:
        def clinic(end: LoopbackEnd) -> None:
            end.receive(HeldAlignment)
            end.send(ChosenAlignment(id="0" * 32, new=False))

        line, end = loopback("insurer", "clinic")
        with pytest.raises(PeerError, match="'clinic' wants to take up an alignment that we do n"):
            _against(desk, "insurer", clinic, line, end)

    def test_stops_where_the_first_party_would_write_over_what_we_hold(self, desk: Desk) -> None:
        held = Pair(desk).insurer.id

        def clinic(end: LoopbackEnd) -> None:
            end.receive(HeldAlignment)
            end.send(ChosenAlignment(id=held, new=True))

        line, end = loopback("insurer", "clinic")
        with pytest.raises(PeerError, match="'clinic' gives a new alignment the name of one that"):
            _against(desk, "insurer", clinic, line, end)

    @pytest.mark.parametrize("row", [300, -1])
    def test_stops_where_the_kept_index_is_not_of_these_rows(self, desk: Desk, row: int) -> None:
        found = Pair(desk)
        folder = desk.folder / "insurer" / "runs" / "alignments" / found.insurer.id
        Index(np.array([0, row])).save(folder / "people.parquet")
        with pytest.raises(SpecError, match=r"people\.parquet: names rows that data set 'people' "):
            Pair(desk)

    def test_stops_where_the_kept_index_is_gone(self, desk: Desk) -> None:
        found = Pair(desk)
        folder = desk.folder / "insurer" / "runs" / "alignments" / found.insurer.id
        (folder / "people.parquet").unlink()
        with pytest.raises(
            SpecError, match=r"people\.parquet: .* Remove its folder; the next run "
        ):
            Pair(desk)


class TestBudget:
    def test_counts_alignments_and_not_what_is_taken_up(self, desk: Desk) -> None:
        desk.edit_party("insurer", "[identity]", "[policy]\nalignments = 1\n\n[identity]")
        Pair(desk)
        Pair(desk)
        desk.edit_job("minimum_size = 100", "minimum_size = 90")
        assert_refuses_to_begin(desk)

    def test_is_of_the_file_whatever_a_job_calls_it(self, desk: Desk) -> None:
        Pair(desk)
        for party in ("clinic", "insurer"):
            desk.edit_party(party, "[datasets.people]", "[datasets.patients]")
        desk.edit_party("insurer", "[identity]", "[policy]\nalignments = 1\n\n[identity]")
        desk.edit_job('train = "people"', 'train = "patients"')
        assert_refuses_to_begin(desk)


def assert_refuses_to_begin(desk: Desk) -> None:
    """The insurer lets nothing leave when the clinic wants to align anew."""

    def clinic(end: LoopbackEnd) -> None:
        end.receive(HeldAlignment)
        end.send(ChosenAlignment(id="0" * 32, new=True))

    line, end = loopback("insurer", "clinic")
    with pytest.raises(PolicyError, match=r"with 'clinic' so far: 1, and"):
        _against(desk, "insurer", clinic, line, end)
    assert len(line.sent) == 1  # HeldAlignment
