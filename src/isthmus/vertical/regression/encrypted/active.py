"""The active party's role: it has the labels, and columns of its own."""

import secrets
from collections.abc import Mapping

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import JobError, PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import fixed_point, keys
from isthmus.crypto.encryption import Engine
from isthmus.crypto.fixed_point import Bounds
from isthmus.crypto.scheme import PrivateKey
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.regression import limits, model, objective, scaling
from isthmus.vertical.regression.encrypted.messages import (
    Direction,
    GradientNorms,
    MaskedGradient,
    OpenedGradient,
    PenaltyLine,
    Progress,
    Residuals,
    Shape,
    Start,
    Step,
)
from isthmus.vertical.regression.memory import Memory, Round
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope
from isthmus.vertical.regression.objective import RESIDUAL_LIMIT, Line, Preconditioner
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.rows import batches, blocks, receive_rows
from isthmus.vertical.regression.scaling import labels
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.regression.trained import ActiveTrained


def active(  # noqa: PLR0913 - the caller knows all of these, and nobody else does
    passive: Channel,
    train: Table,
    test: Table,
    spec: Regression,
    telemetry: Telemetry,
    memory: Memory,
    *,
    engine: Engine = "auto",
) -> ActiveTrained:
    """Train our coefficients together with the passive party's, then score the test rows.

    We learn a linear combination of the passive party's columns per round, row by row, and its
    share of each test score; it learns the gradient of its own coefficients. See `messages.py`.

    Args:
        passive: The channel to the passive party.
        train: Our columns and labels of the training rows, in the common order.
        test: Our columns of the test rows, in the common order.
        spec: The `[regression]` table.
        telemetry: Receives progress.
        memory: Rounds of an interrupted run, or empty; new rounds are added.
        engine: What we ask to compute our encryption with.

    Returns:
        Our part of the model, the predictions for the test rows, and the rounds of training.

    Raises:
        SpecError: The labels do not fit the family.
        JobError: The passive party would learn too much about the labels.
        PeerError: The passive party broke the protocol.
    """
    # 1. Standardise our columns, and the label of a linear model. Fit a model on our columns only
    #    and start from it: at coefficients of zero, a residual of a logistic model is the label.
    scale = scaling.fit(train)
    x = np.column_stack([scale(train.features), np.ones(len(train))])  # the last is the intercept
    label = scaling.label(train, spec)
    alone = train_pooled(train, spec)

    # 2. Agree on sizes; refuse to reveal more about the labels than the job allows.
    shape = passive.receive(Shape)
    _check_shape(passive.peer, shape, labels(train), spec)

    # 3. Make a key for this run only, and send the public key.
    telemetry.progress("train", note="making a key")
    cipher = spec.encryption.of_numbers
    key = keys.generate(cipher.scheme, engine, cipher.key_bits)
    memory.rewind(memory.common(shape.rounds))
    run = secrets.token_hex(16)
    passive.send(Start(key=key.public.dump(), rounds=len(memory), run=run))

    # 4. Train.
    gradients = _Gradients(passive, key, shape.columns, spec, telemetry)
    problem = _Problem(gradients, x, label.values, spec, telemetry, memory)
    learn = _conjugate_gradients if spec.batches == 1 else _momentum
    weights, predictor, converged = learn(problem, memory.last() or {"weights": alone.weights})
    part = model.part(spec.family, train.names, scale, weights[:-1])
    part = model.named(model.labelled(part, float(weights[-1]), label), run)

    # 5. Score.
    theirs = receive_rows(passive, PartialPredictor, len(test), spec.block_rows)
    predictions = part.predict(test.features, theirs)
    training = None if predictor is None else part.expected(predictor)
    return ActiveTrained(part, alone, predictions, training, memory.rounds, converged)


def _check_shape(passive: str, shape: Shape, label: Floats, spec: Regression) -> None:
    rows, columns = len(label), spec.columns_of(passive)
    if (shape.rows, shape.columns) != (rows, columns):
        raise PeerError(
            f"{passive!r} brings {shape.rows} training rows x {shape.columns} columns where "
            f"{rows} x {columns} were due. If the rows differ, start both sides again; if the "
            "columns do, agree on `regression.passive_columns`."
        )
    # The passive party learns about the labels only through one sum per column and batch, in any
    # number of rounds. With few such sums per rarer label, no single label can be computed.
    rarer = limits.rarer(spec, label)
    told = limits.equations(spec, passive) / max(rarer, 1)
    if told > spec.label_exposure:
        raise JobError(
            f"{spec.batches} batches x {columns} columns of {passive!r}, where {rarer:,} of "
            f"{rows:,} rows have the rarer label, would tell it {told:.3f} equations about each of "
            f"these, and the job allows {spec.label_exposure}. Use fewer batches or columns, more "
            "rows, or, if all agree, a higher `regression.label_exposure`."
        )


