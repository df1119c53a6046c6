"""Scores of the test rows by the stored model, kept as a file, and what they are worth."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.core.telemetry import Telemetry
from isthmus.evaluation.description import PartialMetrics
from isthmus.multitask import model_file
from isthmus.multitask.compare import boosted, comparisons
from isthmus.multitask.compare.comparisons import Linear
from isthmus.multitask.compare.measuring import measured
from isthmus.multitask.data import Data
from isthmus.multitask.feed.reading import read_final
from isthmus.multitask.network.shortage import shortage_is_error
from isthmus.multitask.predict import Scorer
from isthmus.multitask.samples import Samples, concatenate
from isthmus.multitask.spec import Multitask
from isthmus.paramserver.window import Float32s
from isthmus.store import atomic
from isthmus.store.runs import Run


@dataclass(frozen=True)
class Scored:
    """What the test rows say of the model."""

    metrics: PartialMetrics
    rows: int
    """Number of test rows."""

    missing: dict[str, str] = field(default_factory=dict[str, str])
    """Why a comparison or a measure is missing, by its name."""


def score(spec: Multitask, data: Data, run: Run, telemetry: Telemetry) -> Scored:
    """Score the test rows, keep the scores, then compare with simpler models.

    Args:
        spec: The `[multitask]` table.
        data: The data of the job.
        run: The run folder, with the model.
        telemetry: Where progress goes.

    Returns:
        The metrics of the model, of the known probabilities, of a logistic regression and of
        boosted trees; those of the last two are None if the job compares with no rows. What fails
        is missing with a reason, test rows that are not as the job says included: the model is
        stored by now.
    """
    telemetry.progress("score")
    attempts = Attempts()
    kept = attempts.find("predictions", lambda: _scored(spec, data, run))
    if kept is None:
        return Scored({}, 0, attempts.missing)
    rows, scores, known = kept
    found: dict[str, Floats | None] = {
        "model": scores.astype(np.float64),
        "ideal": known,
        "linear": None,
        "boosted": None,
    }
    if spec.compare_rows:
        telemetry.progress("compare", note="a logistic regression and boosted trees")
        found |= attempts.find("comparison", lambda: _compared(spec, data, rows)) or {}
    metrics = attempts.find("metrics", lambda: measured(spec, rows.labels, found))
    return Scored(metrics or {}, len(rows), attempts.missing)


def _scored(
    spec: Multitask, data: Data, run: Run
) -> tuple[Samples, Float32s, Floats | None] | None:
    """Score and keep the test rows: they, their scores and known probabilities; None if none."""
    with shortage_is_error():
        blocks = list(read_final(spec, data.test, comparisons.known_columns(spec)))
        if not blocks:
            return None
        rows = concatenate([block.samples for block in blocks])
        scorer = Scorer(model_file.read(run.tables))
        scores = np.concatenate([scorer.scores(block.samples) for block in blocks])
        _keep(run.predictions, spec, rows, scores)
    known = [each for block in blocks if (each := comparisons.known(spec, block)) is not None]
    return rows, scores, np.concatenate(known) if known else None


def _keep(path: Path, spec: Multitask, rows: Samples, scores: Float32s) -> None:
    """Write a column with the scores of each task, and one with its labels."""
    columns = {"row": pa.array(rows.position)}
    for number, task in enumerate(spec.tasks):
        label = rows.labels[:, number]
        columns[task] = pa.array(scores[:, number])
        columns[f"label_{task}"] = pa.array(label, mask=np.isnan(label))
    with atomic.replacing(path) as file:
        parquet.write_table(pa.table(columns), file)


def _compared(spec: Multitask, data: Data, test: Samples) -> dict[str, Floats | None]:
    """Train simpler models in one pass over the training rows, and let them predict."""
    linear = Linear(spec, data.seed)

    def learned() -> Iterator[Samples]:
        for block in read_final(spec, data.train):
            linear.learn(block.samples)
            yield block.samples

    newest = boosted.newest(learned(), spec.compare_rows)
    return {
        "linear": linear.predict(test),
        "boosted": boosted.predict(spec, newest, test, data.seed),
    }
