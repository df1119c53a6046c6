"""Sizes and random numbers that both roles share, and products that are passed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto.lattice.shares import Terms
from isthmus.crypto.radix import Quantised
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.products import messages as products
from isthmus.vertical.regression.products.column_side import ColumnSide
from isthmus.vertical.regression.products.kinds import kind_of
from isthmus.vertical.regression.products.lines import Workers
from isthmus.vertical.regression.products.scheme import Modular
from isthmus.vertical.regression.products.value_side import ValueSide
from isthmus.vertical.regression.shared import counts, rounding
from isthmus.vertical.regression.shared.expansion import Expansion
from isthmus.vertical.regression.shared.rounding import Scale
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import RoleContext


@dataclass(frozen=True)
class Training:
    """What a party knows of the training, besides its columns.

    Attributes:
        spec: The `[regression]` table.
        context: The inputs of the role.
        passives: Names of the passive parties, in the order of products.
        workers: Our workers; None: this process computes.
    """

    spec: Regression
    context: RoleContext
    passives: Sequence[str]
    workers: Workers | None = None

    @property
    def rows(self) -> int:
        """Rows of training."""
        return len(self.context.train)

    @property
    def columns(self) -> list[int]:
        """Coefficients of the active party, with its intercept, and of the passive ones."""
        passive = [self.spec.columns_of(name) for name in self.passives]
        return [self.spec.sharing.active_columns + 1, *passive]

    @property
    def adds_up(self) -> bool:
        """Whether the shares of residuals just add up, without any product."""
        return counts.most_products(self.spec, len(self.passives)) == 0

    def terms(self, functions: Expansion) -> Terms:
        """Returns what all parties know of the shares of a round, where there are products."""
        return Terms(self.rows, functions.count, len(self.passives))

    def scale(self, functions: Expansion) -> Scale:
        """Returns the fixed point of a round, still without exponent."""
        return rounding.scale(self.rows, self.spec.feature_bits, functions, len(self.passives))

    def values_for(self, peer: Channel, party: int) -> ValueSide:
        """Returns the value side of products with the columns of a party."""
        return ValueSide(
            peer,
            self.spec.encryption,
            Modular(self.spec.feature_bits),
            self.columns[party],
            block_rows=self.spec.block_rows,
            engine=self.context.engine,
            workers=self.workers,
            telemetry=self.context.telemetry,
        )

    def columns_at(self, peer: Channel, columns: Quantised) -> ColumnSide:
        """Returns the column side of products with our columns."""
        return ColumnSide(
            peer,
            columns,
            self.spec.encryption,
            Modular(self.spec.feature_bits),
            block_rows=self.spec.block_rows,
            engine=self.context.engine,
            workers=self.workers,
            telemetry=self.context.telemetry,
        )


def generator(party: int, number: int) -> np.random.Generator:
    """Returns the generator that rounds a party's functions in a round: the same if done again."""
    return np.random.default_rng([party, number])


def ending(spec: Regression, norm: float) -> str:
    """Say how training ended.

    Args:
        spec: The `[regression]` table.
        norm: Of the last gradient, preconditioned.

    Returns:
        A few words.
    """
    rounds = f"all {spec.sharing.rounds} rounds"
    if norm < spec.tolerance:
        return f"converged in {rounds}"
    return (
        f"ended after {rounds}, with a gradient of {norm:.1g}: for coefficients closer to the "
        "optimum, agree on more `regression.shared.rounds`"
    )


def with_count(memory: Memory, count: int) -> Floats:
    """Returns the numbers of functions of all rounds so far, with that of one more round."""
    return np.array([*functions(memory), count], np.float64)


def functions(memory: Memory) -> tuple[int, ...]:
    """Returns the numbers of functions of all finished rounds."""
    return tuple(int(each) for each in memory.last().get("functions", ()))


def in_both_directions(give: ValueSide, take: ColumnSide, values: Integers) -> list[int]:
    """Give and take a product at the same time: a block goes out for each one that has come in.

    Args:
        give: Our side of the product with the peer's columns.
        take: Our side of the product with ours.
        values: What the peer's columns are multiplied by, shape (rows,).

    Returns:
        The sums of our columns.

    Raises:
        PeerError: The peer sent what no honest run sends.
    """
    take.ask()
    sending = give.sending(values)
    next(sending)  # with the key
    take.multiply(meanwhile=sending)
    give.answer()
    sums: list[int] = take.opened().tolist()
    return sums


def pass_on_product(training: Training, values: Channel, columns: Channel) -> None:
    """Pass on the messages of a product between two passive parties.

    Args:
        training: Sizes, and the job.
        values: The channel to the party with values.
        columns: That to the party with columns.
    """
    spec = training.spec
    size = kind_of(spec.encryption, "auto", spec.block_rows).block_rows
    _pass_on(products.ProductSeed, columns, values)
    _pass_on(products.ProductKey, values, columns)
    for _ in range(ceil(training.rows / size)):
        _pass_on(products.EncryptedValues, values, columns)
    _pass_on(products.MaskedSums, columns, values)
    _pass_on(products.OpenedSums, values, columns)


def _pass_on(kind: type[Message], source: Channel, target: Channel) -> None:
    target.send(source.receive(kind))
