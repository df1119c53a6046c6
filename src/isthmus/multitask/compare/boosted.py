# scipy and XGBoost have no types that say enough:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Boosted trees of XGBoost on the same columns, to compare with.

One model per task. Features with few ids are categories; those with many, such as users, are
numbers or categories, whichever does better on the newest training rows. A feature with several ids
per cell is a column for each of its most frequent ids. Empty cells are missing, as XGBoost has it.
"""

import importlib.util
import os
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.multitask.compare.measuring import measured_rows
from isthmus.multitask.samples import Lists, Samples, concatenate, take
from isthmus.multitask.spec import Identifier, Multitask, SparseFeature, sparse_features
from isthmus.paramserver.window import DEFAULT, Float32s, Int64s

_OPTIONS = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 7,
    "eta": 0.2,
    "min_child_weight": 5.0,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
}
_TREES, _PATIENCE = 120, 10
_NEWEST = 0.1
"""Share of the training rows, the newest, that tell when to stop and which columns do better."""

_TRIED = 30_000
"""Rows, the newest, on which both kinds of columns are tried."""

_FEW = 100
"""A feature with more ids than that is one with many."""

_MOST_COLUMNS = 1024
"""Most columns of a feature with several ids per cell."""


def is_installed() -> bool:
    """Returns whether there is XGBoost: the extra `compare`."""
    return importlib.util.find_spec("xgboost") is not None


def newest(blocks: Iterable[Samples], most: int) -> Samples | None:
    """Returns the last samples of a stream, at most so many; None if there are none."""
    parts, extra = deque[Samples](), -most
    for block in blocks:
        parts.append(block)
        extra += len(block)
        while parts and extra >= len(parts[0]):
            extra -= len(parts.popleft())
    if not parts:
        return None
    found = concatenate(parts)
    return take(found, np.arange(max(extra, 0), len(found)))


def predict(spec: Multitask, train: Samples | None, test: Samples, seed: int) -> Floats | None:
    """Train boosted trees and predict.

    Args:
        spec: The `[multitask]` table.
        train: Rows to train on, by time, with final labels.
        test: Rows to predict.
        seed: Draws the rows and columns of each tree.

    Returns:
        Probabilities, shape (rows, tasks), NaN for a task whose training rows have one label only;
        None if XGBoost is not installed, or there are no rows to train on.
    """
    if train is None or not is_installed():
        return None
    options = _OPTIONS | {"seed": seed % 2**31, "nthread": len(os.sched_getaffinity(0))}
    columns = {many: _Columns.fit(spec, train, many) for many in ("q", "c")}
    scores = np.full((len(test), len(spec.tasks)), np.nan)
    for number in range(len(spec.tasks)):
        rows = np.flatnonzero(measured_rows(spec, train.labels, number))
        label = train.labels[rows, number]
        if _single(label[: -_held(len(label))]):
            continue
        chosen = _stronger(columns, train, rows, number, options)
        model = _fit(columns[chosen], take(train, rows), number, options)
        scores[:, number] = _predict(model, columns[chosen].matrix(test))
    return scores


def _stronger(
    columns: dict[str, "_Columns"],
    train: Samples,
    rows: NDArray[np.intp],
    number: int,
    options: dict[str, Any],
) -> str:
    """Returns the kind of columns that does better on the newest of some rows."""
    some = take(train, rows[-_TRIED:])
    label = some.labels[:, number]
    if _single(label[: -_held(len(label))]) or not any(each.has_many for each in columns.values()):
        return "q"
    losses = {kind: _fit(each, some, number, options).best_score for kind, each in columns.items()}
    return min(losses, key=lambda kind: losses[kind])


def _fit(columns: "_Columns", samples: Samples, number: int, options: dict[str, Any]) -> Any:
    import xgboost  # noqa: PLC0415 - an extra

    held = _held(len(samples))
    label = samples.labels[:, number]
    matrix = columns.matrix(samples)
    parts = [
        xgboost.DMatrix(
            matrix[part], label[part], feature_types=columns.types, enable_categorical=True
        )
        for part in (slice(None, -held), slice(-held, None))
    ]
    return xgboost.train(
        options,
        parts[0],
        _TREES,
        evals=[(parts[1], "newest")],
        early_stopping_rounds=_PATIENCE,
        verbose_eval=False,
    )


def _predict(model: Any, matrix: Any) -> Floats:
    import xgboost  # noqa: PLC0415 - an extra

    data = xgboost.DMatrix(matrix, feature_types=model.feature_types, enable_categorical=True)
    best: int = model.best_iteration + 1
    return np.asarray(model.predict(data, iteration_range=(0, best)), np.float64)


def _held(rows: int) -> int:
    return max(int(rows * _NEWEST), 1)


def _single(label: Float32s) -> bool:
    return not len(label) or bool((label == label[0]).all())


@dataclass(frozen=True)
class _Columns:
    """How samples become columns; ids are numbered by their values in the training rows."""

    ids: Sequence[Int64s]
    """The known ids of each feature with one id, sorted."""

    lists: Sequence[Int64s]
    """The most frequent ids of each feature with several, sorted."""

    types: list[str]
    """For XGBoost: "q" a number, "c" a category."""

    has_many: bool
    """Whether there is a feature that may be either."""

    @classmethod
    def fit(cls, spec: Multitask, train: Samples, many: str) -> "_Columns":
        """Choose the columns.

        Args:
            spec: The `[multitask]` table.
            train: The training rows.
            many: Type of the columns of features with many ids.

        Returns:
            The columns.
        """
        sparse = list(sparse_features(spec).values())
        single = [each for each in sparse if each.many is None]
        ids = [np.unique(column[column != DEFAULT]) for column in train.ids.T]
        lists = [_most_frequent(each.ids) for each in train.lists]
        large = [len(known) > _FEW for known in ids]
        types = [
            many if is_large else _type_of(feature)
            for feature, is_large in zip(single, large, strict=True)
        ]
        amounts = sum(map(len, lists)) + train.numbers.shape[1]
        return cls(ids, lists, [*types, *["q"] * amounts], any(large))

    def matrix(self, samples: Samples) -> Any:
        """Returns a sparse matrix, shape (samples, columns); what it leaves out is missing."""
        from scipy import sparse  # noqa: PLC0415 - it takes a while to load

        count = len(samples)
        rows, columns, values = list[Any](), list[Any](), list[Any]()

        def add(at: Any, column: Any, value: Any) -> None:
            rows.append(at)
            columns.append(np.broadcast_to(column, at.shape))
            values.append(np.broadcast_to(value, at.shape))

        for place, known in enumerate(self.ids):
            found, at = _numbered(samples.ids[:, place], known)
            add(at, place, found)
        first = len(self.ids)
        for known, lists in zip(self.lists, samples.lists, strict=True):
            found, at = _numbered(lists.ids, known)
            add(_rows_of(lists)[at], first + found, 1.0)
            first += len(known)
        for place in range(samples.numbers.shape[1]):
            add(np.arange(count), first + place, samples.numbers[:, place])
        cells = (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_matrix(
            (np.concatenate(values).astype(np.float32), cells), shape=(count, len(self.types))
        )


def _type_of(feature: SparseFeature) -> str:
    return "c" if not isinstance(feature, Identifier) else "q"


def _numbered(ids: Int64s, known: Int64s) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the numbers of the ids that are known, and where these ids are."""
    if not len(known):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    at = np.flatnonzero(known[place] == ids)
    return place[at], at


def _most_frequent(ids: Int64s) -> Int64s:
    known, counts = np.unique(ids[ids != DEFAULT], return_counts=True)
    return np.sort(known[np.argsort(-counts, kind="stable")[:_MOST_COLUMNS]])


def _rows_of(lists: Lists) -> NDArray[np.intp]:
    return np.repeat(np.arange(len(lists.lengths)), lists.lengths)
