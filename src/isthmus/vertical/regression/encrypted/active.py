"""The active party's role: it has the labels, and columns of its own."""

import secrets
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError, SpecError
from isthmus.crypto import pairwise
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message
from isthmus.vertical.regression import coefficients, families, limits, model, scaling
from isthmus.vertical.regression.block import Block, penalty
from isthmus.vertical.regression.coefficients import Errors, standard_errors, with_errors
from isthmus.vertical.regression.encrypted import residuals
from isthmus.vertical.regression.encrypted.messages import (
    Direction,
    LossScale,
    Progress,
    Shape,
    Start,
    Step,
)
from isthmus.vertical.regression.memory import Memory, Round
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope
from isthmus.vertical.regression.objective import LENGTHS, Line, Loss
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.products import capacity
from isthmus.vertical.regression.products.scheme import Bounds
from isthmus.vertical.regression.products.value_side import ValueSide
from isthmus.vertical.regression.products.workers import start_workers
from isthmus.vertical.regression.rows import batches
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.shares import Totals, relay
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
    _tell(passives, Start(rounds=len(memory), run=run))
    _tell(passives, LossScale(curvature=_exponent(curvature), limit=_exponent(limit)))
    relay(passives)

    # 4. Train.
    outputs = loss.likelihood.outputs
    block = Block(x, penalty(spec, x.shape[1], outputs, free=1), outputs, curvature)
    block.restore(memory.last() or {"weights": alone.weights})
    totals = Totals(passives, spec.block_rows)
    problem = _Problem(spec, context, memory, loss, label, block, totals)
    with problem.products(limit) as products:
        learn = _conjugate_gradients if spec.batches == 1 else _momentum
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


def _errors(problem: "_Problem", predictor: Floats | None) -> Errors | None:
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


def _tell(passives: Sequence[Channel], message: Message) -> None:
    """Tell all passive parties the same: what differs would keep their masks from cancelling."""
    for passive in passives:
        passive.send(message)


def _exponent(power_of_two: float) -> int:
    return int(np.log2(power_of_two))


class _Products:
    """Gives every passive party its gradient, without revealing a residual."""

    def __init__(self, limit: float, bounds: Bounds, sides: Sequence[ValueSide]) -> None:
        self.limit = limit
        self._bounds = bounds
        self._sides = sides

    def __call__(self, residual: Floats) -> None:
        """Give all passive parties the products of their columns and these residuals.

        Args:
            residual: Of the rows of a batch, shape (rows,) or (rows, classes).

        Raises:
            SpecError: A residual is too large.
        """
        try:
            values = self._bounds.integers(families.without_last(residual))
        except ValueError as error:
            raise SpecError(f"{error}. Clip or transform the label in your data.") from None
        for side in self._sides:
            side.send(values)
        for side in self._sides:
            side.answer()


@dataclass(frozen=True)
class _Problem:
    """The active party's data and state during optimisation."""

    spec: Regression
    context: RoleContext
    memory: Memory
    loss: Loss
    label: Label
    block: Block[Floats]
    totals: Totals

    @property
    def passives(self) -> Sequence[Channel]:
        """The channels to the passive parties."""
        return self.totals.passives

    @property
    def others(self) -> int:
        """How many columns the passive parties train."""
        return sum(self.spec.columns_of(passive.peer) for passive in self.passives)

    @property
    def contrasts(self) -> tuple[int, ...]:
        """Shape of what crosses of each row."""
        return (self.spec.contrasts,) if self.spec.contrasts else ()

    @contextmanager
    def products(self, limit: float) -> Generator[_Products]:
        """Give products, until the block ends.

        Args:
            limit: The power of two that no residual exceeds.

        Yields:
            What gives them.
        """
        spec, context = self.spec, self.context
        bounds = residuals.bounds(spec, len(self.label.values), limit)
        count = context.workers or capacity.worthwhile(
            spec.encryption, context.engine, len(self.label.values), spec.most_columns
        )
        with start_workers(count, context.cluster) as workers:
            sides = [
                ValueSide(
                    passive,
                    spec.encryption,
                    bounds,
                    spec.columns_of(passive.peer),
                    block_rows=spec.block_rows,
                    engine=context.engine,
                    workers=workers,
                    telemetry=context.telemetry,
                )
                for passive in self.passives
            ]
            yield _Products(limit, bounds, sides)

    def record(self, loss: float, square: float) -> Round:
        """Record a round.

        Args:
            loss: Mean loss.
            square: Squared norm of the steps that all parties propose.

        Returns:
            The round.
        """
        rounds = self.memory.rounds
        rounds.append(Round(loss, float(np.sqrt(max(square, 0.0)))))
        self.context.telemetry.progress(
            "train",
            len(rounds),
            self.spec.max_rounds,
            loss=loss,
            gradient_norm=rounds[-1].gradient_norm,
        )
        return rounds[-1]

    def line(self) -> Line:
        """Returns the penalty of all parties along their directions."""
        absolute = len(LENGTHS) - 1 if self.spec.l1_ratio > 0 else 0
        slope, curvature, *rest = self.totals.numbers(2 + absolute)
        return self.block.along() + Line(slope, curvature, np.array(rest) if rest else None)


