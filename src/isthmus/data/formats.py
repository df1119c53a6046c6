"""The formats of files that are read batch by batch: CSV, Parquet, Arrow and JSON lines.

Our errors never repeat Arrow's own message: it quotes the value that could not be read.
"""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, ipc, parquet

from isthmus.core.errors import SpecError
from isthmus.data import csv_lines, json_lines
from isthmus.data.files import TABLES, check_readable
from isthmus.data.kinds import IN_WORDS, TYPES, Kind
from isthmus.data.meant import about_cells, as_meant
from isthmus.data.spec import Dataset

Batch = Any
"""A `pyarrow.RecordBatch`."""

ENDINGS = (*TABLES, ".jsonl")
PIPE = "-"
"""Name of a path that stands for JSON lines on the standard input."""

_ARROW_FILE = b"ARROW1"
_RAGGED = re.compile(r"Expected (\d+) columns, got (\d+)")

_CELL = re.compile(r"In CSV column #(\d+): (?:Row #\d+: )?CSV conversion error")
"""Arrow says the row too where it reads with one thread."""

_READ_AT_ONCE = 2**20


def is_pipe(path: Path) -> bool:
    """Returns whether a path stands for the standard input."""
    return path.name == PIPE


def in_words(path: Path) -> str:
    """Returns a path for sentences."""
    return "the standard input" if is_pipe(path) else str(path)


def names_of(path: Path, dataset: Dataset) -> list[str] | None:
    """Find the columns of a file; reads only its head.

    Args:
        path: The file.
        dataset: How to read it.

    Returns:
        Their names; None for JSON lines, where every line may have others.

    Raises:
        SpecError: The file cannot be read.
    """
    if is_pipe(path) or path.name.endswith(".jsonl"):
        return None
    check_readable(path)
    with reading(path):
        if path.name.endswith(".parquet"):
            names = list(parquet.read_schema(path).names)
        elif path.name.endswith((".arrow", ".feather")):
            with pa.OSFile(str(path)) as file:
                names = list(_open_arrow(file, None).schema.names)
        else:
            names = csv_lines.names(path, dataset.delimiter)
    return [str(name) for name in names]


def batches_of(
    path: Path, dataset: Dataset, columns: Mapping[str, Kind], skip: int
) -> Iterator[tuple[int, Batch]]:
    """Read a file.

    Args:
        path: The file, or the pipe.
        dataset: How to read it.
        columns: The columns to read, all of which it has.
        skip: Rows at its beginning that need not be read, if that saves time.

    Yields:
        Record batches of these columns in the order of the file, with the number of the first row.

    Raises:
        SpecError: The file cannot be read.
    """
    before = 0
    with reading(path, columns, dataset.delimiter):
        if path.name.endswith(".parquet"):
            before, found = _parquet(path, list(columns), skip)
        elif path.name.endswith((".arrow", ".feather")):
            found = _arrow(path, list(columns))
        elif is_pipe(path):
            found = json_lines.of_pipe(columns)
        elif path.name.endswith(".jsonl"):
            check_readable(path)
            found = json_lines.of_file(path, columns)
        else:
            found = _csv(path, dataset, columns)
        for batch in found:
            typed = path.name.endswith((".parquet", ".arrow", ".feather"))
            yield before, as_meant(batch, columns, str(path), before) if typed else batch
            before += batch.num_rows


def rows_of(path: Path) -> int | None:
    """Returns the number of rows of a Parquet file; None where that takes reading all of it.

    Args:
        path: The file.

    Returns:
        The number of rows.

    Raises:
        SpecError: The file cannot be read.
    """
    if not path.name.endswith(".parquet"):
        return None
    with reading(path):
        rows: int = parquet.read_metadata(path).num_rows
    return rows


@contextmanager
def reading(
    path: Path, columns: Mapping[str, Kind] | None = None, delimiter: str = ","
) -> Generator[None]:
    """Turn the errors of Arrow into sentences.

    Args:
        path: The file that the block reads.
        columns: What it reads of it.
        delimiter: What parts its cells, if it is CSV.

    Yields:
        Nothing.

    Raises:
        SpecError: The file cannot be read.
    """
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        why = _why_unreadable(path, error, columns or {}, delimiter)
        raise SpecError(f"{in_words(path)}: {why}") from None


def is_ragged(error: Exception) -> bool:
    """Returns whether lines of CSV that differ in their number of cells are what Arrow says."""
    return _RAGGED.search(str(error)) is not None


