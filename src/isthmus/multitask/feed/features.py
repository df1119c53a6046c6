"""Encoding: columns of text, whole numbers and amounts become ids, amounts and labels."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

from isthmus.core.errors import SpecError
from isthmus.data.kinds import Kind
from isthmus.multitask.feed import cells
from isthmus.multitask.feed.cells import Column
from isthmus.multitask.samples import Lists, Samples
from isthmus.multitask.spec import (
    Amount,
    Bucketed,
    Feature,
    Hashed,
    Identifier,
    Multitask,
    SparseFeature,
    Vocabulary,
    given,
    sparse_features,
)
from isthmus.paramserver.window import DEFAULT, Float32s, Int64s

pc = cast(Any, pyarrow.compute)  # its functions are made at import

Encode = Callable[[Column], Int64s]
"""Makes ids of the values of a column."""


class Encoder:
    """Encodes rows for one job."""

    def __init__(
        self, spec: Multitask, *, labelled: bool = True, absent: Collection[str] = ()
    ) -> None:
        """Prepare vocabularies and boundaries.

        Args:
            spec: The `[multitask]` table.
            labelled: Whether the rows have labels; otherwise all labels of theirs are missing.
            absent: Names of tasks whose label the rows have no column of.

        Raises:
            SpecError: A feature or a task contradicts itself.
        """
        self._spec = spec
        self._given = given(spec)
        self._sparse = {
            name: (feature, _encode(name, feature))
            for name, feature in sparse_features(spec).items()
        }
        self._amounts = {
            name: feature for name, feature in spec.features.items() if isinstance(feature, Amount)
        }
        self._labels = [
            task.label if labelled and name not in absent else None
            for name, task in spec.tasks.items()
        ]

    @property
    def columns(self) -> Mapping[str, Kind]:
        """The columns that rows must have, and what they hold."""
        found: dict[str, Kind] = {name: "number" for name in self._labels if name is not None}
        for name, feature in self._spec.features.items():
            found[name] = _kind(feature)
        return found

    def encode(self, batch: Any, first: int, where: str) -> Samples:
        """Encode rows.

        Args:
            batch: An Arrow record batch with at least `columns`.
            first: Number of its first row in the data.
            where: The file, for errors.

        Returns:
            The samples. A label counts only where that of `given` is 1: otherwise it is missing,
            or 0 if the job learns from the entire space.

        Raises:
            SpecError: A cell does not hold what its column should.
        """

        def column(name: str) -> Column:
            return Column(batch.column(name), name, where)

        rows: int = batch.num_rows
        single = [item for item in self._sparse.items() if item[1][0].many is None]
        ids = np.empty((rows, len(single)), np.int64)
        for place, (name, (_, encode)) in enumerate(single):
            ids[:, place] = encode(column(name))
        several = [
            _lists(column(name), feature, encode)
            for name, (feature, encode) in self._sparse.items()
            if feature.many is not None
        ]
        numbers = np.empty((rows, len(self._amounts)), np.float32)
        for place, (name, feature) in enumerate(self._amounts.items()):
            numbers[:, place] = _scaled(column(name), feature)
        labels = np.full((rows, len(self._labels)), np.nan, np.float32)
        for task, label in enumerate(self._labels):
            if label is not None:
                labels[:, task] = cells.labels(column(label))
        return Samples(
            ids=ids,
            lists=tuple(several),
            numbers=numbers,
            labels=labels,
            weights=np.ones_like(labels),
            position=np.arange(first, first + rows),
        )

    def restrict(self, samples: Samples) -> Samples:
        """Leave out the labels that do not count.

        Args:
            samples: Samples with the labels of all tasks, each for itself.

        Returns:
            The same samples. A label counts only where that of `given` is 1: otherwise it is
            missing, or 0 if the job learns from the entire space and that of `given` is 0.
        """
        labels = samples.labels
        for task, before in self._given:
            if before is not None:
                instead = np.where(
                    self._spec.entire_space & (labels[:, before] == 0), 0, np.nan
                ).astype(np.float32)
                labels[:, task] = np.where(labels[:, before] == 1, labels[:, task], instead)
        return samples


def _kind(feature: Feature) -> Kind:
    if isinstance(feature, SparseFeature) and feature.many is not None:
        return "any"
    match feature:
        case Identifier():
            return "integer"
        case Hashed() | Vocabulary():
            return "any"
        case _:
            return "number"


def _encode(name: str, feature: SparseFeature) -> Encode:
    """Prepare to encode a feature.

    Args:
        name: Its column.
        feature: The feature.

    Returns:
        Makes ids of the values of its column.

    Raises:
        SpecError: It contradicts itself.
    """
    match feature:
        case Identifier():
            whole = pa.int64() if feature.many is not None else None
            return lambda column: cells.identifiers(cells.parsed(column, whole))
        case Hashed():
            return lambda column: _into_buckets(cells.hashes(column), feature.buckets)
        case Vocabulary():
            known = pa.array(feature.values, pa.string())
            if len(set(feature.values)) < len(feature.values):
                raise SpecError(
                    f"`features.{name}.values` has values twice: give each of them once."
                )
            return lambda column: _of_vocabulary(column, known)
        case _:
            bucketed = cast(Bucketed, feature)
            boundaries = np.array(bucketed.boundaries)
            if (np.diff(boundaries) <= 0).any():
                raise SpecError(f"`features.{name}.boundaries` must rise from each to the next.")
            kind = pa.float64() if bucketed.many is not None else None
            return lambda column: _of_buckets(cells.parsed(column, kind), boundaries)


def _into_buckets(ids: Int64s, buckets: int | None) -> Int64s:
    return ids if buckets is None else np.where(ids == DEFAULT, DEFAULT, ids % buckets)


def _of_vocabulary(column: Column, known: Any) -> Int64s:
    found = pc.index_in(cells.texts(column).cast(pa.string()), known)
    ids: Int64s = found.fill_null(DEFAULT).to_numpy(zero_copy_only=False).astype(np.int64)
    return ids


def _of_buckets(column: Column, boundaries: Any) -> Int64s:
    values = cells.amounts(column)
    found = np.searchsorted(boundaries, values, side="right").astype(np.int64)
    return np.where(np.isnan(values), DEFAULT, found)


def _lists(column: Column, feature: SparseFeature, encode: Encode) -> Lists:
    values, lengths = cells.lists(column, feature.separator)
    return Lists(encode(values), lengths)


def _scaled(column: Column, feature: Amount) -> Float32s:
    values = cells.amounts(column)
    values = np.where(np.isnan(values), feature.missing, values)
    if feature.scale == "log":
        values = np.copysign(np.log1p(np.abs(values)), values)
    with np.errstate(over="ignore"):
        scaled = ((values - feature.mean) / feature.deviation).astype(np.float32)
    large = np.count_nonzero(~np.isfinite(scaled))
    if large:
        raise column.error(
            f"has {large} amounts that are too large for a layer even when scaled",
            'Correct the file, or give the feature `scale = "log"` or a larger `deviation`.',
        )
    return scaled
