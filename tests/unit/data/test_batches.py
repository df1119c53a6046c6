"""Data sets larger than memory, block by block."""

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, feather, ipc, parquet

from isthmus.core.errors import SpecError
from isthmus.data.batches import BLOCK, Block, BlockReader, Place, column_names
from isthmus.data.kinds import Kind
from isthmus.data.spec import Dataset
from isthmus.multitask.feed import cells as feed_cells

COLUMNS: dict[str, Kind] = {"word": "any", "id": "integer", "price": "number"}
"""In another order than in the files."""


def table(rows: int, first: int = 0) -> Any:
    """Ids that rise by one, a word and a price for each; the first price is missing."""
    ids = list(range(first, first + rows))
    prices = [None if n == first else n / 2 for n in ids]
    return pa.table({"id": ids, "price": prices, "word": [f"word {n % 7}" for n in ids]})


def write(path: Path, content: Any) -> None:
    match path.suffixes:
        case [".parquet"]:
            parquet.write_table(content, path, row_group_size=5000)
        case [".arrow"]:
            with pa.OSFile(str(path), "wb") as file, ipc.new_file(file, content.schema) as writer:
                writer.write_table(content, max_chunksize=3000)
        case [".stream", ".arrow"]:
            with pa.OSFile(str(path), "wb") as file, ipc.new_stream(file, content.schema) as writer:
                writer.write_table(content, max_chunksize=3000)
        case [".feather"]:
            feather.write_feather(content, str(path))
        case [".csv"]:
            csv.write_csv(content, path)
        case [".csv", ".gz"]:
            with gzip.open(path, "wb") as file:
                csv.write_csv(content, file)
        case _:
            path.write_bytes(json_lines(content))


def json_lines(content: Any) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in content.to_pylist())


def reader(path: Path, columns: dict[str, Kind] | None = None, **keys: Any) -> BlockReader:
    return BlockReader(Dataset(path=path.name, **keys), path.parent, columns or COLUMNS)


def rows_of(blocks: list[Block]) -> list[dict[str, Any]]:
    return [row for block in blocks for row in block.rows.to_pylist()]


