"""Shared rows, kept on disk; and which of them train."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import DiskError, SpecError
from isthmus.data.index import Index, split
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from tests.disk import full_disk

PEOPLE = [f"person-{number}".encode() for number in range(4_000)]


class TestIndex:
    def test_comes_back_as_it_was_saved(self, tmp_path: Path) -> None:
        Index(np.array([4, 0, 2])).save(tmp_path / "index.parquet")
        loaded = Index.load(tmp_path / "index.parquet")
        assert loaded.rows.tolist() == [4, 0, 2]
        assert len(loaded) == 3

    def test_is_readable_by_its_owner_only(self, tmp_path: Path) -> None:
        Index(np.array([0])).save(tmp_path / "index.parquet")
        assert (tmp_path / "index.parquet").stat().st_mode & 0o777 == 0o600

    def test_says_that_the_disk_is_full(self, tmp_path: Path) -> None:
        index = Index(np.arange(10_000))
        rows = Table(PEOPLE, np.zeros((len(PEOPLE), 0)), ())
        scores = Scores(rows, np.zeros(len(PEOPLE)))
        for each in (index, scores):
            with full_disk(), pytest.raises(DiskError, match="rows: no space left to write it"):
                each.save(tmp_path / "rows")

    def test_refuses_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(
            SpecError, match=r"not an index of aligned rows\. Remove its folder; the next run"
        ):
            Index.load(tmp_path / "index.parquet")

    def test_refuses_another_file(self, tmp_path: Path) -> None:
        (tmp_path / "index.parquet").write_text("row\n1\n")
        with pytest.raises(SpecError, match=r"not an index of aligned rows"):
            Index.load(tmp_path / "index.parquet")


class TestSplit:
    def test_covers_every_row_once(self) -> None:
        train, test = split(PEOPLE, 0.2, seed=7)
        assert sorted([*train, *test]) == list(range(len(PEOPLE)))

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_tests_on_about_the_share_it_is_told(self, share: float) -> None:
        _, test = split(PEOPLE, share, seed=7)
        assert len(test) / len(PEOPLE) == pytest.approx(share, abs=0.03)

    @pytest.mark.parametrize(("share", "tested"), [(0.0, 0), (1.0, len(PEOPLE))])
    def test_can_test_on_nothing_and_on_everything(self, share: float, tested: int) -> None:
        assert len(split(PEOPLE, share, seed=7)[1]) == tested

    def test_another_seed_tests_on_other_rows(self) -> None:
        assert split(PEOPLE, 0.2, seed=7)[1].tolist() != split(PEOPLE, 0.2, seed=8)[1].tolist()

    @given(st.sets(st.binary(max_size=4), min_size=1), st.integers(0))
    def test_a_row_stays_on_its_side_whoever_else_is_shared(
        self, everyone: set[bytes], seed: int
    ) -> None:
        people = sorted(everyone)
        _, test = split(people, 0.5, seed)
        fewer = people[::2]
        _, test_of_fewer = split(fewer, 0.5, seed)
        tested = {people[row] for row in test}
        assert {fewer[row] for row in test_of_fewer} == tested & set(fewer)
