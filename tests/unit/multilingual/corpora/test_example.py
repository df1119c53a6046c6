"""The messages that come with the example, and real corpora of other kinds."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.real_data import BESIDE, needs
from tests.unit.multilingual.corpora.prepared import job, prepared, rows_of

EXAMPLE = Path(__file__).parents[4] / "examples" / "multilingual"
LANGUAGES = ("fr", "zh", "ru", "de", "es")
REAL = BESIDE / "multilingual"


def messages(language: str) -> dict[str, Any]:
    path = str(EXAMPLE / f"en-{language}.tsv.gz")
    return {"path": path, "languages": ["en", language], "documents": "document"}


class TestExample:
    def test_files_are_those_that_its_page_lists(self) -> None:
        page = (EXAMPLE / "DATA.md").read_text()
        files = [*EXAMPLE.glob("*.gz"), EXAMPLE / "left.txt", EXAMPLE / "right.txt"]
        assert len(files) == len(LANGUAGES) + 3
        for path in files:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert f"{digest}  {path.name}\n" in page
        assert sum(path.stat().st_size for path in files) < 500_000

    def test_licences_come_with_it(self) -> None:
        text = (EXAMPLE / "LICENSES.txt").read_text()
        assert "Copyright (c) Django Software Foundation and individual contributors." in text
        assert "Copyright (c) 2023 Project Jupyter Contributors" in text

    def test_has_catalogues_to_test_on_that_nothing_is_trained_on(self, tmp_path: Path) -> None:
        tests = {"path": str(EXAMPLE / "held-out.tsv.gz"), "languages": ["en", *LANGUAGES]}
        corpora = prepared(
            tmp_path,
            job(
                corpora={f"en-{language}": messages(language) for language in LANGUAGES},
                tests={"held-out": {**tests, "documents": "document"}},
            ),
        )
        assert corpora.languages == ("de", "en", "es", "fr", "ru", "zh")
        tested = {
            text.lower()
            for row in rows_of(corpora.tests["held-out"])
            for text in row.values()
            if text
        }
        for name, texts in corpora.trained.items():
            counts = corpora.counts.corpora[name]
            assert counts.trained > 600
            assert counts.held_out_documents >= 1
            assert counts.trained + counts.held_out + counts.duplicates + counts.found_in_tests == (
                counts.read
            )
            trained = {text.lower() for row in rows_of(texts) for text in row.values() if text}
            assert not trained & tested


@needs(REAL)
class TestRealCorpora:
    def test_are_read_with_their_documents(self, tmp_path: Path) -> None:
        names = {"en": "eng", "de": "deu", "ru": "rus", "zh": "zho-CN"}
        paths = {each: str(REAL / "ntrex" / f"{name}.txt.gz") for each, name in names.items()}
        news = {"path": paths, "documents": str(REAL / "ntrex" / "DOCUMENT_IDS.tsv")}
        counts = prepared(tmp_path, job(corpora={"news": news})).counts.corpora["news"]
        assert (counts.read, counts.empty, counts.documents) == (1997, 0, 123)
        assert counts.trained + counts.held_out + counts.found_in_tests == 1997
        assert counts.equal["en-de"] < 0.01

    @pytest.mark.parametrize(("language", "tag"), [("de", "deu"), ("zh", "cmn")])
    def test_that_are_sentences_of_anybody_are_read(
        self, tmp_path: Path, language: str, tag: str
    ) -> None:
        stem = REAL / "tatoeba" / f"tatoeba.{tag}-eng"
        path = {"en": f"{stem}.eng.gz", language: f"{stem}.{tag}.gz"}
        counts = prepared(tmp_path, job(corpora={"a": {"path": path}})).counts.corpora["a"]
        assert (counts.read, counts.documents) == (1000, 10)
