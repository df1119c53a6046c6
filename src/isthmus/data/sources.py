"""Where the rows of a data set come from: a file, several of them, or a query.

Our errors never repeat Arrow's own message: it quotes the value that could not be read.
"""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import csv, parquet

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.data import csv_lines, databases, formats, memory
from isthmus.data.columns import Columns, chosen
from isthmus.data.files import files_of
from isthmus.data.formats import reading
from isthmus.data.places import Part, Places
from isthmus.data.plain import Column, emptied, is_text, plain, united
from isthmus.data.problems import Problems
from isthmus.data.spec import Dataset

_CSV = (".csv", ".csv.gz")


@dataclass(frozen=True)
class Rows:
    """Columns of a data set, of `plain` types, and where each row stands."""

    columns: dict[str, Column]
    places: Places
    typeless: bool
    """Whether they are all from CSV, which does not say what a column holds."""

    def __len__(self) -> int:
        taken = self.places.positions
        return sum(part.rows for part in self.places.parts) if taken is None else len(taken)

    def take(self, rows: Integers) -> "Rows":
        """Returns the rows at these positions, in this order."""
        taken = {name: column.take(pa.array(rows)) for name, column in self.columns.items()}
        return replace(self, columns=taken, places=self.places.take(rows))


class Source(Protocol):
    """Rows that nobody has read yet."""

    where: str
    """The file, the folder or the database, for errors."""

    def columns(self) -> Columns:
        """Find the columns that the data set names; raises a DataError if they are not there."""
        ...

    def read(self, wanted: Columns, problems: Problems) -> Rows:
        """Read columns: identifiers and categories from CSV are text, exactly as in the file."""
        ...


def opened(dataset: Dataset, folder: Path) -> Source:
    """Find the rows of a data set.

    Args:
        dataset: Its table in the party file.
        folder: The folder of the party file.

    Returns:
        Where they come from; of files nothing is read yet.

    Raises:
        SpecError: There are no such files, or the query fails.
    """
    if dataset.sql is not None:
        answer = databases.read(dataset.sql, folder)
        return InMemory(dataset, answer, dataset.where(folder), "the query")
    return _Files(dataset, folder)


class InMemory:
    """The rows of a query, or of a data frame."""

    def __init__(self, dataset: Dataset, table: Any, where: str, named: str) -> None:
        """Take rows that lie in memory.

        Args:
            dataset: What a party file says of them.
            table: A `pyarrow.Table`.
            where: Where they come from, for errors.
            named: What they are, for errors.
        """
        self._dataset = dataset
        self._table = table
        self._named = named
        self.where = where

    def columns(self) -> Columns:
        """Find the columns that the data set names.

        Returns:
            The columns.

        Raises:
            SpecError: There are no such columns, or two share a name.
        """
        names = [str(name) for name in self._table.column_names]
        if len(set(names)) < len(names):
            raise SpecError(
                f"{self.where}: two columns of {self._named} share a name. Give each one of its "
                "own, in SQL with AS."
            )
        return chosen(self._dataset, names, self.where)

    def read(self, wanted: Columns, problems: Problems) -> Rows:
        """Take columns."""
        if not self._table.num_rows:
            problems.add(f"{self._named} has no rows. Correct it.")
            problems.refuse()
        columns = {name: _cells([self._table.column(name)], self._dataset) for name in wanted.names}
        return Rows(columns, Places([Part(self._table.num_rows)]), typeless=False)


class _Files:
    """The rows of files that have the same columns."""

    def __init__(self, dataset: Dataset, folder: Path) -> None:
        self._dataset = dataset
        path = dataset.resolve(folder)
        self.where = str(path)
        self._files = files_of(path)

    def columns(self) -> Columns:
        first, *others = self._files
        found = chosen(self._dataset, self._header(first), str(first))
        for path in others:
            same = chosen(self._dataset, self._header(path), str(path))
            if set(same.features) != set(found.features):
                more = len(set(same.features) - set(found.features))
                fewer = len(set(found.features) - set(same.features))
                raise SpecError(
                    f"{path}: `columns` chooses others here than in {first.name}, {more} more and "
                    f"{fewer} fewer. Give all files the same columns, or name those that all have."
                )
        return found

    def read(self, wanted: Columns, problems: Problems) -> Rows:
        with reading(self._files[0]):
            memory.check_files(self._files, wanted.names, self.where)
        tables = [self._table(path, wanted, problems) for path in self._files]
        if not sum(table.num_rows for table in tables):
            problems.add("there are no rows. Export the data again with their rows.")
            problems.refuse()
        columns = {
            name: _cells([table.column(name) for table in tables], self._dataset)
            for name in wanted.names
        }
        parts = [self._part(*each) for each in zip(tables, self._files, strict=True)]
        return Rows(columns, Places(parts), typeless=all(map(_is_csv, self._files)))

    def _header(self, path: Path) -> list[str]:
        names = formats.names_of(path, self._dataset) or []
        # It gives positions, not names: in a file without a header these are values of a row.
        count = Counter(names)
        repeated = [str(position) for position, name in enumerate(names, 1) if count[name] > 1]
        if repeated:
            raise SpecError(
                f"{path}: columns {', '.join(repeated)} share a name. Begin the file with a line "
                "that gives each column a name of its own."
            )
        return names

    def _table(self, path: Path, wanted: Columns, problems: Problems) -> Any:
        with reading(path, delimiter=self._dataset.delimiter):
            if path.name.endswith(".parquet"):
                # Names of folders such as day=3 are no columns.
                options: dict[str, Any] = {"columns": wanted.names, "partitioning": None}
                return parquet.read_table(path, **options)
            if not _is_csv(path):
                return formats.read_arrow(path, wanted.names)
            try:
                return _read_csv(path, self._dataset, wanted)
            except pa.ArrowInvalid as error:
                found = csv_lines.ragged(path, self._dataset.delimiter)
                if not formats.is_ragged(error) or found is None or not found.in_utf_8:
                    raise
        of = f"{path.name}: " if len(self._files) > 1 else ""
        problems.add(f"{of}{formats.about_ragged(found)}")
        with reading(path):  # what else is wrong with it?
            return _read_csv(path, self._dataset, wanted, skip_ragged=True)

    def _part(self, table: Any, path: Path) -> Part:
        if not _is_csv(path):
            return Part(table.num_rows, path)
        line_of = partial(csv_lines.line_of, path, self._dataset.delimiter)
        return Part(table.num_rows, path, line_of)


def _read_csv(path: Path, dataset: Dataset, wanted: Columns, *, skip_ragged: bool = False) -> Any:
    exact = (*wanted.identifiers, *wanted.categorical, *dataset.types)
    as_written = dict.fromkeys(exact, pa.binary())  # so that a cell that is not UTF-8 can be told
    converting = csv.ConvertOptions(
        include_columns=wanted.names,
        column_types=as_written,
        null_values=list(dataset.missing_values),
        strings_can_be_null=True,
        decimal_point=dataset.decimal or ".",
    )
    parsing = formats.parsing(dataset, skip_ragged=skip_ragged)
    return csv.read_csv(path, parse_options=parsing, convert_options=converting)


def _cells(parts: Sequence[Column], dataset: Dataset) -> Column:
    """A column of all parts, in which texts that mean an empty cell are empty."""
    column = united([plain(part) for part in parts])
    return emptied(column, dataset.missing_values) if is_text(column.type) else column


def _is_csv(path: Path) -> bool:
    return path.name.endswith(_CSV)
