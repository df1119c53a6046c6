"""The passive party's role: it has columns but no labels."""

import operator
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import reduce

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import keys, radix
from isthmus.crypto.encryption import Engine
from isthmus.crypto.fixed_point import Bounds
from isthmus.crypto.radix import Quantised
from isthmus.crypto.scheme import Ciphertexts, PublicKey
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message
from isthmus.vertical.regression import model, scaling
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
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope
from isthmus.vertical.regression.objective import RESIDUAL_LIMIT, Preconditioner
from isthmus.vertical.regression.rows import batches, blocks, send_rows
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.regression.trained import PassiveTrained


def passive(  # noqa: PLR0913 - the caller knows all of these, and nobody else does
    active: Channel,
    train: Table,
    test: Table,
    spec: Regression,
    telemetry: Telemetry,
    memory: Memory,
    *,
    engine: Engine = "auto",
) -> PassiveTrained:
    """Train the coefficients of our columns, then score the test rows.

    We learn the gradient of our own coefficients in every round, but no residual and no label.
    The active party learns a linear combination of our columns per round, row by row; see
    `messages.py`.

    Args:
        active: The channel to the active party.
        train: Our columns of the training rows, in the common order.
        test: Our columns of the test rows, in the common order.
        spec: The `[regression]` table.
        telemetry: Receives progress.
        memory: Rounds of an interrupted run, or empty; new rounds are added.
        engine: What we ask to compute our encryption with.

    Returns:
        Our part of the model, and how training ended.

    Raises:
        PeerError: The active party broke the protocol.
    """
    # 1. Standardise and quantise our columns: all of training uses exactly these values.
    scale = scaling.fit(train)
    columns = radix.quantise(scale(train.features), spec.feature_bits)

    # 2. Agree on sizes and on the round to resume from; receive the public key of the residuals.
    active.send(Shape(rows=len(train), columns=len(train.names), rounds=len(memory)))
    start = active.receive(Start)
    if not memory.can_go_on_after(start.rounds):
        raise PeerError(
            f"{active.peer!r} wants to go on after round {start.rounds}, and we have kept "
            f"{len(memory)}. Compare `isthmus version` on both sides."
        )
    key = _load_key(active, start.key, spec, engine)
    gradients = _Gradients(active, columns, key, spec, telemetry)
    memory.rewind(start.rounds)

    # 3. Train.
    learn = _conjugate_gradients if spec.batches == 1 else _momentum
    weights, rounds, converged = learn(gradients, memory, spec, telemetry)
    part = model.named(model.part(spec.family, train.names, scale, weights), start.run)

    # 4. Score.
    send_rows(active, PartialPredictor, part.predictor(test.features), spec.block_rows)
    return PassiveTrained(part, rounds, converged)


class _Gradients:
    """Computes our gradient with the active party's help.

    We never see a residual, and the active party never sees a column.
    """

    def __init__(
        self,
        active: Channel,
        columns: Quantised,
        key: PublicKey,
        spec: Regression,
        telemetry: Telemetry,
    ) -> None:
        self.active = active
        self.x = columns.values()
        penalty: Floats = spec.penalty * np.ones(self.x.shape[1])
        self.precondition = Preconditioner(self.x, penalty, spec.family)
        self._columns = columns
        self._key = key
        self._spec = spec
        self._telemetry = telemetry

    def __call__(self, weights: Floats, batch: slice) -> Floats:
        """Returns the gradient of the penalised loss of a batch at `weights`, shape (columns,)."""
        rows = batch.stop - batch.start
        bounds = Bounds(rows, self._spec.feature_bits, RESIDUAL_LIMIT[self._spec.family])
        masks = bounds.masks(len(weights))  # new for every gradient, and used once

        # 1. Multiply our columns by the encrypted residuals, block by block as they arrive.
        sums = reduce(operator.add, self._products(batch))

        # 2. Mask the sums; to add freshly encrypted masks also re-randomises the ciphertexts.
        with self._telemetry.timed("encryption"):
            masked = (sums + self._key.encrypt(masks)).dump()
        self.active.send(MaskedGradient(ciphertexts=masked))

        # 3. Receive them decrypted, and subtract the masks.
        opened = self.active.receive(OpenedGradient)
        with _checked(self.active, OpenedGradient):
            values = bounds.decode(bounds.unmask(opened.sums, masks))
        gradient: Floats = self._columns.steps * values / rows + self._spec.penalty * weights
        return gradient

    def _products(self, batch: slice) -> Iterator[Ciphertexts]:
        for block in blocks(batch.start, batch.stop, self._spec.block_rows):
            with self._telemetry.timed("transport"):
                residuals = self.active.receive(Residuals)
            if residuals.first_row != block.start:
                raise PeerError(
                    f"{self.active.peer!r} sent residuals from row {residuals.first_row} where row "
                    f"{block.start} was due. Compare `isthmus version` on both sides."
                )
            with self._telemetry.timed("kernel"), _checked(self.active, Residuals):
                ciphertexts = self._key.load(residuals.ciphertexts, block.stop - block.start)
                product = radix.products(ciphertexts, self._columns[block])
            yield product


