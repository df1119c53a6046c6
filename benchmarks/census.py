# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Census-Income (KDD), the published test half: who earns over 50,000, and who never married?

Rows are split once, by a seed of its own, into parts to train on, to validate by and to test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray
from pyarrow import csv, parquet

from isthmus.core.errors import SpecError
from isthmus.core.seeds import generator

pc = cast(Any, pyarrow.compute)  # its functions are made at import

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SHARES: Mapping[str, float] = {TRAIN: 0.7, VALIDATION: 0.15, TEST: 0.15}
"""Share of the rows in each part."""

INCOME, MARRIAGE = "income", "never_married"
TASKS = (INCOME, MARRIAGE)

AMOUNTS = (
    "age",
    "wage_per_hour",
    "capital_gains",
    "capital_losses",
    "dividends",
    "persons_worked",
    "weeks_worked",
)

COLUMNS = (
    *("age", "class_of_worker", "industry_code", "occupation_code", "education", "wage_per_hour"),
    *("enrolled", "marital_status", "industry", "occupation", "race", "hispanic", "sex", "union"),
    *("unemployed", "employment", "capital_gains", "capital_losses", "dividends", "tax_filer"),
    *("previous_region", "previous_state", "household", "household_summary", "weight"),
    *("migration_msa", "migration_region", "migration_within", "same_house", "sunbelt"),
    *("persons_worked", "parents", "father", "mother", "born", "citizenship", "own_business"),
    *("questionnaire", "veterans", "weeks_worked", "year", "income"),
)
"""Of the file, in its order."""

LEFT_OUT = ("marital_status", "weight", "income")
CATEGORIES = tuple(name for name in COLUMNS if name not in (*AMOUNTS, *LEFT_OUT))


Table = Any
"""A `pyarrow.Table`, which has no type."""


@dataclass(frozen=True)
class Encoding:
    """How columns become features."""

    buckets: int
    """Most buckets of an amount, besides that of the least one."""

    least: int
    """Training rows with a category that has a row in the table; rarer ones share the default."""


@dataclass(frozen=True)
class Census:
    """The rows of each part, by its name: inputs, and a column of 0 and 1 for each task."""

    parts: Mapping[str, Table]

    def labels(self, part: str) -> NDArray[np.float64]:
        """Returns the labels of a part, shape (rows, tasks)."""
        columns = [self.parts[part].column(task).to_numpy() for task in TASKS]
        return np.stack(columns, axis=1).astype(np.float64)


def read(path: Path, seed: int = 0) -> Census:
    """Read the published file and split it.

    Args:
        path: The file, compressed by gzip.
        seed: Of the split.

    Returns:
        The parts.

    Raises:
        SpecError: The file is not there.
    """
    if not path.is_file():
        raise SpecError(f"{path} is not there: set ISTHMUS_BENCH_MULTITASK to its folder.")
    options = csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pa.string()))
    raw = csv.read_csv(path, csv.ReadOptions(column_names=list(COLUMNS)), None, options)
    text = {name: pc.utf8_trim_whitespace(raw.column(name)) for name in COLUMNS}
    columns = {name: text[name].cast(pa.float64()) for name in AMOUNTS}
    columns |= {name: text[name] for name in CATEGORIES}
    columns[INCOME] = pc.equal(text["income"], "50000+.").cast(pa.int8())
    columns[MARRIAGE] = pc.equal(text["marital_status"], "Never married").cast(pa.int8())
    table = pa.table(columns)
    order = generator(seed, "census", "split").permutation(len(table))
    ends = np.round(np.cumsum([0, *SHARES.values()]) * len(table)).astype(int)
    return Census(
        {
            name: table.take(np.sort(order[begin:end]))
            for name, (begin, end) in zip(SHARES, pairwise(ends), strict=True)
        }
    )


def without_labels(table: Table, task: str, share: float, seed: int) -> Table:
    """Leave only a share of the labels of a task.

    Args:
        table: Rows.
        task: Whose labels.
        share: Of the rows that keep their label, drawn by the seed.
        seed: Of the draw.

    Returns:
        The rows; cells of labels that are gone are empty.
    """
    kept = generator(seed, "census", "labels").permutation(len(table)) < round(share * len(table))
    place = table.column_names.index(task)
    found = pc.if_else(pa.array(kept), table.column(task), pa.scalar(None, pa.int8()))
    return table.set_column(place, task, found)


def shuffled(table: Table, seed: int) -> Table:
    """Returns the rows in an order that the seed decides."""
    return table.take(generator(seed, "census", "order").permutation(len(table)))


def boundaries(amounts: NDArray[np.float64], most: int) -> Sequence[float]:
    """Where the buckets of a column begin: quantiles of its amounts above the least one.

    Args:
        amounts: Of training rows.
        most: Most buckets above that of the least amount.

    Returns:
        Rising.
    """
    above = np.unique(amounts)[1:]
    if len(above) > most:
        spread = amounts[amounts >= above[0]]
        above = np.unique(np.quantile(spread, np.arange(most) / most, method="lower"))
    return cast(list[float], above.tolist())


def features(train: Table, encoding: Encoding) -> dict[str, dict[str, Any]]:
    """The table `[multitask.features]` of a job, from what is in training rows alone.

    Args:
        train: The rows.
        encoding: How.

    Returns:
        Categories with a vocabulary, amounts in buckets, and once more as they are: those columns
        end in `_amount`.
    """
    found = dict[str, dict[str, Any]]()
    for name in CATEGORIES:
        counts = train.column(name).value_counts().to_pylist()
        values = sorted(str(it["values"]) for it in counts if it["counts"] >= encoding.least)
        found[name] = {"kind": "vocabulary", "values": values}
    for name in AMOUNTS:
        amounts = train.column(name).to_numpy()
        found[name] = {"kind": "buckets", "boundaries": boundaries(amounts, encoding.buckets)}
        log = np.log1p(amounts)
        found[f"{name}_amount"] = {
            "kind": "number",
            "scale": "log",
            "mean": float(log.mean()),
            "deviation": float(log.std()),
        }
    return found


def codes(column: Any, learned: Any) -> NDArray[np.float64]:
    """Number the categories of a column.

    Args:
        column: The cells.
        learned: The same column of the training rows.

    Returns:
        A number for each cell; NaN for a category that is not in training rows.
    """
    known = pc.index_in(column, learned.unique().sort())
    found: NDArray[np.float64] = known.cast(pa.float64()).to_numpy()
    return found


def write(table: Table, path: Path) -> None:
    """Write rows as a data set of a job, with the columns that end in `_amount`."""
    for name in AMOUNTS:
        table = table.append_column(f"{name}_amount", table.column(name))
    parquet.write_table(table, path)