class _Gradients:
    """Gives the passive party its gradient, without revealing a residual."""

    def __init__(
        self,
        passive: Channel,
        key: PrivateKey,
        columns: int,
        spec: Regression,
        telemetry: Telemetry,
    ) -> None:
        self.passive = passive
        self._key = key
        self._columns = columns
        self._spec = spec
        self._telemetry = telemetry

    def __call__(self, residual: Floats, first_row: int = 0) -> None:
        """Compute the passive party's gradient for the residuals of one batch.

        Args:
            residual: Prediction minus label, shape (rows,).
            first_row: Position of the batch's first row among all training rows.
        """
        bounds = Bounds(len(residual), self._spec.feature_bits, RESIDUAL_LIMIT[self._spec.family])

        # 1. Send the encrypted residuals block by block: the peer adds while we encrypt the next.
        integers = _encode(residual, bounds)
        for block in blocks(0, len(residual), self._spec.block_rows):
            with self._telemetry.timed("encryption"):
                ciphertexts = self._key.public.encrypt(integers[block]).dump()
            self.passive.send(Residuals(first_row=first_row + block.start, ciphertexts=ciphertexts))

        # 2. Decrypt the masked sums. Refuse values out of their range: the decryption of a chosen
        #    ciphertext could reveal the key.
        with self._telemetry.timed("transport"):
            masked = self.passive.receive(MaskedGradient)
        with self._telemetry.timed("decryption"):
            opened = self._open(masked, bounds)

        # 3. Send them back, still masked.
        self.passive.send(OpenedGradient(sums=opened))

    def _open(self, masked: MaskedGradient, bounds: Bounds) -> list[bytes]:
        try:
            sums = self._key.decrypt(self._key.public.load(masked.ciphertexts, self._columns))
            bounds.check(sums)
        except ValueError as error:
            raise PeerError(
                f"{self.passive.peer!r} sent a MaskedGradient that no honest run makes: {error}. "
                "Nothing was decrypted for them; ask which version they run."
            ) from None
        return fixed_point.to_bytes(sums)


def _encode(residual: Floats, bounds: Bounds) -> list[int]:
    try:
        return bounds.encode(residual)
    except ValueError as error:
        raise SpecError(f"{error}. Clip or transform the label in your data.") from None


class _Problem:
    """The active party's data and state during optimisation."""

    def __init__(
        self,
        gradients: _Gradients,
        x: Floats,
        label: Floats,
        spec: Regression,
        telemetry: Telemetry,
        memory: Memory,
    ) -> None:
        self.gradients = gradients
        self.passive = gradients.passive
        self.x = x
        self.label = label
        self.spec = spec
        self.telemetry = telemetry
        self.penalty = np.full(x.shape[1], spec.penalty)
        self.penalty[-1] = 0.0  # the intercept is not penalised
        self.precondition = Preconditioner(x, self.penalty, spec.family)
        self.memory = memory

    def record(self, loss: float, square: float) -> Round:
        """Record a round.

        Args:
            loss: Mean loss.
            square: Squared norm of the preconditioned gradient.

        Returns:
            The round.
        """
        rounds = self.memory.rounds
        rounds.append(Round(loss, float(np.sqrt(square))))
        self.telemetry.progress(
            "train",
            len(rounds),
            self.spec.max_rounds,
            loss=loss,
            gradient_norm=rounds[-1].gradient_norm,
        )
        return rounds[-1]


_Learned = tuple[Floats, Floats | None, bool]
"""Our weights, the linear predictor of all training rows if it is known, whether they converged."""


