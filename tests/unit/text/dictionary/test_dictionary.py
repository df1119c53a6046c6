"""A dictionary translates words, aligns texts, and is kept in files."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.text.dictionary.dictionary import Row, of_rows
from isthmus.text.dictionary.files import load, load_table, save

WORDS = of_rows(
    iter(
        [
            ("en", "house", "de", "haus", 0.5),
            ("en", "house", "de", "heim", 0.7),
            ("en", "king", "de", "könig", 0.9),
            ("de", "haus", "ru", "дом", 0.4),
            ("de", "heim", "ru", "дом", 0.5),
            ("de", "heim", "ru", "очаг", 0.1),
        ]
    )
)

COLUMNS = {"language": ["en"], "word": ["a"], "into": ["de"], "translation": ["b"], "score": [1.0]}

languages = st.sampled_from(["en", "de", "zh-Hant"])
scores = st.floats(0, 1, exclude_min=True)
rows = st.lists(st.tuples(languages, st.text(), languages, st.text(), scores), max_size=9)


class TestTranslations:
    def test_come_best_first(self) -> None:
        assert [word for word, _ in WORDS.translations("en", "de", "house")] == ["heim", "haus"]

    def test_of_unknown_words_and_languages_are_none(self) -> None:
        assert WORDS.translations("en", "de", "horse") == ()
        assert WORDS.translations("fr", "de", "maison") == ()

    def test_are_found_by_a_third_language(self) -> None:
        assert WORDS.translations("en", "ru", "house") == (("дом", 0.7 * 0.5), ("очаг", 0.7 * 0.1))
        assert WORDS.translations("en", "ru", "king") == ()

    def test_into_languages_that_have_a_table(self) -> None:
        assert WORDS.into("de") == ("ru",)
        assert len(WORDS) == 6


class TestAligned:
    def test_is_the_best_translation_that_the_other_text_has(self) -> None:
        aligned = WORDS.aligned("en", ["the", "house", "king"], "de", ["das", "haus"])
        assert aligned == [None, "haus", None]


class TestFile:
    @given(rows)
    def test_is_read_as_it_was_written(
        self, tmp_path_factory: pytest.TempPathFactory, entries: list[Row]
    ) -> None:
        dictionary = of_rows(iter(entries))
        path = tmp_path_factory.getbasetemp() / "dictionary.parquet"
        save(dictionary, path)
        assert load(path) == dictionary

    def test_that_is_missing_is_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"there is no dictionary\. Train"):
            load(tmp_path / "dictionary.parquet")

    @pytest.mark.parametrize("keep", [0, 3, 50, -9])
    def test_that_is_damaged_is_a_sentence(self, tmp_path: Path, keep: int) -> None:
        path = tmp_path / "dictionary.parquet"
        save(WORDS, path)
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(SpecError, match=r"is no dictionary of isthmus, or is damaged"):
            load(path)

    @pytest.mark.parametrize(
        "columns", [{"word": ["a"]}, {**COLUMNS, "score": ["x"]}, {**COLUMNS, "score": [2.0]}]
    )
    def test_of_something_else_is_a_sentence(
        self, tmp_path: Path, columns: dict[str, list[str | float]]
    ) -> None:
        path = tmp_path / "dictionary.parquet"
        parquet.write_table(pa.table(columns), path)
        with pytest.raises(SpecError, match=r"is no dictionary of isthmus, or is damaged"):
            load(path)


class TestOwnTable:
    def test_translates_one_way_and_the_first_best(self, tmp_path: Path) -> None:
        dictionary = load_table(
            written(tmp_path, "# ours\nen\tRun\tde\tlauf\n\nen\trun\tde\tFahrt\n")
        )
        assert [word for word, _ in dictionary.translations("en", "de", "run")] == ["lauf", "Fahrt"]
        assert dictionary.into("de") == ()

    @pytest.mark.parametrize(
        ("line", "complaint"),
        [
            ("en\thouse\tde", "has 3 columns instead of 4: language, word"),
            ("en\thouse\tde\tHaus\t1", "has 5 columns instead of 4: language, word"),
            ("English\thouse\tde\tHaus", "a column of languages holds no tag"),
            ("en\thouse\ten\thome", "names 'en' twice"),
            ("en\t\tde\tHaus", "has an empty word"),
        ],
    )
    def test_names_a_line_that_does_not_fit(
        self, tmp_path: Path, line: str, complaint: str
    ) -> None:
        path = written(tmp_path, f"en\tking\tde\tKönig\n{line}\n")
        with pytest.raises(SpecError, match=rf"words\.tsv, line 2: {complaint}"):
            load_table(path)

    def test_names_the_line_that_is_not_utf_8(self, tmp_path: Path) -> None:
        path = tmp_path / "words.tsv"
        path.write_bytes("en\tking\tde\tKönig\n".encode("latin-1"))
        with pytest.raises(SpecError, match=r"words\.tsv, line 1: is not UTF-8"):
            load_table(path)

    def test_without_a_line_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"words\.tsv: has no line"):
            load_table(written(tmp_path, "# nothing\n"))

    def test_that_is_missing_is_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"words\.tsv: cannot be read: No such file"):
            load_table(tmp_path / "words.tsv")


def written(folder: Path, content: str) -> Path:
    path = folder / "words.tsv"
    path.write_text(content, encoding="utf-8")
    return path
