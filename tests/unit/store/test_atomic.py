"""Files that are either whole or not there."""

from pathlib import Path

import pytest

from isthmus.core.errors import DiskError
from isthmus.store import atomic
from tests.disk import full_disk


class TestWrite:
    def test_replaces_the_file_that_was_there(self, tmp_path: Path) -> None:
        path = tmp_path / "model.json"
        atomic.write(path, b"old and long")
        atomic.write(path, b"new")
        assert path.read_bytes() == b"new"

    def test_leaves_nothing_behind_when_it_fails(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        with pytest.raises(IsADirectoryError):
            atomic.write(tmp_path / "folder", b"content")
        assert [path.name for path in tmp_path.iterdir()] == ["folder"]

    def test_leaves_the_file_that_was_there_on_a_full_disk(self, tmp_path: Path) -> None:
        path = tmp_path / "model.json"
        atomic.write(path, b"old")
        with full_disk(100), pytest.raises(DiskError, match=r"model\.json: no space left to write"):
            atomic.write(path, b"new" * 100)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


class TestAppend:
    def test_adds_all_of_a_line_or_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "lines.jsonl"
        with path.open("ab", buffering=0) as file:
            atomic.append(file, b"first\n")
            with full_disk(10), pytest.raises(DiskError, match=r"lines\.jsonl: no space left"):
                atomic.append(file, b"second\n")
            assert path.read_bytes() == b"first\n"
            atomic.append(file, b"third\n")
        assert path.read_bytes() == b"first\nthird\n"
