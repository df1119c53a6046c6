"""Rows of several files are one data set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from isthmus.core.errors import SpecError
from isthmus.data.reading import load
from isthmus.data.spec import Dataset
from isthmus.data.table import Table

PARTS: Mapping[str, Mapping[str, list[Any]]] = {
    "a": {"id": ["7", "8"], "age": [30, 40]},
    "b": {"id": ["9"], "age": [50]},
}


def read(folder: Path, path: str = ".", **keys: Any) -> Table:
    return load(Dataset(path=path, **({"identifiers": ("id",)} | keys)), folder, [])


def write(folder: Path, name: str, columns: Mapping[str, Any]) -> None:
    table = pa.table(dict(columns))
    match Path(name).suffix:
        case ".parquet":
            parquet.write_table(table, folder / name)
        case ".csv":
            lines = [",".join(map(str, row.values())) for row in table.to_pylist()]
            (folder / name).write_text("\n".join([",".join(columns), *lines, ""]))
        case _:
            feather.write_feather(table, str(folder / name))


class TestSeveralFiles:
    @pytest.mark.parametrize("ending", [".csv", ".parquet", ".arrow", ".feather"])
    def test_of_a_folder_are_read_by_name(self, tmp_path: Path, ending: str) -> None:
        for name, columns in reversed(list(PARTS.items())):
            write(tmp_path, f"{name}{ending}", columns)
        (tmp_path / "_SUCCESS").write_text("")
        table = read(tmp_path)
        assert table.identifiers == [b"7", b"8", b"9"]
        assert table.features[:, 0].tolist() == [30, 40, 50]

    def test_may_be_found_by_a_pattern(self, tmp_path: Path) -> None:
        for day in ("day=1", "day=2"):
            (tmp_path / day).mkdir()
        write(tmp_path / "day=1", "part.parquet", PARTS["a"])
        write(tmp_path / "day=2", "part.parquet", PARTS["b"])
        table = read(tmp_path, "day=*/part.parquet")
        assert (table.identifiers, table.names) == ([b"7", b"8", b"9"], ("age",))

    def test_may_store_a_column_in_different_ways(self, tmp_path: Path) -> None:
        write(tmp_path, "a.parquet", {"id": [7, 8], "age": [30, 40]})
        write(tmp_path, "b.parquet", {"id": ["9"], "age": [50.5]})
        write(tmp_path, "c.csv", {"id": [10], "age": ["NA"]})
        table = read(tmp_path, missing=0.0)
        assert table.identifiers == [b"7", b"8", b"9", b"10"]
        assert table.features[:, 0].tolist() == [30, 40, 50.5, 0]

    def test_do_not_turn_decimals_into_whole_numbers(self, tmp_path: Path) -> None:
        write(tmp_path, "a.parquet", {"id": [7.0, 8.0], "age": [30, 40]})
        write(tmp_path, "b.parquet", {"id": ["x"], "age": [50]})
        with pytest.raises(SpecError, match="2 of 3 cells are numbers with a decimal point, the f"):
            read(tmp_path)

    def test_are_named_where_something_is_wrong(self, tmp_path: Path) -> None:
        write(tmp_path, "a.csv", PARTS["a"])
        write(tmp_path, "b.csv", {"id": ["9", "10"], "age": ["50", "?"]})
        with pytest.raises(SpecError, match=r"1 of 4 cells is no number, in line 3 of b\.csv"):
            read(tmp_path)
        write(tmp_path, "b.csv", {"id": ["9"], "age": ["50,1"]})
        with pytest.raises(SpecError, match=r"b\.csv: line 2 has 3 cells where the line of names "):
            read(tmp_path)

    def test_have_the_same_columns(self, tmp_path: Path) -> None:
        write(tmp_path, "a.csv", PARTS["a"])
        write(tmp_path, "b.csv", {"id": ["9"], "pulse": ["50"]})
        with pytest.raises(
            SpecError, match=r"b.csv: `columns` chooses others here than in a.csv, "
        ):
            read(tmp_path)
        with pytest.raises(SpecError, match=r"b.csv: `columns` names 'age', which is not a column"):
            read(tmp_path, columns=("age",))

    @pytest.mark.parametrize(
        ("path", "sentence"),
        [
            ("*.parquet", r"no file that the pattern finds is \.csv"),
            ("*", r"1 of the 2 files that the pattern finds are not \.csv"),
            (".", r"1 of its 2 files are not \.csv.*Give a folder of such files alone"),
            ("notes.txt", r"only files \.csv.*and queries \(`sql`\) can be read"),
        ],
        ids=["none", "others", "others in a folder", "another kind"],
    )
    def test_are_all_of_a_known_kind(self, tmp_path: Path, path: str, sentence: str) -> None:
        write(tmp_path, "a.csv", PARTS["a"])
        (tmp_path / "notes.txt").write_text("")
        with pytest.raises(SpecError, match=sentence):
            read(tmp_path, path)

    def test_need_no_pattern_where_a_name_looks_like_one(self, tmp_path: Path) -> None:
        write(tmp_path, "a[1].csv", PARTS["a"])
        assert len(read(tmp_path, "a[1].csv")) == 2
