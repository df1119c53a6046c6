"""The passive party's role: it has columns but no labels."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.crypto.radix import Quantised
from isthmus.vertical.checks import checked
from isthmus.vertical.regression import families, limits, model, scaling
from isthmus.vertical.regression.block import Block, Packed, penalty
from isthmus.vertical.regression.columns import standardised
from isthmus.vertical.regression.encrypted import residuals
from isthmus.vertical.regression.encrypted.messages import (
    Direction,
    LossScale,
    Progress,
    Shape,
    Start,
    Step,
)
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope
from isthmus.vertical.regression.objective import Line
from isthmus.vertical.regression.products import capacity
from isthmus.vertical.regression.products.column_side import ColumnSide
from isthmus.vertical.regression.products.messages import OpenedSums
from isthmus.vertical.regression.products.scheme import Bounds
from isthmus.vertical.regression.products.workers import start_workers
from isthmus.vertical.regression.rows import batches
from isthmus.vertical.regression.shares import Hearing, Shares, agree
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.regression.trained import PassiveTrained
from isthmus.vertical.system import RoleContext


def passive(spec: Regression, context: RoleContext, memory: Memory) -> PassiveTrained:
    """Train the coefficients of our columns, then score the test rows.

    We learn the gradient of our own coefficients in every round, but no residual and no label.
    The active party learns a linear combination of our columns per round, row by row; if there are
    other passive parties, only the sum of theirs and ours. See `messages.py`.

    Args:
        spec: The `[regression]` table.
        context: The channel to the active party, and our rows in the common order.
        memory: Rounds of an interrupted run, or empty; new rounds are added.

    Returns:
        Our part of the model, and how training ended.

    Raises:
        PolicyError: A column would tell labels of single rows.
        SpecError: A column cannot be used.
        PeerError: The active party broke the protocol.
    """
    # 1. Standardise and quantise our columns: all of training uses exactly these values.
    train, test = context.train, context.test
    scale = scaling.fit(train)
    columns = standardised(train.features, scale, spec.feature_bits)
    limits.check_columns(train.names, columns.narrow(), context.minimum_column_rows)

    # 2. Agree on sizes and on the round to resume from; agree on masks with other passive parties.
    (active,) = context.peers.values()
    active.send(Shape(rows=len(train), columns=len(train.names), rounds=len(memory)))
    hearing = Hearing(active)
    start, loss = hearing.receive(Start), hearing.receive(LossScale)
    memory.go_on_after(start.rounds, active.peer)
    shares = Shares(hearing, spec.block_rows, agree(hearing, context.identity))

    # 3. Train.
    outputs = families.likelihood(spec).outputs
    curvature = float(2.0**loss.curvature)
    block = Block(columns, penalty(spec, len(train.names), outputs), outputs, curvature)
    if memory.last():
        block.restore(memory.last())
    training = _Training(spec, context, memory, block, hearing, shares)
    with training.gradients(columns, float(2.0**loss.limit)) as gradients:
        learn = _conjugate_gradients if spec.batches == 1 else _momentum
        rounds, converged = learn(training, gradients)
    part = model.named(model.part(spec.family, train.names, scale, block.weights), start.run)

    # 4. Score.
    shares.rows(PartialPredictor, families.against_last(part.predictor(test.features)))
    return PassiveTrained(part, rounds, converged)


class Gradients:
    """Computes our gradient with the active party's help.

    We never see a residual, and the active party never sees a column.
    """

    def __init__(self, take: ColumnSide, steps: Floats, bounds: Bounds) -> None:
        self._take = take
        self._steps = steps
        self._bounds = bounds

    def __call__(self, batch: slice) -> Floats:
        """Returns the gradient of the loss of a batch, of the shape of our coefficients."""
        mean = self._bounds.decode(self._take(batch)) / (batch.stop - batch.start)
        steps = self._steps if mean.ndim == 1 else self._steps[:, np.newaxis]
        return families.with_last(steps * mean)


@dataclass(frozen=True)
class _Training:
    """The passive party's data and state during optimisation."""

    spec: Regression
    context: RoleContext
    memory: Memory
    block: Block[Packed]
    hearing: Hearing
    shares: Shares

    @property
    def rows(self) -> slice:
        """All training rows."""
        return slice(0, len(self.context.train))

    @contextmanager
    def gradients(self, columns: Quantised, limit: float) -> Generator[Gradients]:
        """Take gradients, until the block ends.

        Args:
            columns: Our columns.
            limit: The power of two that no residual exceeds.

        Yields:
            What takes them.
        """
        spec, context = self.spec, self.context
        bounds = residuals.bounds(spec, len(columns), limit)
        count = context.workers or capacity.worthwhile(
            spec.encryption, context.engine, len(columns), len(columns.steps)
        )
        with start_workers(count, context.cluster) as workers:
            take = ColumnSide(
                self.hearing.active,
                columns,
                spec.encryption,
                bounds,
                outputs=spec.contrasts or None,
                block_rows=spec.block_rows,
                engine=context.engine,
                workers=workers,
                telemetry=context.telemetry,
            )
            yield Gradients(take, columns.steps, bounds)

    def same_again(self, place: int, gradient: Floats) -> Floats:
        """Returns a gradient, if it is what it was before the run was cut off."""
        with checked(self.hearing.active, OpenedSums):
            self.memory.check_gradient(place, gradient)
        return gradient

    def progress(self, number: int) -> None:
        """Tell people that a round begins."""
        self.context.telemetry.progress("train", number, self.spec.max_rounds)


def _conjugate_gradients(training: _Training, gradients: Gradients) -> tuple[int, bool]:
    """Full batch; the function of the same name in `active.py` names the method."""
    block, shares, spec = training.block, training.shares, training.spec

    for number in range(len(training.memory), spec.max_rounds):
        training.progress(number)
        # 1. Our gradient.
        gradient = training.same_again(number, gradients(training.rows))

        # 2. Conjugate the directions: the inner products of all parties add up.
        shares.numbers(np.array(block.propose(gradient)))
        answer = training.hearing.receive(Direction)
        if answer.converged:
            if spec.l1_ratio > 0:
                shares.rows(PartialSlope, families.against_last(block.settle()))
            return number + 1, True

        # 3. The active party does the line search, and sends the length of the step.
        shares.rows(PartialSlope, families.against_last(block.turn(answer.conjugacy)))
        shares.numbers(_numbers(block.along()))
        block.move(training.hearing.receive(Step).length)
        training.memory.add(**block.state)
    return spec.max_rounds, False


def _numbers(line: Line) -> Floats:
    absolute = np.empty(0) if line.absolute is None else line.absolute
    return np.array([line.slope, line.curvature, *absolute])


def _momentum(training: _Training, gradients: Gradients) -> tuple[int, bool]:
    """Fixed batches; the function of the same name in `active.py` explains the method."""
    block, shares, spec = training.block, training.shares, training.spec

    for number in range(len(training.memory), spec.max_rounds):
        training.progress(number)
        for at, batch in enumerate(batches(training.rows.stop, spec.batches)):
            ours = block.x[batch] @ block.weights
            shares.rows(PartialPredictor, families.against_last(ours))
            gradient = training.same_again(number * spec.batches + at, gradients(batch))
            block.propose(gradient)
            block.turn(spec.momentum)
            block.move(spec.step / (1 + number))
        if training.hearing.receive(Progress).converged:
            return number + 1, True
        training.memory.add(**block.state)
    return spec.max_rounds, False