def _conjugate_gradients(problem: _Problem, state: Mapping[str, Floats]) -> _Learned:
    """Full batch: preconditioned nonlinear conjugate gradients with an exact line search.

    A round costs one encryption of the residuals, so the method must need few rounds: each party
    preconditions with the Hessian bound of its own columns, and the line search needs no
    encryption (`objective.step_length`). Polak & Ribiere 1969, restarted when it stops descending.
    """
    passive, x, label, family = problem.passive, problem.x, problem.label, problem.spec.family
    nothing, weights = np.zeros(x.shape[1]), state["weights"]
    direction, previous = state.get("direction", nothing), state.get("previous", nothing)
    predictor = state.get("predictor", x @ weights)
    last_square = float(state.get("last_square", np.inf))

    for _ in range(len(problem.memory), problem.spec.max_rounds):
        # 1. Every party gets the gradient of its own coefficients.
        residual = objective.residual(family, predictor, label)
        problem.gradients(residual)
        gradient = objective.gradient(x, residual, weights, problem.penalty)

        # 2. Conjugate the directions: the inner products of all parties add up.
        preconditioned = problem.precondition(gradient)
        theirs = passive.receive(GradientNorms)
        square = float(gradient @ preconditioned) + theirs.square
        overlap = float(previous @ preconditioned) + theirs.overlap
        conjugacy = max(0.0, (square - overlap) / last_square)
        now = problem.record(objective.loss(family, predictor, label), square)
        converged = now.gradient_norm < problem.spec.tolerance
        passive.send(Direction(conjugacy=conjugacy, converged=converged))
        if converged:
            return weights, predictor, True
        direction = conjugacy * direction - preconditioned

        # 3. Do the line search ourselves, and send the length of the step.
        slope = x @ direction
        slope += receive_rows(passive, PartialSlope, len(x), problem.spec.block_rows)
        penalty = _penalty_line(problem, weights, direction)
        length = objective.step_length(family, predictor, slope, label, penalty)
        passive.send(Step(length=length))
        weights, predictor = weights + length * direction, predictor + length * slope
        previous, last_square = gradient, square if length > 0 else np.inf
        problem.memory.add(
            weights=weights,
            direction=direction,
            previous=previous,
            predictor=predictor,
            last_square=np.array(last_square),
        )
    return weights, predictor, False


def _penalty_line(problem: _Problem, weights: Floats, direction: Floats) -> Line:
    theirs = problem.passive.receive(PenaltyLine)
    return Line(
        slope=float(problem.penalty * weights @ direction) + theirs.slope,
        curvature=float(problem.penalty * direction @ direction) + theirs.curvature,
    )


def _momentum(problem: _Problem, state: Mapping[str, Floats]) -> _Learned:
    """Fixed batches: preconditioned gradients with momentum (Polyak 1964).

    The step shrinks from pass to pass: with a constant step and a fixed order of batches, the
    iterates would cycle around the optimum (Bertsekas 2011, "Incremental gradient methods").
    """
    passive, x, label, spec = problem.passive, problem.x, problem.label, problem.spec
    weights = state["weights"]
    direction = state["direction"] if "direction" in state else 0.0 * weights

    for number in range(len(problem.memory), spec.max_rounds):
        loss = square = 0.0
        for batch in batches(len(x), spec.batches):
            # 1. Predict the batch together.
            share = (batch.stop - batch.start) / len(x)
            theirs = receive_rows(
                passive, PartialPredictor, batch.stop - batch.start, spec.block_rows
            )
            predictor = x[batch] @ weights + theirs
            loss += share * objective.loss(spec.family, predictor, label[batch])

            # 2. Every party gets the gradient of its own coefficients, and updates them.
            residual = objective.residual(spec.family, predictor, label[batch])
            problem.gradients(residual, batch.start)
            gradient = objective.gradient(x[batch], residual, weights, problem.penalty)
            preconditioned = problem.precondition(gradient)
            square += share * float(gradient @ preconditioned)
            direction = spec.momentum * direction - preconditioned
            weights = weights + spec.step / (1 + number) * direction

        # 3. Stop when a pass changes the loss by less than the tolerance. The last pass is not
        #    kept: done once more, it ends the training again, and tells nothing new.
        problem.record(loss, square)
        converged = _has_converged(problem.memory.rounds, spec.tolerance)
        passive.send(Progress(converged=converged))
        if converged:
            return weights, None, True
        problem.memory.add(weights=weights, direction=direction)
    return weights, None, False


def _has_converged(rounds: list[Round], tolerance: float) -> bool:
    return len(rounds) > 1 and abs(rounds[-2].loss - rounds[-1].loss) < tolerance
