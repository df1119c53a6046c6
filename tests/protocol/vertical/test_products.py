"""Sums of one party's columns times another one's values, by each scheme, honest and not."""


import numpy as np
import pytest

from isthmus.core.arrays import Integers
from isthmus.crypto import radix
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.transport.channel import Channel
from isthmus.vertical.regression.products.column_side import ColumnSide
from isthmus.vertical.regression.products.kinds import bounds_of
from isthmus.vertical.regression.products.scheme import Bounds
from isthmus.vertical.regression.products.value_side import ValueSide
from isthmus.vertical.regression.products.workers import start_workers
from tests.roles import run_together

BFV = RegressionEncryption("bfv")
OKAMOTO_UCHIYAMA = RegressionEncryption("okamoto-uchiyama", 2048)  # and 1024 by the environment
PAILLIER = RegressionEncryption("paillier", 2048)
SCHEMES = (BFV, OKAMOTO_UCHIYAMA, PAILLIER)
each_scheme = pytest.mark.parametrize("encryption", SCHEMES, ids=lambda it: it.scheme)

BLOCK = 64
GENERATOR = np.random.default_rng(5)


def columns_of(rows: int, count: int) -> radix.Quantised:
    x = GENERATOR.normal(size=(rows, count))
    x[:, 0] = x[:, 0] > 0  # a flag
    return radix.quantise((x - x.mean(axis=0)) / x.std(axis=0))


def values_of(bounds: Bounds, shape: tuple[int, ...]) -> Integers:
    values = bounds.integers(GENERATOR.uniform(-bounds.limit, bounds.limit, shape))
    values[0] = -(2**bounds.residual_bits)  # the largest that there may be
    return values


def sums(
    encryption: RegressionEncryption,
    columns: radix.Quantised,
    *given: Integers,
    ours: int = 1,
    theirs: int = 1,
) -> list[Integers]:
    """What the column side gets of each of the values, with so many workers at either side."""
    bounds = bounds_of(encryption, len(columns), 14, 1.0)
    outputs = None if given[0].ndim == 1 else given[0].shape[1]

    def values(peer: Channel) -> None:
        with start_workers(ours) as workers:
            count = len(columns.steps)
            give = ValueSide(peer, encryption, bounds, count, block_rows=BLOCK, workers=workers)
            for each in given:
                give(each)

    def column(peer: Channel) -> list[Integers]:
        with start_workers(theirs) as workers:
            take = ColumnSide(
                peer,
                columns,
                encryption,
                bounds,
                outputs=outputs,
                block_rows=BLOCK,
                workers=workers,
            )
            return [take() for _ in given]

    found: list[Integers] = run_together(active=values, passive=column)["passive"]
    return found


class TestProducts:
    @each_scheme
    def test_are_exact(self, encryption: RegressionEncryption) -> None:
        columns = columns_of(150, 3)
        bounds = bounds_of(encryption, 150, 14, 1.0)
        values = [values_of(bounds, (150,)) for _ in range(2)]
        found = sums(encryption, columns, *values)
        for each, got in zip(values, found, strict=True):
            assert got.tolist() == (columns.integers().T @ each).tolist()

    @each_scheme
    def test_of_several_outputs_are_as_many_products(
        self, encryption: RegressionEncryption
    ) -> None:
        columns = columns_of(150, 3)
        values = values_of(bounds_of(encryption, 150, 14, 1.0), (150, 4))
        (found,) = sums(encryption, columns, values)
        assert found.tolist() == (columns.integers().T @ values).tolist()
