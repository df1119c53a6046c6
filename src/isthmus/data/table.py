"""Rows of one party in memory: checked once, here, so that no role has to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.data import sources
from isthmus.data.identifiers import Normalisation, normalise
from isthmus.data.sources import LARGEST, Column, Dataset


@dataclass(frozen=True)
class Table:
    """Rows of one party. Every number is finite and every identifier occurs once."""

    identifiers: list[bytes]
    """Normalised key of each row."""

    features: Floats
    """Shape (rows, columns), in the columns' own units."""

    names: tuple[str, ...]
    """Name of each feature column."""

    label: Floats | None = None
    """Shape (rows,), or None where the dataset declares no label."""

    def __len__(self) -> int:
        return len(self.identifiers)

    def take(self, rows: Integers) -> "Table":
        """The rows at these positions, in this order."""
        return Table(
            identifiers=[self.identifiers[row] for row in rows.tolist()],
            features=self.features[rows],
            names=self.names,
            label=None if self.label is None else self.label[rows],
        )


def load(
    dataset: Dataset,
    folder: Path,
    steps: Sequence[Normalisation],
    train: Table | None = None,
) -> Table:
    """Read and check a dataset.

    No error quotes an identifier, a label or a feature value.

    Args:
        dataset: What the party file says.
        folder: The folder of the party file.
        steps: How the job wants identifiers normalised.
        train: The rows trained on, when these are to be scored: missing cells take the means from
            there, and a column may hold one single value.

    Returns:
        All rows of the file, in its order.

    Raises:
        SpecError: The file or a column of it is not what the dataset says.
    """
    path = dataset.resolve(folder)
    wanted = sources.columns(dataset, folder)
    columns = sources.read(dataset, folder, wanted)
    if train is not None and wanted.features != train.names:
        raise SpecError(
            f"{path}: its columns are not those of the rows trained on. Give both data sets the "
            "same `columns`."
        )
    identifiers = normalise({name: columns[name] for name in wanted.identifiers}, steps, path)
    _refuse_duplicates(identifiers, path)
    features = np.empty((len(identifiers), len(wanted.features)))
    for position, name in enumerate(wanted.features):
        mean = None if train is None else float(train.features[:, position].mean())
        values = _feature(columns.pop(name), name, dataset, path, mean)
        if train is None and values.min() == values.max():
            raise SpecError(
                f"{path}: column {name!r} has one single value in all {len(values)} rows, so that "
                "nothing can be learnt from it. Leave it out of `columns`."
            )
        features[:, position] = values
    label = None if wanted.label is None else _label(columns[wanted.label], wanted.label, path)
    return Table(identifiers, features, wanted.features, label)


def _refuse_duplicates(identifiers: list[bytes], path: Path) -> None:
    distinct = len(set(identifiers))
    if distinct < len(identifiers):
        raise SpecError(
            f"{path}: its {len(identifiers)} rows have only {distinct} different identifiers after "
            "normalisation. Keep one row for each."
        )


def _feature(column: Column, name: str, dataset: Dataset, path: Path, mean: float | None) -> Floats:
    values = _numbers(column, name, path, "Encode it as numbers, or leave it out of `columns`.")
    missing = np.isnan(values)
    count = int(missing.sum())
    if count == len(values):
        raise SpecError(
            f"{path}: column {name!r} is empty in all {count} rows. Leave it out of `columns`."
        )
    if count and dataset.missing == "error":
        raise SpecError(
            f"{path}: column {name!r} is empty in {count} of {len(values)} rows. Set `missing` to "
            '"mean" or to a number, or leave the column out of `columns`.'
        )
    if count:
        own_mean = values[~missing].mean() if mean is None else mean
        values = np.where(
            missing, own_mean if dataset.missing == "mean" else dataset.missing, values
        )
    return values


def _label(column: Column, name: str, path: Path) -> Floats:
    values = _numbers(column, name, path, "Encode it as numbers, for example as 0 and 1.")
    missing = int(np.isnan(values).sum())
    if missing:
        raise SpecError(
            f"{path}: the label {name!r} is empty in {missing} of {len(values)} rows. Remove these "
            "rows."
        )
    return values


def _numbers(column: Column, name: str, path: Path, advice: str) -> Floats:
    values = sources.numbers(column)
    if values is None:
        raise SpecError(f"{path}: column {name!r} holds {column.type}, not numbers. {advice}")
    infinite = int((np.abs(values) > LARGEST).sum())
    if infinite:
        raise SpecError(
            f"{path}: column {name!r} is infinite in {infinite} of {len(values)} rows, or beyond "
            f"{LARGEST:g}. Replace these cells by numbers, or leave them empty."
        )
    return values
