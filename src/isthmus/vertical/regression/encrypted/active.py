"""The active party's role: it has the labels, and columns of its own."""

import secrets

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError, SpecError
from isthmus.crypto import pairwise
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.regression import families, limits, model, scaling
from isthmus.vertical.regression.block import Block, penalty
from isthmus.vertical.regression.coefficients import Errors, standard_errors, with_errors
from isthmus.vertical.regression.encrypted import residuals
from isthmus.vertical.regression.encrypted.active_descent import conjugate_gradients, momentum
from isthmus.vertical.regression.encrypted.active_problem import Problem
from isthmus.vertical.regression.encrypted.messages import LossScale, Shape, Start
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.messages import PartialPredictor
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.shares import Totals, relay, tell
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.regression.trained import ActiveTrained
from isthmus.vertical.system import RoleContext


def active(spec: Regression, context: RoleContext, memory: Memory) -> ActiveTrained:
    """Train our coefficients together with those of the passive parties, then score the test rows.

    We learn a linear combination of all passive parties' columns per round, row by row, and their
    share of each test score; each of them learns the gradient of its own coefficients. See
    `messages.py`.

    Args:
        spec: The `[regression]` table.
        context: The channels to the passive parties, and our rows in the common order.
        memory: Rounds of an interrupted run, or empty; new rounds are added.

    Returns:
        Our part of the model, the predictions for the test rows, and the rounds of training.

    Raises:
        SpecError: The labels do not fit the family, or a passive party would learn too much about
            them.
        PeerError: A passive party broke the protocol.
    """
    # 1. Standardise our columns, and the label of a linear model. Fit a model on our columns only
    #    and start from it: at coefficients of zero, a residual of a logistic model is the label.
    train, test = context.train, context.test
    alone = train_pooled(train, spec)  # before `x`: it has columns of its own in memory
    scale, label = scaling.fit(train), scaling.label(train, spec)
    x = scale.with_ones(train.features)  # the last is the intercept
    loss = Loss(families.likelihood(spec), label)
    start = x @ alone.weights + loss.offset

    # 2. Agree on sizes; refuse to reveal more about the labels than the job allows. Go on after the
    #    last round that all have kept.
    passives = [context.peers[name] for name in sorted(context.peers)]  # a fixed order for sums
    rounds = [_announced(passive, train, spec) for passive in passives]
    memory.rewind(memory.common(rounds))

    # 3. Tell all passive parties the same, and hand their keys to each other.
    curvature = loss.curvature(np.zeros_like(start) + loss.offset + loss.constant())
    limit = residuals.largest(spec, label, loss.residual(start))
    run = secrets.token_hex(16)
    tell(passives, Start(rounds=len(memory), run=run))
    tell(passives, LossScale(curvature=_exponent(curvature), limit=_exponent(limit)))
    relay(passives)

    # 4. Train.
    outputs = loss.likelihood.outputs
    block = Block(x, penalty(spec, x.shape[1], outputs, free=1), outputs, curvature)
    block.restore(memory.last() or {"weights": alone.weights})
    totals = Totals(passives, spec.block_rows)
    problem = Problem(spec, context, memory, loss, label, block, totals)
    with problem.products(limit) as products:
        learn = conjugate_gradients if spec.batches == 1 else momentum
        predictor, converged = learn(problem, products, start)
    part = model.part(spec.family, train.names, scale, block.weights[:-1])
    part = model.named(model.labelled(part, block.weights[-1], label), run)
    part = with_errors(part, _errors(problem, predictor) if converged else None)

    # 5. Score.
    theirs = problem.totals.rows(PartialPredictor, len(test), problem.contrasts)
    predictions = part.predict(test.features, families.with_zero(theirs), test.offsets)
    training = None if predictor is None else part.expected(predictor, train.offsets - label.offset)
    return ActiveTrained(
        part,
        alone,
        predictions,
        training,
        memory.rounds,
        converged,
        separated=predictor is not None and loss.separated(predictor),
    )


def _errors(problem: Problem, predictor: Floats | None) -> Errors | None:
    # Standard errors of our coefficients, from the slopes that we have seen.
    seen = problem.memory.last().get("seen")
    if predictor is None or seen is None or problem.spec.l1_ratio > 0:
        return None
    passives, columns = problem.passives, problem.others
    rounding = 0.0 if len(passives) == 1 else len(passives) * pairwise.ROUNDING
    return standard_errors(problem.loss, predictor, problem.block.x, seen, columns, rounding)


def _announced(passive: Channel, train: Table, spec: Regression) -> int:
    # Returns the rounds that a passive party has finished, if it brings what is due.
    shape, rows, columns = passive.receive(Shape), len(train), spec.columns_of(passive.peer)
    if (shape.rows, shape.columns) != (rows, columns):
        raise PeerError(
            f"{passive.peer!r} brings {shape.rows} training rows x {shape.columns} columns where "
            f"{rows} x {columns} were due. If the rows differ, start both sides again; if the "
            "columns do, agree on `regression.passive_columns`."
        )
    # The passive party learns about the labels only through one sum per column and batch, in any
    # number of rounds. With few such sums per rarer label, no single label can be computed.
    rarer = limits.rarer(spec, scaling.counted_labels(train))
    told = limits.equations(spec, passive.peer) / max(rarer, 1)
    if told > spec.label_exposure:
        batches = f"{spec.batches} batch{'' if spec.batches == 1 else 'es'}"
        raise SpecError(  # its text stays here: it tells how rare the rarer label is
            f"{batches} x {columns} columns of {passive.peer!r}, where {rarer:,} of {rows:,} rows "
            f"have {limits.a_rare_label(spec)}, would tell it {told:.3f} equations about each of "
            f"these, and the job allows {spec.label_exposure}. Use fewer batches or columns, more "
            "rows, or, if all agree, a higher `regression.label_exposure`."
        )
    return shape.rounds


def _exponent(power_of_two: float) -> int:
    return int(np.log2(power_of_two))
