"""Files that are either whole or not there."""

from pathlib import Path

import pytest

from isthmus.store import atomic


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
