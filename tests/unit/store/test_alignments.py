"""Finished alignments are kept for later runs, and begun ones are counted."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from isthmus.core.errors import DiskError, PolicyError, SpecError
from isthmus.store.alignments import Alignments, StoredAlignment
from tests.disk import full_disk

FIRST = StoredAlignment(id="a" * 32, agreement="terms", rows="people", size=10, protects=True)


@pytest.fixture
def store(tmp_path: Path) -> Alignments:
    return Alignments(tmp_path / "alignments")


def save(folder: Path) -> None:
    (folder / "people.parquet").write_bytes(b"rows")


class TestFind:
    def test_finds_nothing_before_the_first_alignment(self, store: Alignments) -> None:
        assert store.find("terms", "people") is None

    def test_finds_what_was_kept(self, store: Alignments) -> None:
        store.keep(FIRST, save)
        assert store.find("terms", "people") == FIRST
        assert (store.of(FIRST.id) / "people.parquet").read_bytes() == b"rows"

    @pytest.mark.parametrize(("agreement", "rows"), [("others", "people"), ("terms", "others")])
    def test_takes_neither_other_terms_nor_other_rows(
        self, store: Alignments, agreement: str, rows: str
    ) -> None:
        store.keep(FIRST, save)
        assert store.find(agreement, rows) is None

    def test_takes_the_newest(self, store: Alignments) -> None:
        second = StoredAlignment(
            id="0" * 32, agreement="terms", rows="people", size=11, protects=True
        )
        store.keep(FIRST, save)
        os.utime(store.of(FIRST.id) / "record.json", (1, 1))
        store.keep(second, save)
        assert store.find("terms", "people") == second

    def test_passes_over_one_that_was_cut_off(self, store: Alignments) -> None:
        def fail(folder: Path) -> None:
            save(folder)
            raise OSError

        with pytest.raises(OSError, match=r"^$"):
            store.keep(FIRST, fail)
        assert store.find("terms", "people") is None

    def test_refuses_a_broken_record(self, store: Alignments) -> None:
        store.keep(FIRST, save)
        (store.of(FIRST.id) / "record.json").write_bytes(b"\xff")
        with pytest.raises(SpecError, match=r"record\.json: is not the record of an alignment"):
            store.find("terms", "people")

    def test_lets_only_its_owner_read_it(self, store: Alignments) -> None:
        store.keep(FIRST, save)
        store.begin("insurer", "people.csv", 1)
        for path in (store.folder, store.of(FIRST.id), store.folder / "begun.jsonl"):
            assert path.stat().st_mode & 0o077 == 0


class TestBegin:
    def test_refuses_one_more_than_the_policy_allows(self, store: Alignments) -> None:
        for _ in range(3):
            store.begin("insurer", "people.csv", 3)
        with pytest.raises(PolicyError, match=r"with 'insurer' so far: 3, and `policy\.alig"):
            store.begin("insurer", "people.csv", 3)
        store.begin("insurer", "people.csv", 4)  # the way on that the sentence names

    def test_counts_none_that_there_was_no_room_to_write_down(self, store: Alignments) -> None:
        with full_disk(), pytest.raises(DiskError, match="no space left"):
            store.begin("insurer", "people.csv", 1)
        store.begin("insurer", "people.csv", 1)

    def test_counts_every_peer_and_data_set_for_itself(self, store: Alignments) -> None:
        store.begin("insurer", "people.csv", 1)
        store.begin("shop", "people.csv", 1)
        store.begin("insurer", "others.csv", 1)

    def test_counts_runs_that_begin_at_the_same_moment(self, store: Alignments) -> None:
        with ThreadPoolExecutor(8) as threads:
            begun = [threads.submit(store.begin, "insurer", "people.csv", 5) for _ in range(40)]
        refused = [future.exception() for future in begun if future.exception() is not None]
        assert len(refused) == 35

    def test_does_not_count_what_a_crash_cut_short_before_it_began(self, store: Alignments) -> None:
        store.begin("insurer", "people.csv", 2)
        begun = store.folder / "begun.jsonl"
        begun.write_bytes(begun.read_bytes() * 2)
        begun.write_bytes(begun.read_bytes()[:-9])
        store.begin("insurer", "people.csv", 2)
        with pytest.raises(PolicyError, match="so far: 2, and"):
            store.begin("insurer", "people.csv", 2)

    @pytest.mark.parametrize(
        "line", [b"{}", b"\xff", b'{"time": 1.0, "peer": "\xff", "dataset": "people.csv"}']
    )
    def test_refuses_a_list_that_was_changed(self, store: Alignments, line: bytes) -> None:
        store.begin("insurer", "people.csv", 1)
        (store.folder / "begun.jsonl").write_bytes(line + b"\n")
        with pytest.raises(SpecError, match=r"without it `policy\.alignments` cannot be kept"):
            store.begin("insurer", "people.csv", 1)
