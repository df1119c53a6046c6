"""Predictions of the test rows, kept on disk."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.scores import Scores

PEOPLE = [b"ada", b"bo"]
LABELS, PREDICTIONS, ALONE = np.array([1.0, 0.0]), np.array([0.9, 0.2]), np.array([0.6, 0.5])


class TestScores:
    @pytest.mark.parametrize("alone", [None, ALONE], ids=["one model", "and one of ours alone"])
    def test_come_back_as_they_were_saved(self, alone: Floats | None, tmp_path: Path) -> None:
        Scores(PEOPLE, LABELS, PREDICTIONS, alone).save(tmp_path / "scores.parquet")
        found = Scores.load(tmp_path / "scores.parquet")
        assert found.identifiers == PEOPLE
        assert found.labels.tolist() == LABELS.tolist()
        assert found.predictions.tolist() == PREDICTIONS.tolist()
        assert (None if found.alone is None else found.alone.tolist()) == (
            None if alone is None else alone.tolist()
        )

    def test_are_readable_by_their_owner_only(self, tmp_path: Path) -> None:
        Scores(PEOPLE, LABELS, PREDICTIONS).save(tmp_path / "scores.parquet")
        assert (tmp_path / "scores.parquet").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("name", ["gone.parquet", "people.csv"])
    def test_refuse_a_file_that_holds_none(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text("person\nada\n")
        with pytest.raises(SpecError, match=r"holds no predictions. The run that wrote it did not"):
            Scores.load(tmp_path / name)
