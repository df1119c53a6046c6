"""Reading and checking the file of a dataset into a `Table`."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.data import features as cells
from isthmus.data import sources
from isthmus.data.identifiers import normalise
from isthmus.data.sources import Column, Columns
from isthmus.data.spec import Dataset, Normalisation
from isthmus.data.table import Table


def load(
    dataset: Dataset, folder: Path, steps: Sequence[Normalisation], train: Table | None = None
) -> Table:
    """Read and check a dataset.

    No error quotes an identifier, a label or a feature value.

    Args:
        dataset: Its table in the party file.
        folder: The folder of the party file.
        steps: The job's normalisation of identifiers.
        train: The training rows, if these are test rows: means and categories come from them, and
            a column may have one single value.

    Returns:
        The rows of the file in its order: all of them, or the first of each identifier.

    Raises:
        SpecError: The file or a column of it is not what the dataset says.
    """
    path = dataset.resolve(folder)
    wanted = sources.columns(dataset, folder)
    columns = sources.read(dataset, folder, wanted)
    if train is not None and not _has_columns_of(train, wanted):
        raise SpecError(
            f"{path}: its columns are not those of the rows trained on. Give both data sets the "
            "same `columns`, and the same `categorical` ones."
        )
    identifiers = _identifiers(wanted, columns, steps, path)
    kept = _first_rows(identifiers)
    if len(kept) < len(identifiers):
        _check_duplicates(dataset, len(identifiers), len(kept), path)
        columns = {name: column.take(pa.array(kept)) for name, column in columns.items()}
        identifiers = [identifiers[row] for row in kept.tolist()]
    features, categories = _features(dataset, wanted, columns, path, train)
    return Table(
        identifiers=identifiers,
        features=features,
        names=wanted.features,
        label=_single(wanted.label, "label", columns, path),
        weight=_single(wanted.weight, "weight", columns, path),
        categories=categories,
        positions=kept,
    )


def _identifiers(
    wanted: Columns, columns: Mapping[str, Column], steps: Sequence[Normalisation], path: Path
) -> list[bytes]:
    """Returns the key of each row; its position in the file if there are no identifiers."""
    if wanted.identifiers:
        return normalise({name: columns[name] for name in wanted.identifiers}, steps, path)
    count = len(next(iter(columns.values())))
    return [b"%d" % row for row in range(count)]


def _single(
    name: str | None, what: str, columns: Mapping[str, Column], path: Path
) -> Floats | None:
    """Returns the label or the weights as numbers, or None if the dataset declares none."""
    return None if name is None else cells.label(columns[name], name, path, what)


def _has_columns_of(train: Table, wanted: Columns) -> bool:
    return wanted.features == train.names and wanted.categorical == frozenset(train.categories)


def _features(
    dataset: Dataset,
    wanted: Columns,
    columns: dict[str, Column],
    path: Path,
    train: Table | None,
) -> tuple[Floats, dict[str, tuple[str, ...]]]:
    """Returns the numbers of all feature columns, and the categories of categorical ones."""
    rows = len(next(iter(columns.values()), ()))
    features = np.empty((rows, len(wanted.features)))
    categories = dict[str, tuple[str, ...]]()
    for position, name in enumerate(wanted.features):
        column = columns.pop(name)
        if name in wanted.categorical:
            categories[name] = train.categories[name] if train else cells.categories(column)
            values = cells.category(column, name, dataset, path, categories[name])
        else:
            known = None if train is None else train.features[:, position]
            values = cells.feature(column, name, dataset, path, known)
        if train is None:
            cells.refuse_constant(values, name, path)
        features[:, position] = values
    return features, categories


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
