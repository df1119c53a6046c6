"""Trains a regression or boosted trees on one organisation's own columns.

The model is the one that a joint job calls `active_only`: the same code on the same rows gives the
same metrics. So the difference to a joint model is the gain from other parties' columns.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, assert_never

from msgspec.structs import replace

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data import memory, reading
from isthmus.data.index import split
from isthmus.data.spec import Dataset
from isthmus.data.table import ColumnCoding, Table
from isthmus.outcomes import LocalOutcome, LocalTrained, Predicted
from isthmus.store.runs import Run
from isthmus.system import LocalInputs
from isthmus.vertical.baseline.data import Data, as_boosting
from isthmus.vertical.baseline.spec import Baseline, BoostingBaseline, RegressionBaseline
from isthmus.vertical.boosting import system as boosting
from isthmus.vertical.preparation import system as preparation
from isthmus.vertical.regression import scaling
from isthmus.vertical.regression import system as regression


def check(_spec: Baseline) -> None:
    """Do nothing: any machine can run a baseline."""


def load(spec: Baseline, inputs: LocalInputs) -> Data:
    """Read the rows, and split them into training and test rows.

    Args:
        spec: The `[baseline]` table.
        inputs: The data sets of the job.

    Returns:
        Training and test rows, split as in a joint job.

    Raises:
        SpecError: A file is not what the job says, or its columns do not fit the model.
    """
    dataset = inputs.train
    if dataset is None or dataset.label is None:
        raise SpecError("name the column to predict, `label`, in the table of the data set.")
    preparation.check_dataset(None, "datasets", dataset)
    if isinstance(spec, RegressionBaseline):
        dataset.refuse_monotone("datasets", 'a [baseline] with model = "boosting"')
        regression.check_dataset(spec, "active", "datasets", dataset)
    else:
        boosting.check_dataset(as_boosting(spec), "active", "datasets", dataset)
    numbers_only = isinstance(spec, RegressionBaseline)
    rows, test = _read(dataset, inputs, numbers_only=numbers_only)
    if not rows.names:
        raise SpecError("`columns` chooses none, so there is nothing to learn from.")
    if inputs.test is None or test is None:
        train, held_out = split(rows.identifiers, inputs.test_share, inputs.seed)
        test = rows.take(held_out)
    else:
        train, _ = split(rows.identifiers, 0.0, inputs.seed)
        _refuse_overlap(rows, test, inputs.test)
    if not len(train):
        raise SpecError(
            f"none of {len(rows)} rows is left to train on: lower `data.test_share`, or bring more."
        )
    _check(spec, rows.take(train), None if inputs.test is None else test)
    return Data(rows.take(train), test, dataset.signs, inputs.seed, inputs.job)


def _read(
    dataset: Dataset, inputs: LocalInputs, *, numbers_only: bool
) -> tuple[Table, Table | None]:
    """Read the rows to train on, and those to score if they are apart."""

    def read(described: Dataset, coding: ColumnCoding | None = None) -> Table:
        return reading.load(
            described, inputs.folder, inputs.normalise, coding, numbers_only=numbers_only
        )

    def read_test(rows: Table | None) -> Table:
        assert inputs.test is not None  # noqa: S101 - asked below
        return read(inputs.test, reading.UNKNOWN if rows is None else rows.coding)

    if inputs.test is None:
        return read(dataset), None
    return reading.load_both(lambda: read(dataset), read_test)


def _refuse_overlap(train: Table, test: Table, dataset: Dataset) -> None:
    """Refuse to score rows that are trained on.

    Args:
        train: Rows to train on.
        test: Rows to score.
        dataset: The data set to score; without identifiers nothing tells rows apart.

    Raises:
        SpecError: Some rows are in both.
    """
    if not dataset.identifiers:
        return
    both = len(set(train.identifiers) & set(test.identifiers))
    if both:
        raise SpecError(
            f"{both} of {len(test)} rows of the data set to score are trained on too, so they say "
            "nothing of new ones: take them out of one of the two files, or leave `data.test` "
            "out, and `test_share` keeps rows back."
        )


def facts(_spec: Baseline, data: Data) -> dict[str, object]:
    """Returns the facts about the data that `isthmus check` shows, by name."""
    names, read = data.train.names, data.train.facts
    found: dict[str, object] = {
        "rows": f"{len(data.train):,} to train on, {len(data.test):,} to score",
        "columns": f"{len(names):,}: {', '.join(names)}",
    }
    if read is not None and read.forms:
        found["identifiers"] = read.about_identifiers()
    if read is not None and read.notes:
        found["mind"] = "; ".join(read.notes)
    return found


def peak(spec: Baseline, data: Data) -> int:
    """Returns about how many bytes of memory a run takes at most.

    Args:
        spec: The `[baseline]` table.
        data: Rows that were read.

    Returns:
        Bytes of the program and of the rows in several forms.
    """
    rows, columns = len(data.train) + len(data.test), len(data.train.names)
    taken = _PROGRAM + memory.of_rows(rows, columns)
    if isinstance(spec, BoostingBaseline):  # bins of all cells, and scores of all outputs
        taken += rows * (_BIN * columns + _SCORES * spec.outputs)
    return taken


_PROGRAM = 275 * 10**6
_BIN = 4
_SCORES = 24
"""Bytes of a row for each output: its score, gradient and hessian."""


def train(spec: Baseline, data: Data, run: Run, telemetry: Telemetry) -> LocalTrained:
    """Train and score, and write the model and its scores into the run folder."""
    from isthmus.vertical.baseline import training

    return training.train(spec, data, run, telemetry)


def predict(spec: Baseline, rows: Dataset, run: Run, out: IO[bytes]) -> Predicted:
    """Score the rows of a file, with the columns and empty cells of training.

    Args:
        spec: The `[baseline]` table.
        rows: The rows, described as those to train on; labels are not looked at.
        run: The finished run.
        out: The file for the scores.

    Returns:
        How many rows there are.

    Raises:
        SpecError: The rows do not fit the model, or its file was changed.
    """
    from isthmus.vertical.baseline import predict as scoring

    coding = run.read_json(run.columns.name, ColumnCoding)
    described = replace(
        rows,
        columns=coding.names,
        categorical=tuple(coding.categories),
        missing=coding.missing,
        label=None,
        weight=None,
        monotone={},
    )
    table = reading.load(described, Path(), (), coding)
    if isinstance(spec, RegressionBaseline):
        regression.check_numbers(table, None)
    return scoring.predict(spec, table, run, out)


def page(run: Run, shown: Mapping[str, Any], outcome: LocalOutcome) -> str:
    """Returns the report as HTML."""
    from isthmus.vertical.baseline import report

    return report.page(run, shown, outcome)


def _check(spec: Baseline, rows: Table, test: Table | None) -> None:
    match spec:
        case RegressionBaseline():
            regression.check_numbers(rows, test)
            scaling.check(rows, spec)
            scaling.label(rows, spec)
            if test is not None:
                scaling.check_scored(rows, test, spec)
        case BoostingBaseline():
            boosting.check_party(as_boosting(spec), "", "active", rows, test)
        case _:
            assert_never(spec)