_Learned = tuple[Floats | None, bool]
"""The linear predictor of all training rows if it is known, whether the coefficients converged."""


def _conjugate_gradients(problem: _Problem, give: _Products, start: Floats) -> _Learned:
    """Full batch: the method of `objective.py`, which `clear.py` plays in one place."""
    block, loss, memory, totals = problem.block, problem.loss, problem.memory, problem.totals
    state: Mapping[str, Floats] = memory.last()
    predictor = state.get("predictor", start)
    last_square = float(state.get("last_square", np.inf))
    seen = state.get("seen", np.empty((len(start), 0)))  # for standard errors
    room = coefficients.room(problem.spec, len(start), problem.others)

    for _ in range(len(memory), problem.spec.max_rounds):
        # 1. Every party gets the gradient of its own coefficients.
        residual = loss.residual(predictor)
        give(residual)

        # 2. Conjugate the directions: the inner products of all parties add up.
        ours = np.array(block.propose(block.gradient(residual)))
        square, overlap = (ours + totals.numbers(2)).tolist()
        conjugacy = max(0.0, (square - overlap) / last_square)
        now = problem.record(loss(predictor), square)
        converged = now.gradient_norm < problem.spec.tolerance
        _tell(problem.passives, Direction(conjugacy=conjugacy, converged=converged))
        if converged:
            return _settled(problem, predictor), True

        # 3. Do the line search ourselves, and send the length of the step.
        theirs = _whole(totals.rows(PartialSlope, len(start), problem.contrasts))
        slope = block.turn(conjugacy) + theirs
        seen = np.column_stack([seen, theirs]) if seen.shape[1] < room else seen
        length = loss.step_length(predictor, slope, problem.line(), give.limit)
        _tell(problem.passives, Step(length=length))
        block.move(length)
        predictor, last_square = predictor + length * slope, square if length > 0 else np.inf
        memory.add(**block.state, predictor=predictor, last_square=np.array(last_square), seen=seen)
    return predictor, False


def _settled(problem: _Problem, predictor: Floats) -> Floats:
    """With L1, all parties make the last step whole: it leaves at zero what belongs there."""
    if problem.spec.l1_ratio == 0:
        return predictor
    slope = problem.block.settle()
    theirs = problem.totals.rows(PartialSlope, len(slope), problem.contrasts)
    return predictor + slope + _whole(theirs)


def _whole(contrasts: Floats) -> Floats:
    return families.with_zero(contrasts)


def _momentum(problem: _Problem, give: _Products, start: Floats) -> _Learned:
    """Fixed batches: steps of all parties' own models, with momentum (Polyak 1964).

    The step shrinks from pass to pass: with a constant step and a fixed order of batches, the
    iterates would cycle around the optimum (Bertsekas 2011, "Incremental gradient methods").
    """
    del start
    block, memory, spec, label = problem.block, problem.memory, problem.spec, problem.label
    rows = len(label.values)

    for number in range(len(memory), spec.max_rounds):
        mean_loss = mean_square = 0.0
        for batch in batches(rows, spec.batches):
            # 1. Predict the batch together.
            share = (batch.stop - batch.start) / rows
            loss = Loss(problem.loss.likelihood, _of_batch(label, batch))
            theirs = problem.totals.rows(
                PartialPredictor, batch.stop - batch.start, problem.contrasts
            )
            predictor = block.x[batch] @ block.weights + loss.offset + _whole(theirs)
            mean_loss += share * loss(predictor)

            # 2. Every party gets the gradient of its own coefficients, and updates them.
            residual = loss.residual(predictor)
            give(residual)
            square, _ = block.propose(block.x[batch].T @ residual / len(residual))
            mean_square += share * square
            block.turn(spec.momentum)
            block.move(spec.step / (1 + number))

        # 3. Stop when a pass changes the loss by less than the tolerance. The last pass is not
        #    kept: done once more, it ends the training again, and tells nothing new.
        problem.record(mean_loss, mean_square)
        converged = _has_converged(memory.rounds, spec.tolerance)
        _tell(problem.passives, Progress(converged=converged))
        if converged:
            return None, True
        memory.add(**block.state)
    return None, False


def _of_batch(label: Label, batch: slice) -> Label:
    return replace(
        label,
        values=label.values[batch],
        weight=label.weight[batch],
        offset=label.offset[batch],
    )


def _has_converged(rounds: list[Round], tolerance: float) -> bool:
    return len(rounds) > 1 and abs(rounds[-2].loss - rounds[-1].loss) < tolerance