@contextmanager
def _checked(active: Channel, kind: type[Message]) -> Generator[None]:
    # Turn a ValueError about a peer's message into a PeerError.
    try:
        yield
    except ValueError as error:
        raise PeerError(
            f"{active.peer!r} sent a {kind.__name__} that no honest run makes: {error}. "
            "Do not use this run; ask which version they run."
        ) from None


def _load_key(active: Channel, key: bytes, spec: Regression, engine: Engine) -> PublicKey:
    cipher = spec.encryption.of_numbers
    with _checked(active, Start):
        return keys.load_public(cipher.scheme, engine, cipher.key_bits, key)


def _conjugate_gradients(
    gradients: _Gradients, memory: Memory, spec: Regression, telemetry: Telemetry
) -> tuple[Floats, int, bool]:
    """Full batch; the function of the same name in `active.py` explains the method."""
    active, x = gradients.active, gradients.x
    state, nothing = memory.last(), np.zeros(x.shape[1])
    weights, direction, previous = (
        state.get(name, nothing) for name in ("weights", "direction", "previous")
    )

    for number in range(len(memory), spec.max_rounds):
        telemetry.progress("train", number, spec.max_rounds)
        # 1. Our gradient.
        gradient = gradients(weights, slice(0, len(x)))

        # 2. Conjugate the directions: the inner products of all parties add up.
        preconditioned = gradients.precondition(gradient)
        square, overlap = float(gradient @ preconditioned), float(previous @ preconditioned)
        active.send(GradientNorms(square=square, overlap=overlap))
        answer = active.receive(Direction)
        if answer.converged:
            return weights, number + 1, True
        direction = answer.conjugacy * direction - preconditioned

        # 3. The active party does the line search, and sends the length of the step.
        send_rows(active, PartialSlope, x @ direction, spec.block_rows)
        slope, curvature = weights @ direction, direction @ direction
        active.send(
            PenaltyLine(
                slope=spec.penalty * float(slope), curvature=spec.penalty * float(curvature)
            )
        )
        weights = weights + active.receive(Step).length * direction
        previous = gradient
        memory.add(weights=weights, direction=direction, previous=previous)
    return weights, spec.max_rounds, False


def _momentum(
    gradients: _Gradients, memory: Memory, spec: Regression, telemetry: Telemetry
) -> tuple[Floats, int, bool]:
    """Fixed batches; the function of the same name in `active.py` explains the method."""
    active, x = gradients.active, gradients.x
    state, nothing = memory.last(), np.zeros(x.shape[1])
    weights, direction = state.get("weights", nothing), state.get("direction", nothing)

    for number in range(len(memory), spec.max_rounds):
        telemetry.progress("train", number, spec.max_rounds)
        for batch in batches(len(x), spec.batches):
            send_rows(active, PartialPredictor, x[batch] @ weights, spec.block_rows)
            preconditioned = gradients.precondition(gradients(weights, batch))
            direction = spec.momentum * direction - preconditioned
            weights = weights + spec.step / (1 + number) * direction
        if active.receive(Progress).converged:
            return weights, number + 1, True
        memory.add(weights=weights, direction=direction)
    return weights, spec.max_rounds, False
