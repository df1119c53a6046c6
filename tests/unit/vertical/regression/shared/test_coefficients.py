"""The coefficients of one party at the level `shared`, whatever the other parties tell it."""

from contextlib import suppress

import numpy as np
import pytest

from isthmus.core.errors import JobError
from isthmus.crypto import radix
from isthmus.vertical.regression.shared import descent
from isthmus.vertical.regression.shared.coefficients import Coefficients
from isthmus.vertical.regression.spec import Regression, Shared

ROWS = 60


def coefficients(curvature: float = 0.25) -> Coefficients:
    spec = Regression(
        level="shared", passive_columns=3, shared=Shared(active_columns=1), penalty=1e-3
    )
    x = np.random.default_rng(1).normal(size=(ROWS, 3))
    return Coefficients(radix.quantise(x, 14), spec, curvature)


class TestRunsAway:
    @pytest.mark.parametrize("seed", range(20))
    def test_or_stays_finite_where_inner_products_are_absurd(self, seed: int) -> None:
        generator, party = np.random.default_rng(seed), coefficients()
        for _ in range(descent.MEMORY):
            party.products(generator.integers(-100, 100, 3), 5)
            party.move(generator.normal(size=descent.SHOWN) * 1e-9)
        shown = generator.choice([1e100, -1e100, 1e-300, -1e-300, 0, 1, 1e70], descent.SHOWN)
        with suppress(JobError):
            for _ in range(8):
                told = party.products(np.ones(3, np.int64), 5)
                assert (np.abs(told) < 1e100).all()
                party.move(shown)
                assert np.isfinite(party.weights).all()

    @pytest.mark.parametrize("curvature", [2.0**-64, 2.0**64])
    def test_where_residuals_are_said_to_be_huge(self, curvature: float) -> None:
        party = coefficients(curvature)
        with pytest.raises(JobError, match="the training runs away"):
            party.products(np.full(3, 1 << 50), -600)
