"""Corpora say which languages they are in, and which files they are."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.sources import sources_of
from tests.unit.multilingual.corpora.prepared import job, read, source, tsv, write


class TestLanguages:
    @pytest.mark.parametrize(
        ("keys", "languages"),
        [
            ({"path": "a.tsv", "languages": ["en", "de"]}, ("en", "de")),
            ({"path": "a.tsv", "columns": {"de": "y", "en": "x"}}, ("de", "en")),
            ({"path": "a.tsv", "languages": ["en", "de"], "columns": {"de": "y"}}, ("en", "de")),
            ({"path": {"en": "a.txt", "de": "b.txt"}}, ("en", "de")),
            ({"path": {"de": "b.txt", "en": "a.txt"}, "languages": ["en", "de"]}, ("en", "de")),
        ],
    )
    def test_come_from_languages_columns_or_paths(
        self, tmp_path: Path, keys: dict[str, Any], languages: tuple[str, ...]
    ) -> None:
        for name in ["a.tsv", "a.txt", "b.txt"]:
            write(tmp_path / name, name)
        assert source(tmp_path, **keys).languages == languages

    def test_of_paths_are_in_the_order_of_languages(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "one\n")
        write(tmp_path / "b.txt", "eins\n")
        path = {"de": "b.txt", "en": "a.txt"}
        assert read(tmp_path, path=path, languages=["en", "de"])[0].texts == ("one", "eins")

    @pytest.mark.parametrize(
        ("keys", "says"),
        [
            ({"path": "a.tsv"}, r"`multilingual\.corpora\.a\.languages`: say which languages"),
            ({"path": "a.tsv", "languages": ["en", "en"]}, "names a language twice"),
            ({"path": "a.tsv", "languages": ["en"], "columns": {"de": "x"}}, "'de' is not in both"),
            ({"path": {"en": "a.txt"}, "languages": ["en", "de"]}, "'de' is not in both"),
            ({"path": "a.txt", "languages": ["en", "de"]}, "a file of text is in one language"),
            ({"path": "a.po", "languages": ["en"]}, "a catalogue has two languages, but .* has 1"),
            ({"path": {"en": "a.tsv", "de": "a.txt"}}, r"a\.tsv: a path per language is for files"),
            ({"path": {"en": "a.txt", "de": "none"}}, "there is no such file"),
            ({"path": "a.txt", "languages": ["en"], "documents": "none"}, "there is no such file"),
            (
                {"path": "folder", "languages": ["en"], "documents": "a.txt"},
                "a file with a name a line is for one file of text, but there are 2",
            ),
        ],
    )
    def test_that_contradict_the_files_are_refused(
        self, tmp_path: Path, keys: dict[str, Any], says: str
    ) -> None:
        for name in ["a.tsv", "a.txt", "a.po", "folder/a.txt", "folder/b.txt"]:
            write(tmp_path / name, name)
        with pytest.raises(SpecError, match=says):
            source(tmp_path, **keys)


class TestPairs:
    def test_are_needed_by_objectives_on_pairs(self, tmp_path: Path) -> None:
        tsv(tmp_path / "a.tsv", ["en", "de"], [["one", "eins"]])
        alone = {"a": {"path": "a.tsv", "languages": ["en"]}}
        with pytest.raises(SpecError, match=r"objectives\.pairs` needs texts with their transl"):
            sources_of(job(corpora=alone), tmp_path)
        with pytest.raises(SpecError, match=r"objectives\.camlm` needs .* each of the 1 corpora"):
            sources_of(job(corpora=alone, objectives={"pairs": 0, "camlm": 1}), tmp_path)
        both = {**alone, "b": {"path": "a.tsv", "languages": ["en", "de"]}}
        assert len(sources_of(job(corpora=both), tmp_path)[0]) == 2


class TestFolders:
    def test_are_read_file_by_file_with_documents_of_their_own(self, tmp_path: Path) -> None:
        tsv(tmp_path / "all/b.tsv", ["en"], [["three"]])
        tsv(tmp_path / "all/a.tsv.gz", ["en"], [["one"], ["two"]])
        rows = read(tmp_path, path="all", languages=["en"], document_rows=1)
        assert [row.texts for row in rows] == [("one",), ("two",), ("three",)]
        assert [row.document for row in rows] == ["a.tsv#0", "a.tsv#1", "b.tsv#0"]
