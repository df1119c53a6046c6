"""Trains a model with several tasks on sparse features, through a tiered parameter server (S4, S5).

`docs/systems/s4.md` and `s5.md` name the function of each step of the sources.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.formats import is_pipe
from isthmus.data.spec import Dataset
from isthmus.multitask.data import Data
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.spec import Amount, Multitask, given
from isthmus.outcomes import Exported, LocalOutcome, LocalTrained, Predicted
from isthmus.store.runs import Run
from isthmus.system import LocalInputs


def check(spec: Multitask) -> None:
    """Refuse a table that contradicts itself.

    Args:
        spec: The `[multitask]` table.

    Raises:
        SpecError: A task or feature cannot be what it says.
    """
    if all(isinstance(feature, Amount) for feature in spec.features.values()):
        raise SpecError(
            "[multitask] needs a feature with ids (id, hash, vocabulary or buckets): for amounts "
            "alone, train a [baseline]."
        )
    given(spec)
    for name, task in spec.tasks.items():
        if task.label in spec.features:
            raise SpecError(
                f"column {task.label!r} is the label of task {name!r} and a feature too: take it "
                "out of `multitask.features`."
            )
    if spec.server.cluster is not None and spec.server.engine != "ray":
        raise SpecError('`multitask.server.cluster` needs `engine = "ray"`.')


def datasets(spec: Multitask) -> Sequence[str]:
    """Returns the names of the data sets of conversions."""
    tasks = spec.tasks.values()
    return [task.conversions.dataset for task in tasks if task.conversions is not None]


def steps(spec: Multitask) -> Sequence[str]:
    """Returns what will happen in training, in order, a sentence each."""
    server = spec.server
    where = "in this process" if server.engine == "local" else "as processes of Ray"
    workers = "1 worker" if server.workers == 1 else f"{server.workers} workers"
    shards = "1 shard" if server.shards == 1 else f"{server.shards} shards"
    return [
        f"Put samples into the queue of their task ({', '.join(spec.tasks)}), and train on "
        f"batches of up to {spec.batch_rows:,}.",
        f"Train a {spec.model} with {workers} and {shards} {where}, which exchange every "
        f"{server.exchange_every:,} samples.",
        f"Keep a snapshot every {server.snapshot_every:,} samples: the same command goes on from "
        "the last one.",
    ]


def load(spec: Multitask, inputs: LocalInputs) -> Data:
    """Find the data, and check their columns and the first rows.

    Args:
        spec: The `[multitask]` table.
        inputs: The data sets of the job.

    Returns:
        What to train on and what to score.

    Raises:
        SpecError: A file is not what the job says.
    """
    from isthmus.multitask.compare import comparisons
    from isthmus.multitask.feed.feeder import WindowFeeder
    from isthmus.multitask.feed.joining import Joiner

    if inputs.train is None:
        raise SpecError("name the data set to train on, `data.train`.")
    _check_read_once(spec, inputs)
    apart = inputs.test is not None
    train = Inputs(
        inputs.train,
        inputs.folder,
        inputs.seed,
        inputs.others,
        0.0 if apart else inputs.test_share,
        "all" if apart else "trained",
    )
    test = Inputs(
        inputs.test or inputs.train,
        inputs.folder,
        inputs.seed,
        inputs.others,
        0.0 if apart else inputs.test_share,
        "all" if apart else "kept_out",
    )
    WindowFeeder(spec, train)
    Joiner(spec, test, comparisons.known_columns(spec))  # or it would stop after training
    return Data(train, test, inputs.seed, inputs.job)


def _check_read_once(spec: Multitask, inputs: LocalInputs) -> None:
    """Refuse a job that would read the standard input twice.

    Args:
        spec: The `[multitask]` table.
        inputs: The data sets of the job.

    Raises:
        SpecError: It would.
    """

    def piped(dataset: Dataset | None) -> bool:
        return dataset is not None and is_pipe(dataset.resolve(inputs.folder))

    for name, dataset in inputs.others.items():
        if piped(dataset):
            raise SpecError(
                f"data set {name!r} is the standard input, which can be read once, but conversions "
                "are read for training and for its forecast: give a file."
            )
    if not piped(inputs.train):
        return
    if inputs.test is None or piped(inputs.test):
        raise SpecError(
            "the training rows come from the standard input, which can be read once, so the test "
            "rows cannot: add a data set that is a file, and name it in `data.test`."
        )
    if spec.compare_rows:
        raise SpecError(
            "the training rows come from the standard input, which can be read once, so simpler "
            "models cannot be trained on them: set `multitask.compare_rows = 0`."
        )


def facts(spec: Multitask, data: Data) -> Mapping[str, object]:
    """Returns a forecast of rows, bytes and traffic, by name."""
    from isthmus.multitask import forecast

    return forecast.facts(spec, data)


def peak(spec: Multitask, data: Data) -> int:
    """Returns about how many bytes of memory all processes of a run take at most."""
    from isthmus.multitask import forecast

    return forecast.peak(spec, data)


def train(spec: Multitask, data: Data, run: Run, telemetry: Telemetry) -> LocalTrained:
    """Train and score, and write the model into the run folder."""
    from isthmus.multitask import training
    from isthmus.multitask.network.shortage import shortage_is_error

    with shortage_is_error():
        return training.train(spec, data, run, telemetry)


def page(run: Run, shown: Mapping[str, Any], outcome: LocalOutcome) -> str:
    """Returns the report as HTML."""
    from isthmus.multitask import report

    return report.page(run, shown, outcome)


def predict(_spec: Multitask, rows: Dataset, run: Run, out: IO[bytes]) -> Predicted:
    """Score rows with the stored model."""
    from isthmus.multitask import predict as scores

    return scores.predict(run.tables, rows, out)


def export(_spec: Multitask, run: Run, into: Path, since: int | None) -> Exported:
    """Write the stored model, or that of the last snapshot, as files that need no isthmus."""
    from isthmus.multitask import export as files
    from isthmus.multitask import training

    with training.stored_model(run, into.parent) as model:
        return files.export(model, into, since)
