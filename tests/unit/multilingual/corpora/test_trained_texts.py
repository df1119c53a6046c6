"""A run knows which texts it was trained on, and keeps none of them for that."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.hashes import hashes_of
from isthmus.multilingual.corpora.trained_texts import TRAINED_HASHES, TrainedTexts
from tests.unit.multilingual.corpora.prepared import job, pairs, prepared, tsv

NAMES = ("en", "de", "chapter")


@pytest.fixture
def known(tmp_path: Path) -> TrainedTexts:
    """Of 100 rows, 20 of which are in a corpus to test on."""
    tsv(tmp_path / "a.tsv", NAMES, pairs(100))
    tsv(tmp_path / "t.tsv", NAMES, [*pairs(20), *pairs(5, "new")])
    corpus = {"path": "a.tsv", "languages": ["en", "de"]}
    tests = {"t": {"path": "t.tsv", "languages": ["en", "de"]}}
    prepared(tmp_path, job(corpora={"a": corpus}, tests=tests, held_out=0.0))
    return TrainedTexts(tmp_path / "run" / "corpora")


class TestTrainedTexts:
    def test_are_those_that_are_left_after_texts_to_test_on(self, known: TrainedTexts) -> None:
        rows = list(range(100))
        found = known.in_rows(hashes_of([f"Text {row}" for row in rows]).reshape(-1, 1))
        assert np.flatnonzero(found).tolist() == rows[20:]

    def test_are_found_in_any_column_of_a_row(self, known: TrainedTexts) -> None:
        rows: list[list[str | None]] = [
            ["new 1", None],
            [None, "deutscher text 30"],
            ["text 31", "neu"],
            [None, None],
        ]
        found = known.in_rows(np.stack([hashes_of(row) for row in rows]))
        assert found.tolist() == [False, True, True, False]

    @pytest.mark.usefixtures("known")
    def test_take_eight_bytes_each(self, tmp_path: Path) -> None:
        assert (tmp_path / "run/corpora" / TRAINED_HASHES).stat().st_size == 8 * 2 * 80

    def test_of_a_run_that_lacks_them_are_asked_for(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="nobody can tell which texts this run was trained on"):
            TrainedTexts(tmp_path)
