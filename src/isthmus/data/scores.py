"""Scores of rows in the form of the table that the rows came from: joins find every row.

| column              | type            | what it is                                              |
|---------------------|-----------------|---------------------------------------------------------|
| identifier columns  | as in the file  | under their own names, with their own spelling          |
| row                 | int64           | number of the row in the file, from 0                   |
| label               | float64         | where it is known, else null; absent if no row has one  |
| score               | float64         | expected label, or probability of label 1               |
| score_0, score_1... | float64         | with several classes: probability of each               |
| predicted_class     | int64           | with several classes: the most probable one             |
| decision            | bool            | in place of a score: whether it is above the job's cut  |
| score_active_only   | float64         | the same of a model on this party's columns only        |

Where an identifier column has one of these names, ours gets a `_` at its end.
"""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from isthmus.core.arrays import Bools, Floats
from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.data.table import Table

CSV = ".csv"

_KEYS = b"isthmus.keys"
"""Says in the metadata of a file how many of its columns are identifiers: ours come after them."""

_CLASS = re.compile(r"score_[0-9]+")


@dataclass(frozen=True)
class Scores:
    """Scores of rows, with the labels that are known."""

    rows: Table
    scores: Floats
    """Expected labels, shape (rows,), or probabilities of classes, shape (classes, rows)."""

    alone: Floats | None = None
    """Expected labels by a model on this party's columns only, if the job is joint."""

    decided: bool = False
    """Whether a score is a decision: 1 if the expected label is above a cut, else 0."""

    def table(self) -> Any:
        """Returns a `pyarrow.Table` with the columns of the table above, in the file's order."""
        return beside_keys(self.rows, self._columns())

    def save(self, path: Path) -> None:
        """Write the scores: as CSV where the name says so, else as Parquet."""
        with written(path) as file:
            self.write(file, as_csv=path.suffix == CSV)

    def write(self, file: IO[bytes], *, as_csv: bool = False) -> None:
        """Write the scores into an open file."""
        if as_csv:
            csv.write_csv(self.table(), file)
        else:
            parquet.write_table(self.table(), file)

    def _columns(self) -> dict[str, Any]:
        found = dict[str, Any]()
        label = self.rows.label
        if label is not None and not np.isnan(label).all():
            found["label"] = pa.array(label, from_pandas=True)  # a label that is NaN is unknown
        if self.decided:
            found["decision"] = self.scores > 0
        elif self.scores.ndim == 1:
            found["score"] = self.scores
        else:
            found |= {f"score_{number}": each for number, each in enumerate(self.scores)}
            found["predicted_class"] = self.scores.argmax(axis=0)
        return found | ({} if self.alone is None else {"score_active_only": self.alone})


def beside_keys(rows: Table, columns: Mapping[str, Any]) -> Any:
    """Put columns beside the identifiers of rows, in the order of their file.

    Args:
        rows: The rows.
        columns: A value for each of them, by name.

    Returns:
        A `pyarrow.Table`; where an identifier column has one of the names, ours gets a `_`.
    """
    numbers = np.arange(len(rows)) if rows.positions is None else rows.positions
    keys = pa.table({}) if rows.keys is None else rows.keys
    found = dict[str, Any](zip(keys.column_names, keys.columns, strict=True))
    for name, values in {"row": numbers, **columns}.items():
        free = name
        while free in found:
            free += "_"
        found[free] = values
    table = pa.table(found).replace_schema_metadata({_KEYS: str(keys.num_columns)})
    return table.take(np.argsort(numbers, kind="stable"))


def save_beside_keys(rows: Table, columns: Mapping[str, Any], path: Path) -> None:
    """Write columns beside the identifiers of rows, as Parquet."""
    with written(path) as file:
        parquet.write_table(beside_keys(rows, columns), file)


@contextmanager
def written(path: Path) -> Generator[IO[bytes]]:
    """Open a file that nobody but its owner can read, and write it."""
    with disk_full_is_error(path):
        path.touch(mode=0o600)  # so that nobody else can ever read it
        with path.open("wb") as file:
            yield file


@dataclass(frozen=True)
class StoredScores:
    """Scores of rows that `Scores.save` wrote as Parquet."""

    labels: Floats
    """Shape (rows,); NaN where unknown."""

    predictions: Floats
    """Shape (rows,), or (classes, rows) with several classes; decisions are 0 and 1."""

    alone: Floats | None = None
    """By a model on one party's columns only, shape (rows,), if there are any."""

    @classmethod
    def load(cls, path: Path) -> "StoredScores":
        """Read scores.

        Args:
            path: The file.

        Returns:
            The scores.

        Raises:
            SpecError: The file is missing or holds no scores.
        """
        try:
            table = parquet.read_table(path)
            first = int((table.schema.metadata or {})[_KEYS])
            ours = {
                name.rstrip("_"): table.column(place)
                for place, name in enumerate(table.column_names)
                if place >= first
            }
            classes = [
                each.to_numpy() for name, each in ours.items() if _CLASS.fullmatch(name) is not None
            ]
            return cls(
                labels=_labels(ours.get("label"), len(table)),
                predictions=np.stack(classes) if classes else _predictions(ours),
                alone=ours["score_active_only"].to_numpy() if "score_active_only" in ours else None,
            )
        except (pa.ArrowException, OSError, KeyError, ValueError):
            raise SpecError(
                f"{path}: holds no predictions. The run that wrote it did not finish."
            ) from None

    def labelled(self) -> "StoredScores":
        """Returns the rows whose label is known."""
        known: Bools = ~np.isnan(self.labels)
        alone = None if self.alone is None else self.alone[known]
        return StoredScores(self.labels[known], self.predictions[..., known], alone)


def copy_as_csv(scores: IO[bytes], out: IO[bytes]) -> None:
    """Write scores that lie in a Parquet file as CSV."""
    csv.write_csv(parquet.read_table(scores), out)


def _predictions(ours: dict[str, Any]) -> Floats:
    found: Floats = (ours["score"] if "score" in ours else ours["decision"]).to_numpy()
    return found.astype(np.float64)


def _labels(column: Any, rows: int) -> Floats:
    if column is None:
        return np.full(rows, np.nan)
    values: Floats = column.to_numpy()
    return values
