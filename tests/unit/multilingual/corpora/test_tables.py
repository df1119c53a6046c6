"""TSV, JSON lines and Parquet give the columns that a job names."""

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.core.errors import SpecError
from tests.unit.multilingual.corpora.prepared import read, tsv, write

ROWS: list[dict[str, Any]] = [
    {"en": "one", "de": "eins", "part": "a"},
    {"en": 'say "two"', "de": None, "part": "b"},
]
TEXTS = [("one", "eins"), ('say "two"', None)]


def table(folder: Path, name: str) -> str:
    """Write both rows in the form that a name says."""
    if ".tsv" in name:
        lines = [[row[key] or "" for key in ("part", "de", "en")] for row in ROWS]
        tsv(folder / name, ["part", "de", "en"], lines)
    elif ".jsonl" in name:
        write(folder / name, b"\n".join(map(msgspec.json.encode, ROWS)))
    else:
        parquet.write_table(pa.Table.from_pylist(ROWS), folder / "plain.parquet")
        write(folder / name, (folder / "plain.parquet").read_bytes())
    return name


FORMS = ["a.tsv", "a.tsv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet", "a.parquet.gz"]


class TestTables:
    @pytest.mark.parametrize("name", FORMS)
    def test_give_the_columns_of_their_languages(self, tmp_path: Path, name: str) -> None:
        rows = read(tmp_path, path=table(tmp_path, name), languages=["en", "de"])
        assert [tuple(text or None for text in row.texts) for row in rows] == TEXTS
        assert [row.document for row in rows] == ["#0", "#0"]

    @pytest.mark.parametrize("name", FORMS)
    def test_give_columns_of_other_names(self, tmp_path: Path, name: str) -> None:
        rows = read(tmp_path, path=table(tmp_path, name), columns={"fr": "de"})
        assert [tuple(text or None for text in row.texts) for row in rows] == [("eins",), (None,)]

    @pytest.mark.parametrize("name", FORMS)
    def test_give_documents(self, tmp_path: Path, name: str) -> None:
        path = table(tmp_path, name)
        rows = read(tmp_path, path=path, languages=["en", "de"], documents="part")
        assert [row.document for row in rows] == ["a", "b"]

    @pytest.mark.parametrize("name", ["a.tsv", "a.parquet"])
    @pytest.mark.parametrize("missing", ["languages", "documents"])
    def test_without_a_column_are_refused(self, tmp_path: Path, name: str, missing: str) -> None:
        found: dict[str, dict[str, Any]] = {
            "languages": {"languages": ["en", "fr"]},
            "documents": {"languages": ["en"], "documents": "parts"},
        }
        says = {
            "languages": r"has no column 'fr' among its 3\. The first line of \.tsv names",
            "documents": r"has no column 'parts' among its 3\. Did you mean 'part'",
        }[missing]
        with pytest.raises(SpecError, match=says):
            read(tmp_path, path=table(tmp_path, name), **found[missing])

    def test_that_are_empty_files_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.tsv", "")
        with pytest.raises(SpecError, match="is empty, or its first line is"):
            read(tmp_path, path="a.tsv", languages=["en"])
        write(tmp_path / "a.parquet", "")
        with pytest.raises(SpecError, match="is not Parquet with texts in UTF-8, or is empty"):
            read(tmp_path, path="a.parquet", languages=["en"])


class TestTsv:
    def test_has_quotes_as_any_other_character(self, tmp_path: Path) -> None:
        tsv(tmp_path / "a.tsv", ["en"], [['"open'], ["'single'"]])
        rows = read(tmp_path, path="a.tsv", languages=["en"])
        assert [row.texts for row in rows] == [('"open',), ("'single'",)]

    def test_with_a_line_of_other_cells_is_refused(self, tmp_path: Path) -> None:
        tsv(tmp_path / "a.tsv", ["en", "de"], [["one", "eins"], ["secret"]])
        with pytest.raises(
            SpecError, match="line 3 has 1 cells where the first line has 2"
        ) as error:
            read(tmp_path, path="a.tsv", languages=["en", "de"])
        assert "secret" not in str(error.value)

    def test_with_two_columns_of_a_name_is_refused(self, tmp_path: Path) -> None:
        tsv(tmp_path / "a.tsv", ["en", "en"], [["one", "two"]])
        with pytest.raises(SpecError, match="2 columns are called 'en'"):
            read(tmp_path, path="a.tsv", languages=["en"])


class TestJsonLines:
    @pytest.mark.parametrize("line", ['{"en": "secret', '["secret"]', '"secret"', "secret"])
    def test_that_hold_no_object_are_refused(self, tmp_path: Path, line: str) -> None:
        write(tmp_path / "a.jsonl", '{"en": "fine"}\n' + line)
        with pytest.raises(SpecError, match="line 2 is no JSON object") as error:
            read(tmp_path, path="a.jsonl", languages=["en"])
        assert "secret" not in str(error.value)

    def test_that_hold_no_text_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.jsonl", '\n{"en": 5}\n')
        with pytest.raises(SpecError, match="line 2 has no text but something else in 'en'"):
            read(tmp_path, path="a.jsonl", languages=["en"])

    def test_in_another_encoding_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.jsonl", '{"en": "\xe9"}'.encode("latin1"))
        with pytest.raises(SpecError, match="line 1 is not UTF-8"):
            read(tmp_path, path="a.jsonl", languages=["en"])


class TestParquet:
    def test_gives_texts_of_all_types_of_text(self, tmp_path: Path) -> None:
        columns = {
            "en": pa.array(["a", "a", None]).dictionary_encode(),
            "de": pa.array(["b", None, "c"], pa.large_string()),
            "fr": pa.nulls(3),
            "number": pa.array([1, 2, 2]),
        }
        parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
        rows = read(tmp_path, path="a.parquet", languages=["en", "de", "fr"], documents="number")
        assert [row.texts for row in rows] == [
            ("a", "b", None),
            ("a", None, None),
            (None, "c", None),
        ]
        assert [row.document for row in rows] == ["1", "2", "2"]

    def test_with_numbers_for_texts_is_refused(self, tmp_path: Path) -> None:
        parquet.write_table(pa.table({"en": [1, 2]}), tmp_path / "a.parquet")
        with pytest.raises(SpecError, match="column 'en' holds int64 and no text"):
            read(tmp_path, path="a.parquet", languages=["en"])

    @pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz"])
    def test_that_is_cut_short_is_refused(self, tmp_path: Path, name: str) -> None:
        content = (tmp_path / table(tmp_path, "whole.parquet")).read_bytes()
        write(tmp_path / name, content[:-20])
        with pytest.raises(SpecError, match="is not Parquet"):
            read(tmp_path, path=name, languages=["en"])

    def test_in_another_encoding_is_refused(self, tmp_path: Path) -> None:
        texts = pa.Array.from_buffers(
            pa.string(), 1, [None, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xe9")]
        )
        parquet.write_table(pa.table({"en": texts}), tmp_path / "a.parquet")
        with pytest.raises(SpecError, match="is not Parquet with texts in UTF-8"):
            read(tmp_path, path="a.parquet", languages=["en"])

    def test_of_which_the_compressed_copy_is_damaged_is_refused(self, tmp_path: Path) -> None:
        content = (tmp_path / table(tmp_path, "whole.parquet")).read_bytes()
        (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(content)[:-30])
        with pytest.raises(SpecError, match="is not gzip, or is cut short or damaged"):
            read(tmp_path, path="a.parquet.gz", languages=["en"])
