"""A training at the level `shared` in one place: the same integers, without encryption."""

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto import radix
from isthmus.crypto.radix import Quantised
from isthmus.vertical.regression import families, scaling
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.shared import exchange, expansion, rounding
from isthmus.vertical.regression.shared.coefficients import Coefficients
from isthmus.vertical.regression.spec import Regression
from tests.regressions import ACTIVE, Split


class InClear:
    """All parties of a training; what they would never see of each other can be looked at."""

    def __init__(self, spec: Regression, split: Split) -> None:
        """Start where the parties start."""
        self.spec = spec
        train, _ = split.rows()
        self.tables = {
            party: split.own(party).take(train) for party in (ACTIVE, *sorted(split.passives))
        }
        ours = self.tables[ACTIVE]
        self.label = scaling.label(ours, spec)
        loss, alone = Loss(families.likelihood(spec), self.label), train_pooled(ours, spec)
        columns = list[Quantised]()
        for party, table in self.tables.items():
            x = scaling.fit(table)(table.features)
            if party == ACTIVE:
                x = np.column_stack([x, np.ones(len(x))])
            columns.append(radix.quantise(x, spec.feature_bits))
        start = columns[0].values() @ alone.weights + loss.offset
        curvature = loss.curvature(start)
        self.blocks = [
            Coefficients(each, spec, curvature, free=int(at == 0))
            for at, each in enumerate(columns)
        ]
        self.blocks[0].restore({"weights": alone.weights})
        self.counts: list[int] = []
        self.errors: list[float] = []
        self.exact: list[Floats] = []
        self.approximate: list[Floats] = []
        for number in range(spec.sharing.rounds):
            self._round(number)

    def _round(self, number: int) -> None:
        spec, (active, *passives) = self.spec, [block.share() for block in self.blocks]
        active = active + self.label.offset
        levels = [expansion.level(spec, share) for share in (active, *passives)]
        count = expansion.products(spec, levels)
        functions = expansion.expansion(spec, levels, count)
        scale = rounding.scale(len(active), spec.feature_bits, functions, len(passives))
        constant, factors = functions.of_active(active, self.label.values)
        weight = self.label.weight
        whole, last, scale = rounding.of_active(
            weight * constant, weight * factors, functions, scale, exchange.generator(0, number)
        )
        residuals = whole
        if count:
            made = rounding.of_first(
                functions.of_first(passives[0]), scale, exchange.generator(1, number)
            )
            for at, share in enumerate(passives[1:], start=1):
                added, middle = rounding.of_middle(
                    *functions.of_middle(share, at), at, scale, exchange.generator(1 + at, number)
                )
                made = (middle * made).sum(axis=1) + added
            residuals = residuals + (last * made).sum(axis=0)
        else:
            residuals = residuals + np.rint(np.ldexp(passives[0], scale.bits)).astype(np.int64)
        self.counts.append(count)
        self._record(functions.error, active + sum(passives), residuals, scale.bits)
        shown = [
            block.products(block.columns.integers().T @ residuals, scale.bits)
            for block in self.blocks
        ]
        for block in self.blocks:
            block.move(shown[0] + sum(shown[1:]))

    def _record(self, error: float, predictor: Floats, residuals: Integers, bits: int) -> None:
        self.errors.append(error)
        exact = families.likelihood(self.spec).residual(predictor, self.label.values)
        self.exact.append(self.label.weight * exact)
        self.approximate.append(np.ldexp(residuals.astype(np.float64), -bits))

    @property
    def coefficients(self) -> Floats:
        """Of all columns, in the order of the parties, without the intercept."""
        (active, *passives) = [block.weights for block in self.blocks]
        return np.concatenate([active[:-1], *passives])

    def predictor(self, split: Split) -> Floats:
        """The linear predictor of the test rows."""
        _, test = split.rows()
        total = np.full(len(test), self.blocks[0].weights[-1])
        for (party, table), block in zip(self.tables.items(), self.blocks, strict=True):
            x = scaling.fit(table)(split.own(party).take(test).features)
            total += x @ block.weights[: x.shape[1]]
        return total
