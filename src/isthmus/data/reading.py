"""Reading and checking the rows of a dataset into a `Table`."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import DataError, SpecError
from isthmus.data import facts, features, sources
from isthmus.data.columns import Columns
from isthmus.data.facts import Facts
from isthmus.data.features import Cells
from isthmus.data.forms import Forms, forms
from isthmus.data.identifiers import joined, normalise
from isthmus.data.numbers import numbers
from isthmus.data.plain import Column, is_text, pc
from isthmus.data.problems import Problems
from isthmus.data.sources import Rows, Source
from isthmus.data.spec import Dataset, Normalisation
from isthmus.data.table import ColumnCoding, Table

TableT = TypeVar("TableT")

UNKNOWN = ColumnCoding(names=())
"""Of rows to score where the training rows cannot be read: it is errors alone that count."""


def load(
    dataset: Dataset,
    folder: Path,
    steps: Sequence[Normalisation],
    coding: ColumnCoding | None = None,
    *,
    numbers_only: bool = False,
) -> Table:
    """Read and check a dataset.

    No error quotes an identifier, a label or a feature value.

    Args:
        dataset: Its table in the party file.
        folder: The folder of the party file.
        steps: The job's normalisation of identifiers.
        coding: How the columns of the training rows became numbers, if these are rows to score:
            means and categories come from there, a column may have one single value, and labels
            may be missing.
        numbers_only: Whether the model takes neither categories nor empty cells: errors then do
            not speak of them.

    Returns:
        The rows in the order of the file: all of them, or the first of each identifier.

    Raises:
        SpecError: The data are not what the dataset says; a DataError names all problems at once.
    """
    return read(sources.opened(dataset, folder), dataset, steps, coding, numbers_only=numbers_only)


def load_both(
    train: Callable[[], TableT], test: Callable[[TableT | None], TableT]
) -> tuple[TableT, TableT]:
    """Read rows to train on and rows to score; tell what is wrong with either.

    Args:
        train: Reads the former.
        test: Reads the latter; given None where the former cannot be read.

    Returns:
        Both.

    Raises:
        DataError: Neither can be read.
        SpecError: One of them cannot.
    """
    try:
        found = train()
    except SpecError as error:
        try:
            test(None)
        except SpecError as other:
            raise DataError(f"{error}\n{other}") from None
        raise
    return found, test(found)


def read(
    source: Source,
    dataset: Dataset,
    steps: Sequence[Normalisation],
    coding: ColumnCoding | None = None,
    *,
    numbers_only: bool = False,
    describe: bool = True,
) -> Table:
    """Check rows from anywhere, as `load` does.

    Args:
        source: Where they come from.
        dataset: How to read them.
        steps: The job's normalisation of identifiers.
        coding: How the columns of the training rows became numbers, if these are rows to score.
        numbers_only: Whether the model takes neither categories nor empty cells.
        describe: Whether the forms of identifiers are told, which takes some milliseconds.

    Returns:
        The rows.

    Raises:
        SpecError: They are not what the dataset says; a DataError names all problems at once.
    """
    wanted, training = source.columns(), coding is None
    coding = None if coding is UNKNOWN else coding
    if coding is not None:
        wanted = _as_trained(coding, wanted, source.where)
    problems = Problems(source.where)
    read = _Read(dataset, source.read(wanted, problems), problems, numbers_only, describe)
    keys = _keys(read, wanted, steps)
    if len(keys.kept) < len(keys.first):
        keys = _distinct(read, wanted, keys)
        read = replace(read, rows=read.rows.take(keys.kept))
    values = _features(read, wanted, coding, training=training)
    label = (
        None
        if wanted.label is None
        else features.label(read.cells(wanted.label), required=training)
    )
    weight = None if wanted.weight is None else features.label(read.cells(wanted.weight), "weight")
    offset = _offset(read, wanted)
    problems.refuse()
    return Table(
        identifiers=keys.identifiers,
        features=values.numbers,
        names=wanted.features,
        label=label,
        weight=weight,
        offset=offset,
        categories=values.categories,
        positions=keys.kept,
        keys=_as_in_file(read.rows, wanted),
        means=values.means,
        missing=dataset.missing if coding is None else coding.missing,
        facts=Facts(
            rows=len(keys.first),
            left_out=len(keys.first) - len(keys.kept),
            forms=keys.forms,
            notes=(*keys.notes, *values.doubts),
        ),
    )


@dataclass(frozen=True)
class _Read:
    """Rows, and what sentences about their cells need."""

    dataset: Dataset
    rows: Rows
    problems: Problems
    numbers_only: bool
    describe: bool

    def cells(self, name: str) -> Cells:
        """Returns a column."""
        column, places = self.rows.columns[name], self.rows.places
        return Cells(name, column, self.dataset, places, self.problems, self.numbers_only)


@dataclass(frozen=True)
class _Keys:
    """What names the rows."""

    identifiers: list[bytes]
    """Of the rows that are kept."""

    first: Integers
    """Position of the first row of the same identifier, for each row, shape (rows,)."""

    kept: Integers
    """Positions of the rows that are kept, ascending."""

    forms: tuple[Forms, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Values:
    """The numbers of all feature columns."""

    numbers: Floats
    categories: dict[str, tuple[str, ...]]
    means: dict[str, float]
    doubts: tuple[str, ...]


def _keys(read: _Read, wanted: Columns, steps: Sequence[Normalisation]) -> _Keys:
    """Find the key of each row; its position if there are no identifiers, or not all are one."""
    every = np.arange(len(read.rows))
    texts = normalise({name: read.cells(name) for name in wanted.identifiers}, steps)
    if not texts:
        return _Keys([b"%d" % row for row in every.tolist()], every, every)
    identifiers = joined(texts)
    first = _first_rows(identifiers)
    kept = np.flatnonzero(first == every)
    found = tuple(forms(name, text) for name, text in texts.items()) if read.describe else ()
    return _Keys(identifiers, first, kept, tuple(each.take(kept) for each in found))


def _distinct(read: _Read, wanted: Columns, keys: _Keys) -> _Keys:
    """Keep the first row of each identifier, if the data set says so."""
    if read.dataset.duplicates == "error":
        again = keys.first != np.arange(len(keys.first))
        count, place = int(again.sum()), read.rows.places.first(again)
        read.problems.add(
            f"{count:,} of {len(keys.first):,} rows {'has' if count == 1 else 'have'} an "
            f"identifier that occurred before, after normalisation (the first in {place}). Keep "
            'one row for each, or set `duplicates = "first"`.'
        )
        return replace(keys, kept=np.arange(len(keys.first)))
    labels = None
    if wanted.label is not None:
        decimal = read.dataset.decimal or "."
        labels = numbers(read.rows.columns[wanted.label], decimal).values
    note = facts.about_duplicates(keys.first, keys.kept, labels)
    identifiers = [keys.identifiers[row] for row in keys.kept.tolist()]
    return replace(keys, identifiers=identifiers, notes=(note,))


def _as_in_file(rows: Rows, wanted: Columns) -> Any:
    """Returns identifiers as other readers of the data have them, for a join; None without any.

    They take a column of CSV that holds nothing but whole numbers for one of numbers.
    """
    columns = {name: rows.columns[name] for name in wanted.identifiers}
    if rows.typeless:
        columns = {name: _as_guessed(column) for name, column in columns.items()}
    return pa.table(columns) if columns else None


def _as_guessed(column: Column) -> Column:
    if not is_text(column.type):
        return column
    whole = pc.all(pc.match_substring_regex(column, _WHOLE_NUMBER))
    return column.cast(pa.int64()) if whole.as_py() else column


_WHOLE_NUMBER = r"^(0|-?[1-9][0-9]{0,17})$"


def _offset(read: _Read, wanted: Columns) -> Floats | None:
    """Returns what is added to the predictors: the offset, and the logarithm of the exposure."""
    if wanted.exposure is None and wanted.offset is None:
        return None
    given = 0.0 if wanted.offset is None else features.label(read.cells(wanted.offset), "offset")
    if wanted.exposure is None:
        return np.asarray(given, np.float64)
    return given + np.log(features.exposure(read.cells(wanted.exposure)))


def _as_trained(coding: ColumnCoding, wanted: Columns, where: str) -> Columns:
    """The columns of rows to score, in the order of the training rows.

    Args:
        coding: How the columns of the training rows became numbers.
        wanted: The columns of the rows to score.
        where: Their file or database, for the error.

    Returns:
        The same columns, perhaps in another order.

    Raises:
        SpecError: They are others than those of the training rows.
    """
    lacking = [name for name in coding.names if name not in wanted.features]
    further = [name for name in wanted.features if name not in coding.names]
    recoded = wanted.categorical ^ coding.categories.keys()
    for names, fault in (
        (lacking, "lacks {} of the columns that were trained on, the first is {!r}"),
        (further, "brings {} columns that were not trained on, the first is {!r}"),
        (
            sorted(recoded),
            "has {} columns that are `categorical` here or in training but not both, "
            "the first is {!r}",
        ),
    ):
        if names:
            raise SpecError(
                f"{where}: the data set {fault.format(len(names), names[0])}. Give it the same "
                "`columns` and `categorical` as the rows trained on."
            )
    return replace(wanted, features=coding.names)


def _features(
    read: _Read, wanted: Columns, coding: ColumnCoding | None, *, training: bool
) -> _Values:
    """Convert all feature columns."""
    numbers = np.empty(
        (len(read.rows.columns[wanted.names[0]]) if wanted.names else 0, len(wanted.features))
    )
    categories = {} if coding is None else dict(coding.categories)
    means = {} if coding is None else dict(coding.means)
    doubts = list[str | None]()
    for position, name in enumerate(wanted.features):
        cells, before = read.cells(name), len(read.problems)
        if name in wanted.categorical:
            if coding is None:
                categories[name] = features.categories(cells.column)
                doubts.append(features.doubt(cells))
            values = features.category(cells, categories[name])
            if coding is not None:
                features.refuse_unknown(cells, values)
        else:
            values, means[name] = features.feature(cells, means.get(name))
        if training and len(read.problems) == before:
            features.refuse_constant(cells, values)
        numbers[:, position] = values
        del read.rows.columns[name]  # it takes memory, and is not read again
    return _Values(numbers, categories, means, tuple(each for each in doubts if each))


def _first_rows(identifiers: list[bytes]) -> Integers:
    """Returns the position of the first row of the same identifier, for each row."""
    encoded = cast(Any, pa.array(identifiers, pa.large_binary()).dictionary_encode())
    codes: Integers = encoded.indices.to_numpy()
    rows: Integers = np.unique(codes, return_index=True)[1]
    return rows[codes]
