"""Rows in memory: a data frame, and what a party file would say of it if it were a file."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec
import pyarrow as pa
from pyarrow import parquet

from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.data.plain import plain
from isthmus.data.spec import Dataset
from isthmus.store import atomic


@runtime_checkable
class ArrowStream(Protocol):
    """A data frame of pandas, polars, DuckDB or pyarrow, among others."""

    def __arrow_c_stream__(self, _schema: object | None = None, /) -> object:
        """Returns the rows as a stream of Arrow."""
        ...


class Frame:
    """Rows in memory, for one party's data set."""

    def __init__(self, table: Any, dataset: Dataset) -> None:
        self._table = table
        self._dataset = dataset

    @property
    def rows(self) -> Any:
        """The rows, a `pyarrow.Table`."""
        return self._table

    def dataset(self, path: str) -> Dataset:
        """Returns what a party file says of these rows once they are in a file of this path."""
        return msgspec.structs.replace(self._dataset, path=path)

    def write(self, path: Path) -> None:
        """Write the rows as a Parquet file that only its owner can read.

        Args:
            path: The file; one that is there is replaced.

        Raises:
            SpecError: Parquet has no place for a column of this type.
        """
        with atomic.replacing(path) as file:
            try:
                parquet.write_table(self._table, file)
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # it may quote a cell
                raise SpecError(
                    f"{path}: a column of the data frame is of a type that Parquet cannot hold. "
                    "Turn it into numbers or text."
                ) from None

    def __repr__(self) -> str:
        rows, columns = self._table.num_rows, self._table.num_columns
        return f"Frame({rows:,} rows, {columns} columns)"


def frame(data: ArrowStream, **keys: Any) -> Frame:
    """Take the rows of a data frame as a data set of a party.

    Args:
        data: A data frame of pandas, polars, DuckDB, pyarrow, or another one that has
            `__arrow_c_stream__`. Its rows are taken as they are now.
        **keys: How to read it: keys of a `[datasets.NAME]` table other than `path`, for example
            `identifiers=["id"]`, `label="ill"` or `columns=["age", "bmi*"]`. An index of pandas is
            left out, unless one of the keys names it.

    Returns:
        The rows, for `Party`.

    Raises:
        SpecError: It is no data frame, or a key does not fit.
    """
    if "path" in keys:
        raise SpecError("a frame has its rows in memory: leave `path` out.")
    dataset = spec.convert({**keys, "path": ""}, Dataset, "party")
    return Frame(_without_index(_table(data), dataset), dataset)


def write_texts(texts: Iterable[object], path: Path) -> None:
    """Write texts as a Parquet file with a column `text`.

    Args:
        texts: The texts.
        path: The file.

    Raises:
        SpecError: One of them is no text.
    """
    given = list(texts)
    if isinstance(texts, str) or not all(isinstance(text, str) for text in given):
        raise SpecError("give texts as a list of `str`.")
    parquet.write_table(pa.table({"text": pa.array(given, pa.string())}), path)


def _table(data: object) -> Any:
    if not isinstance(data, ArrowStream):
        raise SpecError(
            f"a {type(data).__name__} is no data frame: give one of pandas (2.2 or later), polars, "
            "DuckDB or pyarrow, or anything else that has `__arrow_c_stream__`."
        )
    try:
        found: Any = pa.table(data)
        columns = [_plain(column) for column in found.columns]
    except Exception:  # noqa: BLE001 - any library's, and it may quote a cell
        raise SpecError(
            "a column of the data frame holds values of different kinds, or of one that Arrow does "
            "not know. Give each column one type: numbers or text."
        ) from None
    if len(set(found.column_names)) < len(found.column_names):
        raise SpecError("two columns of the data frame share a name. Give each a name of its own.")
    return pa.table(columns, names=found.column_names).replace_schema_metadata(
        found.schema.metadata
    )


def _plain(column: Any) -> Any:
    """The same cells in the types that files of rows have."""
    kind = column.type
    if pa.types.is_dictionary(kind) or pa.types.is_string_view(kind):  # of pandas and polars
        return plain(column)
    return column


def _without_index(table: Any, dataset: Dataset) -> Any:
    """Leave out what pandas calls an index, unless it is named, and all that it says of itself."""
    said = (table.schema.metadata or {}).get(b"pandas", b"{}")
    try:
        index = msgspec.json.decode(said, type=_Pandas).index_columns
    except msgspec.DecodeError:
        index = []
    named = {*dataset.identifiers, *dataset.single.values(), *dataset.columns}
    kept = [
        name
        for name in table.column_names
        if name in named or not (name in index or _INDEX.fullmatch(name))
    ]
    return table.replace_schema_metadata(None).select(kept)


_INDEX = re.compile(r"__index_level_\d+__")
"""How pandas names an index that has no name."""


class _Pandas(msgspec.Struct):
    """What pandas says of a table; an index that is nothing but row numbers is no column."""

    index_columns: list[Any] = []
