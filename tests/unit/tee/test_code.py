"""The digest of the program: the same wherever it is installed, another for other code."""

from pathlib import Path

import pytest

from isthmus.tee.code import code_digest, digest_of


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Some modules, in a folder of any name."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "__init__.py").write_text("first = 1")
    (tmp_path / "inner" / "second.py").write_text("second = 2")
    return tmp_path


class TestDigest:
    def test_is_taken_once_in_the_life_of_a_process(self) -> None:
        assert code_digest() is code_digest()
        assert len(code_digest()) == 32

    def test_changes_with_the_content_of_a_module(self, package: Path) -> None:
        before = digest_of(package)
        (package / "inner" / "second.py").write_text("second = 3")
        assert digest_of(package) != before

    def test_changes_with_the_name_of_a_module(self, package: Path) -> None:
        before = digest_of(package)
        (package / "inner" / "second.py").rename(package / "inner" / "third.py")
        assert digest_of(package) != before

    def test_changes_where_a_line_moves_to_another_module(self, package: Path) -> None:
        before = digest_of(package)
        (package / "__init__.py").write_text("first = 1second")
        (package / "inner" / "second.py").write_text(" = 2")
        assert digest_of(package) != before

    def test_is_the_same_with_what_python_and_the_wheel_add(self, package: Path) -> None:
        before = digest_of(package)
        for added in ("__pycache__/x.pyc", "py.typed", "examples/health/make_data.py"):
            (package / added).parent.mkdir(parents=True, exist_ok=True)
            (package / added).write_text("added")
        assert digest_of(package) == before