def about_ragged(found: csv_lines.Ragged | None) -> str:
    """Say which lines of CSV have another number of cells than the line of names."""
    advice = (
        "Put cells that hold the `delimiter` in double quotes, or export the file again if it is "
        "cut short."
    )
    if found is None:
        return f"lines have another number of cells than the line of names. {advice}"
    if found.count == 1:
        return (
            f"line {found.first:,} has {found.cells} cells where the line of names has "
            f"{found.width}. {advice}"
        )
    return (
        f"{found.count:,} lines have another number of cells than the line of names, which has "
        f"{found.width}; the first is line {found.first:,} with {found.cells}. {advice}"
    )


def _why_unreadable(
    path: Path, error: Exception, columns: Mapping[str, Kind], delimiter: str
) -> str:
    if is_ragged(error):
        return about_ragged(csv_lines.ragged(path, delimiter))
    if is_pipe(path) or path.name.endswith(".jsonl"):
        kinds = ", ".join(f"{name!r} ({IN_WORDS[kind]})" for name, kind in columns.items())
        return (
            "a line is not JSON, is cut short, or holds something else than the job says: "
            f"{kinds}. Correct it."
        )
    kind = next((name for end, name in _FORMATS.items() if path.name.endswith(end)), "CSV in UTF-8")
    return f"the file is not {kind}, or is empty or cut short. Copy or export it again."


_FORMATS = {".parquet": "Parquet", ".arrow": "Arrow IPC", ".feather": "Feather"}


def _parquet(path: Path, columns: list[str], skip: int) -> tuple[int, Iterator[Batch]]:
    """Returns how many rows are left out, whole row groups, and the others."""
    file = parquet.ParquetFile(path, buffer_size=_READ_AT_ONCE)
    groups, before = list(range(file.num_row_groups)), 0
    while groups and before + (rows := file.metadata.row_group(groups[0]).num_rows) <= skip:
        before += rows
        del groups[0]
    return before, file.iter_batches(2**13, row_groups=groups, columns=columns)


def _arrow(path: Path, columns: list[str]) -> Iterator[Batch]:
    with pa.OSFile(str(path)) as file:
        reader = _open_arrow(file, columns)
        if hasattr(reader, "num_record_batches"):
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).select(columns)
        else:
            for batch in reader:
                yield batch.select(columns)


def read_arrow(path: Path, columns: list[str]) -> Any:
    """Returns some columns of a file of Arrow, as a table."""
    with pa.OSFile(str(path)) as file:
        return _open_arrow(file, columns).read_all().select(columns)


def _open_arrow(file: Any, columns: Sequence[str] | None) -> Any:
    """Open a file of Arrow's file format or stream format, to read some columns alone."""
    kept = file.read(len(_ARROW_FILE)) == _ARROW_FILE
    file.seek(0)
    if not kept:
        return ipc.open_stream(file)
    if columns is None:
        return ipc.open_file(file)
    names = ipc.open_file(file).schema.names
    chosen = sorted(names.index(name) for name in columns)
    return ipc.open_file(file, options=ipc.IpcReadOptions(included_fields=chosen))


def _csv(path: Path, dataset: Dataset, columns: Mapping[str, Kind]) -> Iterator[Batch]:
    converting = csv.ConvertOptions(
        include_columns=list(columns),
        column_types={name: TYPES[kind] for name, kind in columns.items()},
        null_values=list(dataset.missing_values),
        strings_can_be_null=True,
        decimal_point=dataset.decimal or ".",
    )
    names: list[str] = names_of(path, dataset) or []
    try:
        with csv.open_csv(
            path, parse_options=parsing(dataset), convert_options=converting
        ) as reader:
            yield from reader
    except pa.ArrowException as error:
        if (cell := _CELL.search(str(error))) is None:
            raise
        name = names[int(cell[1])]
        if told := about_cells(path, dataset, name, columns[name], parsing(dataset)):
            raise SpecError(f"{path}: {told}") from None
        if TYPES[columns[name]] == pa.string():
            raise SpecError(
                f"{path}: column {name!r} has a cell that is not text in UTF-8. Export the file as "
                "CSV in UTF-8."
            ) from None
        raise SpecError(
            f"{path}: column {name!r} has a cell that does not hold {IN_WORDS[columns[name]]}. "
            "Correct the file, or say in the job what the column is."
        ) from None


def parsing(dataset: Dataset, *, skip_ragged: bool = False) -> Any:
    """Say how the lines of CSV are cut into cells.

    Args:
        dataset: What the party file says of it.
        skip_ragged: Leave out lines with another number of cells than the first.

    Returns:
        Options for Arrow.
    """

    def left_out(_: Any) -> str:
        return "skip"

    return csv.ParseOptions(
        delimiter=dataset.delimiter,
        newlines_in_values=True,
        invalid_row_handler=left_out if skip_ragged else None,
    )
