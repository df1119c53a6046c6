"""Reading tables: TSV, JSON lines and Parquet, of which some columns are texts."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import parquet

from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.multilingual.corpora.files import lines_of, opened
from isthmus.multilingual.corpora.rows import Row

_ROWS_AT_ONCE = 8192
_BYTES_AT_ONCE = 2**20


def rows_of_tsv(path: Path, columns: Sequence[str], document: str | None) -> Iterator[Row]:
    r"""Read cells that tabs part; no character but tab and line break means anything.

    Args:
        path: The file; its first line names its columns.
        columns: The columns of texts.
        document: The column that names the document of a row, if there is one.

    Yields:
        A row per line.

    Raises:
        SpecError: The file cannot be read, or lacks a column.
    """
    lines = lines_of(path)
    names = next(lines, "").split("\t")
    if names == [""]:
        raise SpecError(f"{path}: is empty, or its first line is. It must name the columns.")
    places = [_place(path, names, name) for name in columns]
    naming = None if document is None else _place(path, names, document)
    for number, line in enumerate(lines, 2):
        cells = line.split("\t")
        if len(cells) != len(names):
            if not line:
                continue
            raise SpecError(
                f"{path}: line {number:,} has {len(cells)} cells where the first line has "
                f"{len(names)}. Write a tab between cells, and none within them."
            )
        yield Row(None if naming is None else cells[naming], [cells[place] for place in places])


def rows_of_json(path: Path, columns: Sequence[str], document: str | None) -> Iterator[Row]:
    """Read a JSON object per line; a line may lack columns.

    Args:
        path: The file.
        columns: The keys of texts.
        document: The key of the name of a row's document, if there is one.

    Yields:
        A row per line.

    Raises:
        SpecError: The file cannot be read, a line is no object, or a value is no text.
    """
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for number, line in enumerate(lines_of(path), 1):
        if not line:
            continue
        try:
            found = decode(line)
        except (msgspec.DecodeError, RecursionError):
            raise SpecError(
                f"{path}: line {number:,} is no JSON object, or is cut short. Write an object "
                "with the texts of a row on each line."
            ) from None
        texts = [found.get(name) for name in columns]
        for name, text in zip(columns, texts, strict=True):
            if not isinstance(text, str | None):
                raise SpecError(
                    f"{path}: line {number:,} has no text but something else in {name!r}. Write "
                    "texts in double quotes, and null for none."
                )
        yield Row(None if document is None else str(found.get(document, "")), texts)


def rows_of_parquet(path: Path, columns: Sequence[str], document: str | None) -> Iterator[Row]:
    """Read a Parquet file batch by batch.

    Args:
        path: The file.
        columns: The columns of texts.
        document: The column that names the document of a row, if there is one.

    Yields:
        Its rows.

    Raises:
        SpecError: The file cannot be read, or lacks a column, or one holds no text.
    """
    wanted = [*columns] if document in {None, *columns} else [*columns, str(document)]
    with _parquet(path) as file:
        schema = file.schema_arrow
        for name in wanted:
            _place(path, schema.names, name)
        for name in columns:
            _check_text(path, name, schema.field(name).type)
        for batch in _batches(file, wanted):
            texts = [batch.column(name).to_pylist() for name in columns]
            names = [None] * batch.num_rows if document is None else batch.column(document)
            for name, *row in zip(names, *texts, strict=True):
                yield Row(None if document is None else str(name), row)


def _batches(file: Any, columns: Sequence[str]) -> Iterator[Any]:
    """Read group by group: Arrow lets go of what it read of a file only at the end."""
    for group in range(file.num_row_groups):
        yield from file.iter_batches(
            _ROWS_AT_ONCE, row_groups=[group], columns=columns, use_threads=False
        )


def rows_in_parquet(path: Path) -> int:
    """Returns the number of rows of a Parquet file; reads only its end."""
    with _parquet(path) as file:
        rows: int = file.metadata.num_rows
    return rows


@contextmanager
def _parquet(path: Path) -> Generator[Any]:
    """Open a Parquet file.

    Args:
        path: The file; one that is compressed again is unpacked beside other temporary files.

    Yields:
        It.

    Raises:
        SpecError: It cannot be read, here or in the block.
    """
    with opened(path) as file, disk_full_is_error(path), TemporaryFile() as unpacked:
        compressed = path.name.endswith(".gz")
        if compressed:
            shutil.copyfileobj(file, unpacked)
            unpacked.seek(0)
        try:
            yield parquet.ParquetFile(unpacked if compressed else file, buffer_size=_BYTES_AT_ONCE)
        except (pa.ArrowException, OSError, UnicodeDecodeError):  # Arrow may quote a value
            raise SpecError(
                f"{path}: is not Parquet with texts in UTF-8, or is empty or cut short. Copy or "
                "export it again."
            ) from None


def _place(path: Path, names: Sequence[str], name: str) -> int:
    if names.count(name) == 1:
        return names.index(name)
    if name in names:
        raise SpecError(
            f"{path}: {names.count(name)} columns are called {name!r}. Give each column a name of "
            "its own."
        )
    close = get_close_matches(name, names)
    advice = (
        f"Did you mean {' or '.join(repr(match) for match in close)}?"
        if close
        else "The first line of .tsv names them; in a job, `columns` says which one is what."
    )
    raise SpecError(f"{path}: has no column {name!r} among its {len(names)}. {advice}")


def _check_text(path: Path, name: str, kind: Any) -> None:
    types = pa.types
    inner = kind.value_type if types.is_dictionary(kind) else kind
    tests = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    if not any(test(inner) for test in tests):
        raise SpecError(
            f"{path}: column {name!r} holds {kind} and no text. Name a column of texts in "
            "`columns`."
        )
