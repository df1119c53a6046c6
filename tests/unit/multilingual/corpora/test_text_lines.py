"""Lines of text are rows; of several files, line n of each is one row."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from tests.unit.multilingual.corpora.prepared import read, write


class TestText:
    def test_of_one_language_is_a_row_a_line(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt.gz", "one\ntwo\n")
        assert [row.texts for row in read(tmp_path, path="a.txt.gz", languages=["en"])] == [
            ("one",),
            ("two",),
        ]

    def test_of_several_languages_is_read_line_by_line(self, tmp_path: Path) -> None:
        write(tmp_path / "a.en", "one\n\nthree\n")
        write(tmp_path / "a.de.gz", "eins\nzwei\ndrei")
        rows = read(tmp_path, path={"en": "a.en", "de": "a.de.gz"})
        assert [row.texts for row in rows] == [("one", "eins"), ("", "zwei"), ("three", "drei")]

    @pytest.mark.parametrize("longer", ["en", "de"])
    def test_with_unequal_numbers_of_lines_is_refused_with_the_first_that_differs(
        self, tmp_path: Path, longer: str
    ) -> None:
        shorter = {"en": "de", "de": "en"}[longer]
        write(tmp_path / f"a.{longer}", "line\n" * 7)
        write(tmp_path / f"a.{shorter}", "line\n" * 5)
        says = (
            rf"a\.{shorter} has 5 lines and .*a\.{longer} has 7: line 6 of the second has nothing"
        )
        with pytest.raises(SpecError, match=says):
            read(tmp_path, path={"en": "a.en", "de": "a.de"})

    def test_is_in_blocks_of_rows_where_nothing_names_documents(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "line\n" * 5)
        rows = read(tmp_path, path="a.txt", languages=["en"], document_rows=2)
        assert [row.document for row in rows] == ["#0", "#0", "#1", "#1", "#2"]

    def test_is_in_the_documents_that_a_file_names_line_by_line(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "one\ntwo\n")
        write(tmp_path / "names", "first\nsecond\n")
        rows = read(tmp_path, path="a.txt", languages=["en"], documents="names")
        assert [row.document for row in rows] == ["first", "second"]

    def test_with_fewer_names_of_documents_than_lines_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "one\ntwo\n")
        write(tmp_path / "names", "first\n")
        with pytest.raises(SpecError, match=r"names has 1 lines and .*a\.txt has 2: line 2"):
            read(tmp_path, path="a.txt", languages=["en"], documents="names")
