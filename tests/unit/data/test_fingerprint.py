"""Digests by which a machine knows that it brings the same data again."""

import os
from pathlib import Path

import numpy as np
import pytest

from isthmus.data.fingerprint import of_files, of_values

ALIKE = [
    (["ab", "c"], ["a", "bc"]),
    ([["a"], ["b"]], [["a", "b"], []]),
    ([b"1"], [1]),
    ([None], ["None", ""]),
    ([np.zeros(2)], [np.zeros(2, np.float32)]),
    ([np.zeros((1, 2))], [np.zeros((2, 1))]),
    ([{"a": 1, "b": 2}], [{"a": 2, "b": 1}]),
]
"""What is not the same, though its bytes may be."""


class TestOfValues:
    def test_is_the_same_for_the_same_values_wherever_they_lie(self) -> None:
        columns = np.arange(6.0).reshape(2, 3)
        turned = np.asfortranarray(columns)
        assert of_values("a", [b"b", None], columns) == of_values("a", [b"b", None], turned)
        assert of_values(np.array([np.nan])) == of_values(np.array([np.nan]))

    @pytest.mark.parametrize(("one", "other"), ALIKE)
    def test_tells_what_is_alike_apart(self, one: list[object], other: list[object]) -> None:
        assert of_values(*one) != of_values(*other)  # type: ignore[arg-type]


class TestOfFiles:
    def test_changes_when_one_of_the_files_does(self, tmp_path: Path) -> None:
        (tmp_path / "days").mkdir()
        for name in ("people.csv", "days/1.csv", "days/2.csv", "other.csv"):
            (tmp_path / name).write_text("1")
        said = {"train": {"path": "people.csv"}, "tests": ["days/*.csv"], "columns": ["*"]}
        before = of_files(said, tmp_path)
        (tmp_path / "other.csv").write_text("not of the job")
        assert of_files(said, tmp_path) == before
        for name in ("people.csv", "days/2.csv"):
            (tmp_path / name).write_text("22")
            after = of_files(said, tmp_path)
            assert after != before
            before = after
        os.utime(tmp_path / "people.csv", ns=(1, 1))
        assert of_files(said, tmp_path) != before
        assert of_files({"path": "days"}, tmp_path) != of_files({"path": ""}, tmp_path)

    def test_takes_any_text(self, tmp_path: Path) -> None:
        said = ["a\0b", "x" * 5_000, "[", "", "logit", 7, None]
        assert of_files(said, tmp_path) == of_files([], tmp_path)
