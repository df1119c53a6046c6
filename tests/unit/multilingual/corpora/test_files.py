"""Files of corpora are found and read, or refused in a sentence."""

import gzip
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora import files
from isthmus.multilingual.corpora.files import files_of, form_of, lines_of
from tests.unit.multilingual.corpora.prepared import write


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "form"),
        [("a.txt", ".txt"), ("a.tsv.gz", ".tsv"), ("a.b.po", ".po"), ("a.csv", None), ("a", None)],
    )
    def test_have_the_form_that_their_ending_says(self, name: str, form: str | None) -> None:
        assert form_of(Path(name)) == form

    def test_of_a_folder_are_those_of_its_folders_too(self, tmp_path: Path) -> None:
        for name in ["fr/b.po", "fr/a.po", "fr/a.mo", "de/a.po.gz", ".git/x.po", "de/.hidden"]:
            write(tmp_path / name, "")
        found = [str(path.relative_to(tmp_path)) for path in files_of(tmp_path)]
        assert found == ["de/a.po.gz", "fr/a.po", "fr/b.po"]

    def test_of_other_forms_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "many/a.po", "")
        write(tmp_path / "many/b.html", "")
        with pytest.raises(SpecError, match=r"b\.html: 1 of the 2 files in .* are not \.txt"):
            files_of(tmp_path / "many")
        with pytest.raises(SpecError, match=r"b\.html: only \.txt, .*\.po, with or without \.gz"):
            files_of(tmp_path / "many/b.html")

    def test_that_are_not_there_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="there is no such file"):
            files_of(tmp_path / "none.txt")
        with pytest.raises(SpecError, match="there is no such file"):
            list(lines_of(tmp_path / "none.txt"))
        (tmp_path / "empty").mkdir()
        with pytest.raises(SpecError, match="the folder has no file"):
            files_of(tmp_path / "empty")


class TestLines:
    @pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
    def test_are_read_whatever_ends_them(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path / name, b"\xef\xbb\xbfone\r\n\ntwo\xc2\x85\xe2\x80\xa8\nthree")
        assert list(lines_of(path)) == ["one", "", "two\x85\u2028", "three"]

    def test_that_are_not_utf_8_are_refused_with_their_number(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.txt", b"fine\nalso fine\n" + "Stra\xdfe\n".encode("latin1"))
        with pytest.raises(SpecError, match=r"a\.txt: line 3 is not UTF-8: byte 5 of it") as error:
            list(lines_of(path))
        assert "Stra" not in str(error.value)

    def test_in_utf_16_are_refused(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.txt", "text\n".encode("utf-16"))
        with pytest.raises(SpecError, match=r"line 1 is not UTF-8: the file is in UTF-16"):
            list(lines_of(path))

    def test_that_are_too_long_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "LONGEST", 20)
        path = write(tmp_path / "a.txt", "short\n" + "long " * 10)
        with pytest.raises(SpecError, match="line 2 is longer than 20 bytes"):
            list(lines_of(path))

    @pytest.mark.parametrize(
        "content",
        [b"text", gzip.compress(b"text" * 1000, mtime=0)[:-9]],
        ids=["no gzip", "cut short"],
    )
    def test_of_a_damaged_gzip_are_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "a.txt.gz"
        path.write_bytes(content)
        with pytest.raises(SpecError, match="is not gzip, or is cut short or damaged"):
            list(lines_of(path))

    def test_of_a_folder_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="cannot be read: Is a directory"):
            list(lines_of(tmp_path))
