"""Forecast of the messages of a regression."""

from collections.abc import Iterator

import numpy as np

from isthmus.crypto import keys
from isthmus.ledger.forecast import Flow, Sizes, blocks
from isthmus.vertical.regression.encrypted import messages
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope
from isthmus.vertical.regression.rows import PerRow, batches
from isthmus.vertical.regression.spec import Regression


def forecast(spec: Regression, passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages of training and scoring.

    Args:
        spec: The `[regression]` table.
        passive: Name of the passive party.
        sizes: Numbers of rows and rounds.

    Returns:
        The flows of both roles.
    """
    cipher = spec.encryption.of_numbers
    key = keys.public_key_bytes(cipher.scheme, cipher.key_bits)
    columns = spec.columns_of(passive)
    train = _conjugate_gradients if spec.batches == 1 else _momentum
    return [
        Flow("passive", messages.Shape(rows=sizes.train, columns=columns, rounds=0), 1),
        Flow("active", messages.Start(key=bytes(key), rounds=0, run="0" * 32), 1),
        *train(spec, columns, sizes),
        *_per_row(PartialPredictor, sizes.test, spec),
    ]


def _conjugate_gradients(spec: Regression, columns: int, sizes: Sizes) -> Iterator[Flow]:
    steps = sizes.rounds - 1  # the last round only finds that training has converged
    yield from _times(sizes.rounds, _gradient(spec, columns, sizes.train))
    yield Flow("passive", messages.GradientNorms(square=1.0, overlap=1.0), sizes.rounds)
    yield Flow("active", messages.Direction(conjugacy=1.0, converged=False), sizes.rounds)
    yield from _times(steps, _per_row(PartialSlope, sizes.train, spec))
    yield Flow("passive", messages.PenaltyLine(slope=1.0, curvature=1.0), steps)
    yield Flow("active", messages.Step(length=1.0), steps)


def _momentum(spec: Regression, columns: int, sizes: Sizes) -> Iterator[Flow]:
    for batch in batches(sizes.train, spec.batches):
        rows = batch.stop - batch.start
        yield from _times(sizes.rounds, _per_row(PartialPredictor, rows, spec))
        yield from _times(sizes.rounds, _gradient(spec, columns, rows))
    yield Flow("active", messages.Progress(converged=False), sizes.rounds)


def _gradient(spec: Regression, columns: int, rows: int) -> Iterator[Flow]:
    cipher = spec.encryption.of_numbers
    size = keys.ciphertext_bytes(cipher.scheme, cipher.key_bits)
    for count, block in blocks(rows, spec.block_rows):
        residuals = messages.Residuals(first_row=rows, ciphertexts=bytes(block * size))
        yield Flow("active", residuals, count)
    yield Flow("passive", messages.MaskedGradient(ciphertexts=bytes(columns * size)), 1)
    yield Flow("active", messages.OpenedGradient(sums=[bytes(17)] * columns), 1)


def _per_row(kind: type[PerRow], rows: int, spec: Regression) -> Iterator[Flow]:
    for count, block in blocks(rows, spec.block_rows):
        yield Flow("passive", kind(first_row=rows, values=np.zeros(block)), count)


def _times(rounds: int, flows: Iterator[Flow]) -> Iterator[Flow]:
    for flow in flows:
        yield Flow(flow.sender, flow.sample, flow.count * rounds)
