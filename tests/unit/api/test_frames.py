"""Data frames as data sets: whatever they are of, files hold the same rows and nothing else."""

import importlib
import json
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

import isthmus as im
from isthmus.core.errors import SpecError

TABLE = pa.table({"id": ["a", "b"], "age": [30, 40]})


class Stream:
    """Some other library's data frame: all that is known of it is its stream."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def indexed(index: str, **columns: list[Any]) -> Any:
    """What pandas makes of a data frame that has an index."""
    said = {"index_columns": [index, {"kind": "range"}], "columns": []}
    table = pa.table({"age": [30, 40], index: ["x", "y"], **columns})
    return table.replace_schema_metadata({"pandas": json.dumps(said)})


def written(frame: Any, folder: Path) -> Any:
    frame.write(folder / "rows.parquet")
    return parquet.read_table(folder / "rows.parquet")


class TestFrame:
    @pytest.mark.parametrize("frame", [TABLE, Stream(TABLE)], ids=["pyarrow", "stream"])
    def test_is_written_for_its_owner_only(self, frame: Any, tmp_path: Path) -> None:
        assert written(im.frame(frame, identifiers=["id"]), tmp_path).equals(TABLE)
        assert stat.S_IMODE((tmp_path / "rows.parquet").stat().st_mode) == 0o600

    @pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
    def test_can_be_of_any_library(self, library: str, tmp_path: Path) -> None:
        module = pytest.importorskip(library, reason=f"{library} is not installed here")
        make = module.from_arrow if library == "duckdb" else module.DataFrame
        frame = make(TABLE if library == "duckdb" else TABLE.to_pydict())
        assert written(im.frame(frame), tmp_path).to_pydict() == TABLE.to_pydict()

    def test_holds_the_rows_of_the_moment(self, tmp_path: Path) -> None:
        ages = pa.array([30, 40])
        frame = im.frame(Stream(pa.table({"age": ages})))
        del ages
        assert written(frame, tmp_path).column("age").to_pylist() == [30, 40]

    def test_turns_categories_and_views_into_plain_text(self, tmp_path: Path) -> None:
        names = pa.array(["x", "y"])
        table = pa.table({"a": names.dictionary_encode(), "b": names.cast(pa.string_view())})
        found = written(im.frame(table), tmp_path)
        assert {
            pa.types.is_large_string(kind) or kind == pa.string() for kind in found.schema.types
        }
        assert found.to_pydict() == {"a": ["x", "y"], "b": ["x", "y"]}

    def test_shows_sizes_and_no_cell(self) -> None:
        assert repr(im.frame(TABLE)) == "Frame(2 rows, 2 columns)"

    def test_says_how_to_read_it_as_a_party_file_does(self) -> None:
        frame = im.frame(TABLE, identifiers=["id"], missing="mean", types={"id": "integer"})
        found = frame.dataset("people.parquet")
        assert (found.path, found.identifiers, found.missing) == ("people.parquet", ("id",), "mean")

    @pytest.mark.parametrize(
        ("frame", "keys", "said"),
        [
            ([1, 2], {}, "a list is no data frame: give one of pandas"),
            (TABLE, {"path": "a.csv"}, "leave `path` out"),
            (TABLE, {"identifiers": "id"}, r"`identifiers` is a text, and must be a list"),
            (TABLE, {"labels": "age"}, "no key `labels`: did you mean `label`"),
        ],
    )
    def test_says_in_one_sentence_what_does_not_fit(
        self, frame: Any, keys: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(SpecError, match=said):
            im.frame(frame, **keys)

    def test_quotes_no_cell_that_parquet_cannot_hold(self, tmp_path: Path) -> None:
        frame = im.frame(pa.table({"a": [pa.MonthDayNano([1, 2, 3])]}))
        with pytest.raises(SpecError, match=r"rows\.parquet: a column .* Turn it into numbers"):
            frame.write(tmp_path / "rows.parquet")
        assert not list(tmp_path.iterdir())


class TestStrangeFrames:
    def test_with_two_columns_of_one_name_are_refused(self) -> None:
        with pytest.raises(SpecError, match="share a name"):
            im.frame(pa.table([[1], [2]], names=["a", "a"]))

    def test_that_fail_by_themselves_are_refused_without_what_they_say(self) -> None:
        class Broken:
            def __arrow_c_stream__(self, requested_schema: object = None) -> object:
                raise RuntimeError("secret cell 42")

        with pytest.raises(SpecError) as refused:
            im.frame(Broken())
        assert "secret" not in str(refused.value)


class TestIndexOfPandas:
    @pytest.mark.parametrize("index", ["__index_level_0__", "person"])
    def test_is_no_feature(self, index: str, tmp_path: Path) -> None:
        found = written(im.frame(indexed(index)), tmp_path)
        assert found.column_names == ["age"]
        assert not found.schema.metadata

    def test_can_be_what_names_a_row(self, tmp_path: Path) -> None:
        frame = im.frame(indexed("person"), identifiers=["person"])
        assert written(frame, tmp_path).column_names == ["age", "person"]

    def test_that_another_library_has_carried_along_is_no_feature(self, tmp_path: Path) -> None:
        frame = im.frame(indexed("__index_level_0__").replace_schema_metadata(None))
        assert written(frame, tmp_path).column_names == ["age"]

    def test_of_a_real_data_frame_is_no_feature(self, tmp_path: Path) -> None:
        if importlib.util.find_spec("pandas") is None:
            pytest.skip("pandas is not installed here")
        pandas = importlib.import_module("pandas")
        frame = im.frame(pandas.DataFrame({"age": [30, 40]}, index=[5, 9]))
        assert written(frame, tmp_path).column_names == ["age"]
