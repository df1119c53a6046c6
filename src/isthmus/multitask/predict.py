"""Scores of rows by the model of a finished run."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from pathlib import Path
from typing import IO

import pyarrow as pa
from msgspec.structs import replace
from pyarrow import parquet

from isthmus.data.spec import Dataset
from isthmus.multitask import model_file
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.feed.reading import read_unlabelled
from isthmus.multitask.feed.windows import WindowMaker
from isthmus.multitask.model_file import Model
from isthmus.multitask.network.trainer import Description, TorchTrainer
from isthmus.multitask.samples import ALL, Samples
from isthmus.multitask.spec import Multitask
from isthmus.outcomes import Predicted
from isthmus.paramserver.tables.kernels.updating import gather
from isthmus.paramserver.window import Float32s


class Scorer:
    """Predicts by a model, on the processor."""

    def __init__(self, model: Model) -> None:
        spec = on_cpu(model.description.spec)
        self._model = model
        self._trainer = TorchTrainer(Description(spec, model.description.seed))
        self._windows = WindowMaker(spec)

    def scores(self, samples: Samples) -> Float32s:
        """Predict the probability of every label.

        Args:
            samples: Encoded rows; their labels are not used.

        Returns:
            Shape (samples, tasks): that a label is 1, given that the labels before it are.
        """
        window = self._windows.make(0, [(ALL, samples)])
        values = self._model.values_of(window.keys)
        (batch,) = window.batches
        vectors = gather(values, batch.slots, values.shape[1])
        return self._trainer.predict(batch, vectors, self._model.dense)


def predict(folder: Path, rows: Dataset, out: IO[bytes]) -> Predicted:
    """Score the rows of a file.

    Args:
        folder: The folder of the model.
        rows: The file: with the columns of the features, and not necessarily of the labels.
        out: A Parquet file: a column per task, a row for each row of the file.

    Returns:
        How many rows there are.

    Raises:
        SpecError: There is no model, or the rows do not fit it.
    """
    model = model_file.read(folder)
    spec = model.description.spec
    scorer, inputs = Scorer(model), Inputs(rows, Path(), model.description.seed)
    schema = pa.schema([(task, pa.float32()) for task in spec.tasks])
    count = 0
    with parquet.ParquetWriter(out, schema) as writer:
        for samples in read_unlabelled(spec, inputs):
            columns = [pa.array(column) for column in scorer.scores(samples).T]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            count += len(samples)
    return Predicted(rows=count, columns=tuple(spec.tasks))


def on_cpu(spec: Multitask) -> Multitask:
    """Returns a job's table for a machine without a graphics card."""
    return replace(spec, server=replace(spec.server, device="cpu"))