NAMES = ["a.parquet", "a.arrow", "a.stream.arrow", "a.feather", "a.csv", "a.csv.gz", "a.jsonl"]


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Any:
    def say(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return say


class TestBlockReader:
    @pytest.mark.parametrize("name", NAMES)
    def test_reads_every_format(self, tmp_path: Path, name: str) -> None:
        expected = table(BLOCK + 10)
        write(tmp_path / name, expected)
        blocks = list(reader(tmp_path / name).blocks())
        assert [block.rows.num_rows for block in blocks] == [BLOCK, 10]
        assert blocks[0].rows.schema.names == list(COLUMNS)
        assert rows_of(blocks) == expected.select(list(COLUMNS)).to_pylist()

    @pytest.mark.parametrize(
        ("stored", "kind"),
        [
            (pa.dictionary(pa.int32(), pa.string()), "any"),
            (pa.string_view(), "any"),
            (pa.large_string(), "any"),
            (pa.large_string(), "integer"),
            (pa.string(), "number"),
            (pa.decimal128(20, 0), "integer"),
            (pa.decimal128(20, 0), "any"),
            (pa.decimal128(20, 0), "number"),
            (pa.int16(), "integer"),
        ],
    )
    def test_reads_what_cells_hold_however_they_are_stored(
        self, tmp_path: Path, stored: Any, kind: Kind
    ) -> None:
        cells: Any = pa.array(["7", None, "12"])
        if pa.types.is_decimal(stored) or pa.types.is_integer(stored):
            cells = cells.cast(pa.int64())
        parquet.write_table(pa.table({"id": cells.cast(stored)}), tmp_path / "a.parquet")
        (block,) = reader(tmp_path / "a.parquet", {"id": kind}).blocks()
        column = feed_cells.Column(block.rows.column("id"), "id", "a")
        read = {"any": feed_cells.hashes, "integer": feed_cells.identifiers}.get(
            kind, feed_cells.amounts
        )
        same = pa.array(["7", None, "12"])
        expected = same if kind == "any" else same.cast(pa.int64())
        given = read(feed_cells.Column(expected, "id", "a"))
        np.testing.assert_array_equal(read(column), given)

    @pytest.mark.parametrize("name", NAMES)
    def test_reads_the_same_blocks_wherever_it_begins(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / name, table(2 * BLOCK + 5))
        blocks = list(reader(tmp_path / name).blocks())
        for number, block in enumerate(blocks):
            again = list(reader(tmp_path / name).blocks(block.next))
            assert rows_of(again) == rows_of(blocks[number + 1 :])
            assert [each.place for each in again] == [each.place for each in blocks[number + 1 :]]

    def test_reads_a_folder_by_name(self, tmp_path: Path) -> None:
        write(tmp_path / "b.csv", table(3, first=8))
        write(tmp_path / "a.parquet", table(8))
        (tmp_path / "_SUCCESS").write_text("")
        blocks = list(reader(tmp_path).blocks())
        assert [row["id"] for row in rows_of(blocks)] == list(range(11))
        assert [block.place for block in blocks] == [Place(0, 0, 0), Place(1, 0, 8)]
        assert rows_of(list(reader(tmp_path).blocks(blocks[0].next))) == rows_of(blocks[1:])

    def test_reads_json_lines_from_a_pipe(self, tmp_path: Path, stdin: Any) -> None:
        expected = table(BLOCK + 3)
        stdin(json_lines(expected))
        assert (
            rows_of(list(reader(tmp_path / "-").blocks()))
            == expected.select(list(COLUMNS)).to_pylist()
        )

    def test_skips_rows_of_a_pipe(self, tmp_path: Path, stdin: Any) -> None:
        stdin(json_lines(table(2 * BLOCK)))
        (block,) = reader(tmp_path / "-").blocks(Place(0, BLOCK, BLOCK))
        assert block.rows.column("id")[0].as_py() == BLOCK

    def test_reads_lists_from_json_lines(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text(
            '{"of": null, "by": [1]}\n{"of": ["x", "y"]}\n{"of": []}\n'
        )
        blocks = list(reader(tmp_path / "a.jsonl", {"of": "any", "by": "any"}).blocks())
        assert rows_of(blocks) == [
            {"of": None, "by": [1]},
            {"of": ["x", "y"], "by": None},
            {"of": [], "by": None},
        ]

    def test_reads_text_of_csv_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("word;id;price\n007;7;NA\n")
        assert rows_of(list(reader(tmp_path / "a.csv", delimiter=";").blocks())) == [
            {"word": "007", "id": 7, "price": None}
        ]


class TestRows:
    @pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.arrow", "a.jsonl"])
    def test_are_estimated_from_the_size(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / name, table(6 * BLOCK))
        rows, exact = reader(tmp_path / name).rows()
        assert rows == pytest.approx(6 * BLOCK, rel=0.7)
        assert not exact

    def test_are_known_of_parquet(self, tmp_path: Path) -> None:
        write(tmp_path / "a.parquet", table(12_345))
        assert reader(tmp_path / "a.parquet").rows() == (12_345, True)

    def test_of_a_pipe_nobody_knows(self, tmp_path: Path) -> None:
        assert reader(tmp_path / "-").rows() == (None, False)


class TestColumnNames:
    def test_are_those_of_the_first_file(self, tmp_path: Path) -> None:
        write(tmp_path / "a.arrow", table(1))
        names = column_names(Dataset(path="a.arrow"), tmp_path)
        assert names == frozenset({"id", "price", "word"})

    def test_of_json_lines_nobody_knows(self, tmp_path: Path) -> None:
        assert column_names(Dataset(path="-"), tmp_path) is None


class TestFingerprint:
    def test_of_the_same_files_is_the_same(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", table(5))
        before = reader(tmp_path / "a.csv").fingerprint()
        reader(tmp_path / "a.csv").check_unchanged(before)

    def test_tells_a_changed_file(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", table(5))
        write(tmp_path / "b.csv", table(5))
        before = reader(tmp_path).fingerprint()
        write(tmp_path / "b.csv", table(5, first=1))
        with pytest.raises(SpecError, match=r"b\.csv: the file has changed.*1 of 2 files"):
            reader(tmp_path).check_unchanged(before)

    def test_tells_a_new_file(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", table(5))
        before = reader(tmp_path).fingerprint()
        write(tmp_path / "b.csv", table(5))
        with pytest.raises(SpecError, match="2 files where there were 1"):
            reader(tmp_path).check_unchanged(before)

    def test_of_a_pipe_is_empty(self, tmp_path: Path) -> None:
        assert np.array_equal(reader(tmp_path / "-").fingerprint(), np.empty((0, 32), np.uint8))


class TestErrors:
    """Each is one sentence with the file, and quotes no cell."""

    @pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.csv.gz", "a.feather"])
    def test_a_file_cut_short(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / name, table(3 * BLOCK))
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
        with pytest.raises(
            SpecError, match=rf"{name}: the file is not .* or is empty or cut short"
        ):
            list(reader(tmp_path / name).blocks())

    def test_a_line_cut_short(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("word,id,price\nsecret,1,2\nsecret,")
        with pytest.raises(
            SpecError, match="line 3 has 2 cells where the line of names has 3"
        ) as error:
            list(reader(tmp_path / "a.csv").blocks())
        assert "secret" not in str(error.value)

    @pytest.mark.parametrize("cell", ["secret", "1.5", "9223372036854775808"])
    def test_a_cell_of_another_type(self, tmp_path: Path, cell: str) -> None:
        (tmp_path / "a.csv").write_text(f"price,word,id\n1,a,2\n1,a,{cell}\n")
        message = r"column 'id': 1 of 2 cells does not hold a whole number below 2\^63, in line 3\."
        with pytest.raises(SpecError, match=message) as error:
            list(reader(tmp_path / "a.csv").blocks())
        assert cell not in str(error.value)

    def test_a_cell_of_another_type_where_one_thread_reads(self, tmp_path: Path) -> None:
        threads = pa.cpu_count()
        pa.set_cpu_count(1)  # Arrow then words its error in another way
        try:
            self.test_a_cell_of_another_type(tmp_path, "secret")
        finally:
            pa.set_cpu_count(threads)

    def test_text_that_is_not_utf_8(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes("word,id,price\ncaf\xe9,1,2\n".encode("latin-1"))
        with pytest.raises(SpecError, match=r"'word': 1 of 1 cells does not hold text in UTF-8"):
            list(reader(tmp_path / "a.csv").blocks())

    def test_cells_of_another_type_with_their_number_and_first_line(self, tmp_path: Path) -> None:
        rows = [f"{n},word,{'?' if n % 4_000 == 3_999 else n}" for n in range(10_000)]
        (tmp_path / "a.csv").write_text("\n".join(["price,word,id", *rows]))
        message = (
            r"column 'id': 2 of 10,000 cells do not hold a whole number below 2\^63, the first in "
            r"line 4,001\. If they mean empty, add their texts to `missing_values`"
        )
        with pytest.raises(SpecError, match=message):
            list(reader(tmp_path / "a.csv").blocks())
        cells = [
            row["id"]
            for row in rows_of(list(reader(tmp_path / "a.csv", missing_values=("?",)).blocks()))
        ]
        assert cells.count(None) == 2

    @pytest.mark.parametrize("kind", ["integer", "number"])
    def test_text_that_is_no_number_in_parquet(self, tmp_path: Path, kind: Kind) -> None:
        columns = {"id": pa.array(["1"] * 9_000 + ["secret"])}
        parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
        with pytest.raises(SpecError, match=r"column 'id' does not hold .* in row 9,001") as error:
            list(reader(tmp_path / "a.parquet", {"id": kind}).blocks())
        assert "secret" not in str(error.value)

    @pytest.mark.parametrize("line", ['{"id": "secret"}', '{"id": 1', "secret", '{"id": 1.5}'])
    def test_a_line_of_json_that_is_wrong(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "a.jsonl").write_text('{"word": "a", "id": 2, "price": 1}\n' + line + "\n")
        with pytest.raises(SpecError, match="a line is not JSON, is cut short, or") as error:
            list(reader(tmp_path / "a.jsonl").blocks())
        assert "secret" not in str(error.value)

    def test_a_column_that_is_missing(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("word,ids,price\n1,2,3\n")
        with pytest.raises(SpecError, match=r"a column 'id', .* file's 3.* Did you mean 'ids'"):
            reader(tmp_path / "a.csv")

    def test_a_column_that_a_later_file_lacks(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", table(1))
        write(tmp_path / "b.csv", table(1).drop_columns(["id"]))
        with pytest.raises(SpecError, match=r"b\.csv: the job names a column 'id'"):
            reader(tmp_path)

    def test_a_column_that_json_lines_lack(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"word": "a", "price": 1}\n')
        with pytest.raises(SpecError, match="none of its first lines has a 'id'"):
            list(reader(tmp_path / "a.jsonl").blocks())

    def test_columns_of_one_name(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("word,id,id,price\n1,2,3,4\n")
        with pytest.raises(SpecError, match="2 columns are called 'id'"):
            reader(tmp_path / "a.csv")

    @pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.arrow", "a.jsonl"])
    def test_no_file(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(SpecError, match=f"{name}: there is no such file"):
            list(reader(tmp_path / name).blocks())

    def test_no_rows(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", table(0))
        with pytest.raises(SpecError, match="there are no rows"):
            list(reader(tmp_path / "a.csv").blocks())

    @pytest.mark.parametrize("name", NAMES)
    def test_no_rows_unless_that_is_fine(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / name, table(0))
        may = BlockReader(Dataset(path=name), tmp_path, COLUMNS, may_be_empty=True)
        assert not list(may.blocks())

    def test_an_empty_pipe(self, tmp_path: Path, stdin: Any) -> None:
        stdin(b"")
        with pytest.raises(SpecError, match=r"^the standard input: there are no rows"):
            list(reader(tmp_path / "-").blocks())

    def test_a_line_of_a_pipe(self, tmp_path: Path, stdin: Any) -> None:
        stdin(json_lines(table(3)) + b'{"id": ')
        with pytest.raises(SpecError, match=r"^the standard input: a line is not JSON"):
            list(reader(tmp_path / "-").blocks())

    def test_a_pipe_that_was_read(self, tmp_path: Path, stdin: Any) -> None:
        stdin(json_lines(table(1)))
        list(reader(tmp_path / "-").blocks())
        with pytest.raises(SpecError, match="the standard input has been read already"):
            list(reader(tmp_path / "-").blocks())

    def test_a_file_in_utf_16(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("id,price,word\n", encoding="utf-16")
        with pytest.raises(SpecError, match=r"in UTF-16\. Export it as CSV in UTF-8"):
            reader(tmp_path / "a.csv")

    def test_a_folder_in_place_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").mkdir()
        with pytest.raises(SpecError, match="it has no file that is"):
            reader(tmp_path / "a.csv")

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", table(1))
        there = reader(tmp_path / "a.csv")
        (tmp_path / "a.csv").unlink()
        with pytest.raises(SpecError, match="cannot be read: No such file"):
            there.fingerprint()

    def test_a_format_that_nobody_reads(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"a\.xlsx: only files \.csv"):
            reader(tmp_path / "a.xlsx")

    def test_a_folder_with_other_files(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", table(1))
        (tmp_path / "a.txt").write_text("")
        with pytest.raises(SpecError, match="1 of its 2 files are not"):
            reader(tmp_path)

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="it has no file that is"):
            reader(tmp_path)
