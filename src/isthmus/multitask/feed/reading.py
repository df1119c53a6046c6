"""Reading samples to test on and to predict: their labels are final, none waits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.data.batches import BlockReader
from isthmus.multitask.feed.features import Encoder
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.feed.joining import Joiner
from isthmus.multitask.samples import Samples, take
from isthmus.multitask.spec import Multitask


@dataclass(frozen=True)
class FinalBlock:
    """Samples whose labels are final."""

    samples: Samples
    extra: Mapping[str, Floats]
    """The columns of amounts that were asked for besides, by name; NaN where a cell is empty."""


def read_final(spec: Multitask, inputs: Inputs, extra: Sequence[str] = ()) -> Iterator[FinalBlock]:
    """Read samples with their final labels, block by block: to test on, and to compare models with.

    Args:
        spec: The `[multitask]` table.
        inputs: What to read. Conversions within the window are joined if the data set has the
            columns of key and time; otherwise labels are those in its own column.
        extra: Columns to return besides, such as the known probabilities of tasks.

    Yields:
        Blocks of up to 8192 rows, in the order of the data.

    Raises:
        SpecError: The data are not as the job says.
    """
    joiner = Joiner(spec, inputs, extra)
    for joined in joiner.read():
        rows = np.flatnonzero(joiner.chosen(joined.samples))
        yield FinalBlock(
            take(joined.samples, rows), {name: each[rows] for name, each in joined.extra.items()}
        )


def read_unlabelled(spec: Multitask, inputs: Inputs) -> Iterator[Samples]:
    """Read samples to predict: their data set needs the columns of features alone.

    Args:
        spec: The `[multitask]` table.
        inputs: What to read, all of it.

    Yields:
        Blocks of up to 8192 rows, in the order of the data; all labels are missing.

    Raises:
        SpecError: The data are not as the job says.
    """
    encoder = Encoder(spec, labelled=False)
    reader = BlockReader(inputs.dataset, inputs.folder, encoder.columns)
    for block in reader.blocks():
        yield encoder.encode(block.rows, block.place.total, block.where)
