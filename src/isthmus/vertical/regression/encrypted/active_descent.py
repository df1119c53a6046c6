"""The active party's steps towards the best coefficients: with all rows at once, or in batches."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.vertical.regression import coefficients, families
from isthmus.vertical.regression.encrypted.active_problem import Problem, Products
from isthmus.vertical.regression.encrypted.messages import Direction, Progress, Step
from isthmus.vertical.regression.memory import Round
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.rows import batches
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.shares import tell

Learned = tuple[Floats | None, bool]
"""The linear predictor of all training rows if it is known, whether the coefficients converged."""


def conjugate_gradients(problem: Problem, give: Products, start: Floats) -> Learned:
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
        tell(problem.passives, Direction(conjugacy=conjugacy, converged=converged))
        if converged:
            return _settled(problem, predictor), True

        # 3. Do the line search ourselves, and send the length of the step.
        theirs = _whole(totals.rows(PartialSlope, len(start), problem.contrasts))
        slope = block.turn(conjugacy) + theirs
        seen = np.column_stack([seen, theirs]) if seen.shape[1] < room else seen
        length = loss.step_length(predictor, slope, problem.line(), give.limit)
        tell(problem.passives, Step(length=length))
        block.move(length)
        predictor, last_square = predictor + length * slope, square if length > 0 else np.inf
        memory.add(**block.state, predictor=predictor, last_square=np.array(last_square), seen=seen)
    return predictor, False


def _settled(problem: Problem, predictor: Floats) -> Floats:
    """With L1, all parties make the last step whole: it leaves at zero what belongs there."""
    if problem.spec.l1_ratio == 0:
        return predictor
    slope = problem.block.settle()
    theirs = problem.totals.rows(PartialSlope, len(slope), problem.contrasts)
    return predictor + slope + _whole(theirs)


def _whole(contrasts: Floats) -> Floats:
    return families.with_zero(contrasts)


def momentum(problem: Problem, give: Products, start: Floats) -> Learned:
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
        tell(problem.passives, Progress(converged=converged))
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
