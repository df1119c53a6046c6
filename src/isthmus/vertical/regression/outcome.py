"""Runs either role of vertical regression, and measures the result."""
# threadpoolctl has no types:
# pyright: reportMissingTypeStubs=false

import hashlib
import math
from dataclasses import asdict

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.data.scores import Scores
from isthmus.data.table import Table, joined
from isthmus.evaluation.description import Description, PartialMetrics
from isthmus.store.checkpoint import Arrays, Checkpoint
from isthmus.store.runs import Run
from isthmus.vertical.labelled import unmeasured
from isthmus.vertical.regression import levels, objective
from isthmus.vertical.regression.coefficients import described
from isthmus.vertical.regression.measuring import measured
from isthmus.vertical.regression.memory import Memory, Round
from isthmus.vertical.regression.model import Part
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.regression.trained import ActiveTrained
from isthmus.vertical.system import Measured, Outcome, PooledRows, RoleContext


def play(spec: Regression, context: RoleContext) -> Outcome:
    """Train and score in one role, on aligned rows.

    One thread does linear algebra. Sums of floats depend on how threads share them, so a party that
    goes on with other cores would not end with the same bits; and for products as small as these,
    other threads take more time to wait than they save.
    """
    with threadpool_limits(1, user_api="blas"):
        return _play(spec, context)


def _play(spec: Regression, context: RoleContext) -> Outcome:
    level, test = levels.of(spec), context.test
    memory = Memory(context.checkpoint, _rounds_of(context))
    memory.load()
    if context.role == "passive":
        ours = level.passive(spec, context, memory)
        ending = ours.ending or objective.ending(
            spec, ours.rounds, converged=ours.converged, norm=None
        )
        return Outcome(
            ours.part,
            ours.rounds,
            ours.converged,
            ending,
            run=ours.part.run,
            functions=ours.functions,
        )
    trained = level.active(spec, context, memory)
    found = _found(trained)
    return Outcome(
        model=trained.part,
        rounds=len(trained.rounds),
        converged=trained.converged,
        ending=trained.ending
        or objective.ending(
            spec,
            len(trained.rounds),
            converged=trained.converged,
            norm=trained.rounds[-1].gradient_norm,
            separated=trained.separated,
        ),
        run=trained.part.run,
        scores=Scores(test, found.arrays["predictions"]),
        train_scores=found.arrays.get("training"),
        functions=trained.functions,
        curve=_curve(trained.rounds),
        found=found,
        measure=lambda: _measured(spec, test, found),
    )


def measure_again(spec: Regression, context: RoleContext, found: Checkpoint) -> Measured:
    """Measure a model from what its training found; an empty result at a passive party."""
    return Measured() if context.role == "passive" else _measured(spec, context.test, found)


def _found(trained: ActiveTrained) -> Checkpoint:
    arrays: Arrays = {"predictions": _by_class(trained.predictions)}
    if trained.training is not None:
        arrays["training"] = _by_class(trained.training)
    return Checkpoint(arrays, {"alone": msgspec.json.encode(trained.alone).decode()})


def _by_class(predictions: Floats) -> Floats:
    # As scores are kept: shape (rows,), or (classes, rows).
    return np.ascontiguousarray(predictions.T)


def _measured(spec: Regression, test: Table, found: Checkpoint) -> Measured:
    attempts = Attempts()
    joint = found.arrays["predictions"]
    own = msgspec.json.decode(str(found.facts["alone"]), type=Part)
    alone = attempts.find(
        "active_only", lambda: _by_class(own.predict(test.features, offset=test.offsets))
    )
    both = {"joint": joint, "active_only": alone}
    predictions = {model: values for model, values in both.items() if values is not None}
    metrics = attempts.find("metrics", lambda: measured(spec, test, predictions, attempts))
    return Measured(
        metrics=metrics or {},
        scores=Scores(test, joint, alone if joint.ndim == 1 else None),
        missing=unmeasured(test) | attempts.missing,
    )


def _curve(rounds: list[Round]) -> list[dict[str, float]]:
    # The loss is NaN where nobody knows it.
    return [
        {name: value for name, value in asdict(at).items() if not math.isnan(value)}
        for at in rounds
    ]


def _rounds_of(context: RoleContext) -> str:
    """Returns a digest of job, columns and rows, the only ones that stored rounds may resume.

    Rounds on other rows would reveal additional equations about the labels.
    """
    names, rows = context.train.names, sorted(context.train.identifiers)
    digest = hashlib.sha256(repr((context.job, names, rows)).encode())
    return digest.hexdigest()


def describe_model(run: Run) -> Description:
    """Describe the model of a run: the coefficients of this party's columns.

    Args:
        run: A finished run.

    Returns:
        The description for the report.

    Raises:
        SpecError: The file of the model is not as a run wrote it.
    """
    part = run.read_json(run.model.name, Part)
    return described(part)


def pooled(spec: Regression, rows: PooledRows) -> PartialMetrics:
    """Returns metrics of the same model on pooled columns, for comparison."""
    train, test = joined(rows.trains), joined(rows.tests)
    predictions = train_pooled(train, spec).predict(test.features, offset=test.offsets).T
    return measured(spec, test, {"pooled": predictions}, Attempts())
