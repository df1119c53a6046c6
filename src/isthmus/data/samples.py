"""A party's samples for a network: rows of numbers, images or texts."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.core import seeds
from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.data import features, sources
from isthmus.data.features import Cells
from isthmus.data.plain import mask, pc, text_of
from isthmus.data.problems import Problems
from isthmus.data.spec import Dataset, SampleType

LARGEST = 1e30
"""The largest number of a cell: in single precision its square is still finite."""


@dataclass(frozen=True)
class Samples:
    """Samples of one type, and the class of each where the dataset has labels."""

    type: SampleType
    inputs: NDArray[np.float32]
    """Shape (rows, columns), in the columns' own units; no columns if the type is text."""

    names: tuple[str, ...] = ()
    """Name of each column."""

    texts: tuple[str, ...] = ()
    """Text of each row if the type is text, else empty."""

    labels: tuple[str, ...] | None = None
    """Name of the class of each row; None if the dataset declares no label."""

    translations: tuple[tuple[str, ...], ...] = ()
    """Texts of each row in every further column, column by column, if the type is text."""

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Integers) -> "Samples":
        """Returns the samples at these positions, in this order."""
        places = rows.tolist()
        return Samples(
            type=self.type,
            inputs=self.inputs[rows],
            names=self.names,
            texts=tuple(self.texts[row] for row in places) if self.texts else (),
            translations=tuple(tuple(it[row] for row in places) for it in self.translations),
            labels=None if self.labels is None else tuple(self.labels[row] for row in places),
        )

    def split(self, share: float, seed: int, party: str) -> tuple["Samples", "Samples"]:
        """Split the samples at random, in the same way in every run of a job.

        Args:
            share: Share of the samples that are held out.
            seed: The job's seed.
            party: Name of the party that has the samples.

        Returns:
            Training samples, and held-out samples.
        """
        order = seeds.generator(seed, "held out", party).permutation(len(self))
        held_out = round(share * len(self))
        return self.take(np.sort(order[held_out:])), self.take(np.sort(order[:held_out]))


def pooled(parts: Sequence[Samples]) -> Samples:
    """Concatenate the samples of several parties, for the pooled model of a simulation.

    Args:
        parts: At least one, all of one type and with the same columns.

    Returns:
        All rows; with labels if every part has labels.
    """
    labels = [part.labels for part in parts]
    return Samples(
        type=parts[0].type,
        inputs=np.concatenate([part.inputs for part in parts]),
        names=parts[0].names,
        texts=tuple(text for part in parts for text in part.texts),
        translations=tuple(
            tuple(text for part in column for text in part)
            for column in zip(*(part.translations for part in parts), strict=True)
        ),
        labels=None if None in labels else tuple(it for part in labels for it in part or ()),
    )


def load(dataset: Dataset, folder: Path) -> Samples:
    """Read and check a dataset. No error quotes a cell of it.

    Args:
        dataset: Its table in the party file.
        folder: The folder of the party file.

    Returns:
        All rows, in the order of the file.

    Raises:
        SpecError: The file or a column of it is not what the dataset says.
    """
    _check_used(dataset, dataset.where(folder))
    source = sources.opened(dataset, folder)
    wanted = source.columns()
    problems = Problems(source.where)
    rows = source.read(wanted, problems)

    def about(name: str) -> Cells:
        return Cells(name, rows.columns[name], dataset, rows.places, problems, numbers_only=True)

    texts: tuple[tuple[str, ...], ...] = ()
    inputs = np.empty(
        (len(rows), 0 if dataset.type == "text" else len(wanted.features)), np.float32
    )
    if dataset.type == "text":
        texts = tuple(_words(about(name)) for name in wanted.features)
    else:
        for position, name in enumerate(wanted.features):
            inputs[:, position] = _input(about(name))
    labels = None if wanted.label is None else _words(about(wanted.label))
    problems.refuse()
    first, others = (texts[0], texts[1:]) if texts else ((), ())
    return Samples(dataset.type, inputs, wanted.features, first, labels, others)


def _input(cells: Cells) -> Floats:
    values, _ = features.feature(cells, None)
    large = np.abs(values) > LARGEST
    one, many = f"is beyond {LARGEST:g}", f"are beyond {LARGEST:g}"
    cells.refuse(large, one, many, ", too large for a network. Give it in another unit.")
    return np.where(large, 0.0, values)


def _check_used(dataset: Dataset, where: str) -> None:
    for key in ("exposure", "offset"):
        if getattr(dataset, key):
            raise SpecError(
                f"{where}: `{key}` is for a [regression], and this job trains a network on the "
                "data set. Take it out."
            )
    for key in ("categorical", "monotone", "weight"):
        if getattr(dataset, key):
            raise SpecError(
                f"{where}: `{key}` is for boosted trees, and this job trains a network on the data "
                "set. Take it out."
            )
    if dataset.missing == "keep":
        raise SpecError(
            f'{where}: `missing = "keep"` is for boosted trees: a network needs a number in every '
            'cell. Set it to "mean" or to a number.'
        )


def _words(cells: Cells) -> tuple[str, ...]:
    text, no_text = text_of(cells.column)
    cells.refuse(no_text, "is not UTF-8", "are not UTF-8", ". Export the data as UTF-8.")
    empty = mask(pc.is_null(text)) & ~no_text
    cells.refuse(empty, "is empty", "are empty", ". Remove these rows.")
    return tuple(text.to_pylist())
