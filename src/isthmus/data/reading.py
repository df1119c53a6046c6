"""Reading and checking the file of a dataset into a `Table`."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.data import features as cells
from isthmus.data import sources
from isthmus.data.identifiers import normalise
from isthmus.data.sources import Column, Columns
from isthmus.data.spec import Dataset, Normalisation
from isthmus.data.table import ColumnCoding, Table

pc = cast(Any, pyarrow.compute)  # its functions are made at import


def load(
    dataset: Dataset,
    folder: Path,
    steps: Sequence[Normalisation],
    coding: ColumnCoding | None = None,
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

    Returns:
        The rows of the file in its order: all of them, or the first of each identifier.

    Raises:
        SpecError: The file or a column of it is not what the dataset says.
    """
    path = dataset.resolve(folder)
    wanted = sources.columns(dataset, folder)
    columns = sources.read(dataset, folder, wanted)
    if coding is not None:
        wanted = _as_trained(coding, wanted, path)
    identifiers = _identifiers(dataset, wanted, columns, steps, path)
    kept = _first_rows(identifiers)
    if len(kept) < len(identifiers):
        _check_duplicates(dataset, len(identifiers), len(kept), path)
        columns = {name: column.take(pa.array(kept)) for name, column in columns.items()}
        identifiers = [identifiers[row] for row in kept.tolist()]
    keys = pa.table({name: _as_in_file(columns[name], path) for name in wanted.identifiers})
    features, categories, means = _features(dataset, wanted, columns, path, coding)
    return Table(
        identifiers=identifiers,
        features=features,
        names=wanted.features,
        label=_single(wanted.label, "label", columns, path, required=coding is None),
        weight=_single(wanted.weight, "weight", columns, path),
        categories=categories,
        positions=kept,
        keys=keys if wanted.identifiers else None,
        means=means,
        missing=dataset.missing if coding is None else coding.missing,
    )


def _identifiers(
    dataset: Dataset,
    wanted: Columns,
    columns: Mapping[str, Column],
    steps: Sequence[Normalisation],
    path: Path,
) -> list[bytes]:
    """Returns the key of each row; its position in the file if there are no identifiers."""
    if wanted.identifiers:
        found = {
            name: sources.typed(columns[name], name, dataset, path) for name in wanted.identifiers
        }
        return normalise(found, steps, path)
    count = len(next(iter(columns.values())))
    return [b"%d" % row for row in range(count)]


def _single(
    name: str | None,
    what: str,
    columns: Mapping[str, Column],
    path: Path,
    *,
    required: bool = True,
) -> Floats | None:
    """Returns the label or the weights as numbers, or None if the dataset declares none."""
    if name is None:
        return None
    return cells.label(columns[name], name, path, what, required=required)


_WHOLE_NUMBER = r"^(0|-?[1-9][0-9]{0,17})$"


def _as_in_file(column: Column, path: Path) -> Column:
    """Returns identifiers as other readers of the file have them, for a join.

    They take a column of CSV that holds nothing but whole numbers for one of numbers.
    """
    if ".csv" in path.name and pa.types.is_string(column.type):
        whole = pc.all(pc.match_substring_regex(column, _WHOLE_NUMBER))
        return column.cast(pa.int64()) if whole.as_py() else column
    return column


def _as_trained(coding: ColumnCoding, wanted: Columns, path: Path) -> Columns:
    """The columns of rows to score, in the order of the training rows.

    Args:
        coding: How the columns of the training rows became numbers.
        wanted: The columns of the rows to score.
        path: Their file, for the error.

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
                f"{path}: the data set {fault.format(len(names), names[0])}. Give it the same "
                "`columns` and `categorical` as the rows trained on."
            )
    return replace(wanted, features=coding.names)


def _features(
    dataset: Dataset,
    wanted: Columns,
    columns: dict[str, Column],
    path: Path,
    coding: ColumnCoding | None,
) -> tuple[Floats, dict[str, tuple[str, ...]], dict[str, float]]:
    """Returns the numbers of all feature columns, the categories and the means of columns."""
    rows = len(next(iter(columns.values()), ()))
    features = np.empty((rows, len(wanted.features)))
    categories = {} if coding is None else dict(coding.categories)
    means = {} if coding is None else dict(coding.means)
    for position, name in enumerate(wanted.features):
        column = columns.pop(name)
        if name in wanted.categorical:
            if coding is None:
                categories[name] = cells.categories(column)
            values = cells.category(column, name, dataset, path, categories[name])
        else:
            values, means[name] = cells.feature(column, name, dataset, path, means.get(name))
        if coding is None:
            cells.refuse_constant(values, name, path)
        features[:, position] = values
    return features, categories, means


def _check_duplicates(dataset: Dataset, rows: int, distinct: int, path: Path) -> None:
    if dataset.duplicates == "error":
        raise SpecError(
            f"{path}: its {rows} rows have only {distinct} different identifiers after "
            'normalisation. Keep one row for each, or set `duplicates = "first"`.'
        )


def _first_rows(identifiers: list[bytes]) -> Integers:
    """Returns the position of the first row of each identifier, ascending."""
    encoded = cast(Any, pa.array(identifiers, pa.large_binary()).dictionary_encode())
    codes: Integers = encoded.indices.to_numpy()
    rows: Integers = np.sort(np.unique(codes, return_index=True)[1])
    return rows
