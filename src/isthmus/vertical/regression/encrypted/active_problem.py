"""The active party's data and state in training, and the products it gives the passive parties."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.transport.channel import Channel
from isthmus.vertical.regression import families
from isthmus.vertical.regression.block import Block
from isthmus.vertical.regression.encrypted import residuals
from isthmus.vertical.regression.memory import Memory, Round
from isthmus.vertical.regression.objective import LENGTHS, Line, Loss
from isthmus.vertical.regression.products import capacity
from isthmus.vertical.regression.products.scheme import Bounds
from isthmus.vertical.regression.products.value_side import ValueSide
from isthmus.vertical.regression.products.workers import start_workers
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.shares import Totals
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import RoleContext


class Products:
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
class Problem:
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
    def products(self, limit: float) -> Generator[Products]:
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
            yield Products(limit, bounds, sides)

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
