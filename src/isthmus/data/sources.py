"""Reading columns of the CSV or Parquet file that a `[datasets.NAME]` table names.

Our errors never repeat Arrow's own message: it quotes the value that could not be read.
"""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute
from pyarrow import csv, parquet

from isthmus.core.errors import SpecError
from isthmus.data.formats import check_readable, parsing, reading
from isthmus.data.spec import Dataset

Column = Any
"""A `pyarrow.ChunkedArray`."""

pc = cast(Any, pyarrow.compute)  # its functions are made at import

_WILDCARDS = frozenset("*?[")
_KINDS = {"integer": pa.int64(), "number": pa.float64()}


@dataclass(frozen=True)
class Columns:
    """The columns of a file that are used, by purpose."""

    identifiers: tuple[str, ...]
    label: str | None
    features: tuple[str, ...]
    categorical: frozenset[str]
    """The features that are categorical."""

    weight: str | None = None

    @property
    def names(self) -> list[str]:
        """All columns to read."""
        alone = (name for name in (self.label, self.weight) if name is not None)
        return [*self.identifiers, *self.features, *alone]


def columns(dataset: Dataset, folder: Path) -> Columns:
    """Find the columns that a dataset names; reads only the head of the file.

    Args:
        dataset: Its table in the party file.
        folder: The folder of the party file.

    Returns:
        The columns, features in the order of the dataset's patterns, then of the file.

    Raises:
        SpecError: The file cannot be read, or does not have the columns.
    """
    path = dataset.resolve(folder)
    names = _header(dataset, path)
    label = [dataset.label] if dataset.label is not None else []
    weight = [dataset.weight] if dataset.weight is not None else []
    for key, wanted in (
        ("identifiers", dataset.identifiers),
        ("label", label),
        ("weight", weight),
        ("types", dataset.types),
    ):
        for name in wanted:
            _require(name, names, path, key)
    keys = [*dataset.identifiers, *label, *weight]
    if len(set(keys)) < len(keys):
        raise SpecError(f"{path}: `identifiers`, `label` and `weight` must be different columns.")
    features = _features(dataset, names, set(keys), path)
    categorical = _categorical(dataset, features, path)
    for name in dataset.monotone:
        if name not in features or name in categorical:
            raise SpecError(
                f"{path}: `monotone` names {name!r}, which is not one of the chosen `columns` that "
                "hold amounts. Correct it."
            )
    identifiers = tuple(dataset.identifiers)
    return Columns(identifiers, dataset.label, features, categorical, dataset.weight)


def read(dataset: Dataset, folder: Path, wanted: Columns) -> dict[str, Column]:
    """Read columns of a file, with the types that the dataset declares but for identifiers.

    Args:
        dataset: Its table in the party file.
        folder: The folder of the party file.
        wanted: The result of `columns`.

    Returns:
        Arrow columns by name; identifiers are as in the file, those from CSV as text.

    Raises:
        SpecError: The file cannot be read, has no rows, or a column is not of its declared type.
    """
    path = dataset.resolve(folder)
    table = _parquet(path, wanted) if _is_parquet(path) else _csv(dataset, path, wanted)
    if table.num_rows == 0:
        raise SpecError(f"{path}: the file has no rows. Export it again with its rows.")
    return {
        name: table.column(name)
        if name in wanted.identifiers
        else typed(table.column(name), name, dataset, path)
        for name in wanted.names
    }


def typed(column: Column, name: str, dataset: Dataset, path: Path) -> Column:
    """Convert a column to the type that the dataset declares, if it declares one.

    Args:
        column: Arrow column.
        name: Its name.
        dataset: Its table in the party file.
        path: The file, for the error.

    Returns:
        The column, as it is if nothing is declared.

    Raises:
        SpecError: A cell is not of that type.
    """
    kind = dataset.types.get(name)
    if kind is None:
        return column
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    plain = pc.utf8_trim_whitespace(column) if text else column
    try:
        return plain.cast(_KINDS[kind])
    except pa.ArrowException:
        raise SpecError(
            f"{path}: `types` says that column {name!r} is {kind}, but it holds something else. "
            "Correct the file, or take the column out of `types`."
        ) from None


def _header(dataset: Dataset, path: Path) -> list[str]:
    check_readable(path)
    with reading(path):
        if _is_parquet(path):
            names = list(parquet.read_schema(path).names)
        else:
            with csv.open_csv(path, parse_options=parsing(dataset)) as reader:
                names = list(reader.schema.names)
    # The error gives positions, not names: in a file without a header these are values of a row.
    count = Counter(names)
    repeated = [str(position) for position, name in enumerate(names, 1) if count[name] > 1]
    if repeated:
        raise SpecError(
            f"{path}: columns {', '.join(repeated)} share a name. Begin the file with a line that "
            "gives each column a name of its own."
        )
    return names


def _require(name: str, names: list[str], path: Path, key: str) -> None:
    if name in names:
        return
    if len(names) == 1:
        advice = "The file has one column only: does `delimiter` say what parts its cells?"
    elif close := get_close_matches(name, names):
        advice = f"Did you mean {' or '.join(repr(match) for match in close)}?"
    else:
        advice = f"Is the first line of its {len(names)} columns a line of names?"
    raise SpecError(f"{path}: `{key}` names {name!r}, which is not a column. {advice}")


def _features(dataset: Dataset, names: list[str], keys: set[str], path: Path) -> tuple[str, ...]:
    chosen: dict[str, None] = {}  # an ordered set
    for pattern in dataset.columns:
        if pattern in keys:
            raise SpecError(
                f"{path}: {pattern!r} is an identifier, the label or the weight, and cannot be a "
                "feature too. "
                "Take it out of `columns`."
            )
        matches = [name for name in names if name not in keys and fnmatchcase(name, pattern)]
        if pattern in names:
            matches = [pattern]
        elif not matches and not _WILDCARDS & set(pattern):
            _require(pattern, names, path, "columns")
        elif not matches:
            raise SpecError(
                f"{path}: the pattern {pattern!r} in `columns` matches no column. Correct it."
            )
        chosen |= dict.fromkeys(matches)
    return tuple(chosen)


def _categorical(dataset: Dataset, features: tuple[str, ...], path: Path) -> frozenset[str]:
    found = set[str]()
    for pattern in dataset.categorical:
        matches = {name for name in features if name == pattern or fnmatchcase(name, pattern)}
        if not matches:
            raise SpecError(
                f"{path}: `categorical` names {pattern!r}, which is none of the chosen `columns`. "
                "Correct it."
            )
        found |= matches
    return frozenset(found)


def _parquet(path: Path, wanted: Columns) -> Any:
    with reading(path):
        return parquet.read_table(path, columns=wanted.names)


def _csv(dataset: Dataset, path: Path, wanted: Columns) -> Any:
    exact = (*wanted.identifiers, *wanted.categorical, *dataset.types)
    as_text = dict.fromkeys(exact, pa.string())
    converting = csv.ConvertOptions(
        include_columns=wanted.names,
        column_types=as_text,
        null_values=list(dataset.missing_values),
        strings_can_be_null=True,
    )
    with reading(path):
        return csv.read_csv(path, parse_options=parsing(dataset), convert_options=converting)


def _is_parquet(path: Path) -> bool:
    if path.name.endswith((".csv", ".csv.gz")):
        return False
    if path.name.endswith(".parquet"):
        return True
    raise SpecError(
        f"{path}: only .csv, .csv.gz and .parquet files can be read. Convert the file, or rename "
        "it if it is one of these."
    )
