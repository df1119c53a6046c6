"""The parts of a joint model: each party stores its own."""

import msgspec
import numpy as np

from isthmus.core.arrays import Floats
from isthmus.vertical.regression import objective
from isthmus.vertical.regression.scaling import Label, Scaling
from isthmus.vertical.regression.spec import Family


class Column(msgspec.Struct, frozen=True):
    """One column of this party and its coefficient."""

    name: str
    mean: float
    deviation: float
    coefficient: float  # per standard deviation of the column


class Part(msgspec.Struct, frozen=True):
    """Coefficients of one party's own columns; the active party's part has the intercept.

    The predictor is in log-odds (binomial), or in standard deviations of the label (gaussian); then
    the active party's part holds the label's mean and deviation too.
    """

    family: Family
    columns: list[Column]
    intercept: float | None = None
    label_mean: float = 0.0
    label_deviation: float = 1.0
    run: str = ""  # name of the training: the same in all parts of one model

    @property
    def coefficients(self) -> Floats:
        """Coefficients per standard deviation, shape (columns,)."""
        return np.array([column.coefficient for column in self.columns])

    @property
    def weights(self) -> Floats:
        """Coefficients and, last, the intercept, shape (columns + 1,)."""
        return np.append(self.coefficients, self.intercept or 0.0)

    def predictor(self, features: Floats) -> Floats:
        """Returns this party's share of the linear predictor.

        Args:
            features: Columns in their own units, shape (rows, columns).

        Returns:
            Shape (rows,); the intercept is in the active party's share.
        """
        # Column by column: a product of matrices rounds a row alone otherwise than among many.
        share = np.zeros(len(features))
        for column, values in zip(self.columns, features.T, strict=True):
            share += (values - column.mean) / column.deviation * column.coefficient
        return share + (self.intercept or 0.0)

    def predict(self, features: Floats, others: Floats | float = 0.0) -> Floats:
        """Returns expected labels of rows; call it on the part that has the intercept.

        Args:
            features: This party's columns in their own units, shape (rows, columns).
            others: The other parties' share of the linear predictor, shape (rows,).

        Returns:
            Shape (rows,), in the label's own units.
        """
        return self.expected(self.predictor(features) + others)

    def expected(self, predictor: Floats) -> Floats:
        """Returns expected labels in their own units, for all parties' linear predictor."""
        return objective.mean(self.family, predictor) * self.label_deviation + self.label_mean


def part(family: Family, names: tuple[str, ...], scaling: Scaling, weights: Floats) -> Part:
    """Make a part from the coefficients of one party's columns and their scaling."""
    facts = zip(names, scaling.mean, scaling.deviation, weights, strict=True)
    columns = [Column(name, float(m), float(d), float(w)) for name, m, d, w in facts]
    return Part(family, columns)


def labelled(part: Part, intercept: float, label: Label) -> Part:
    """Add intercept and scaling of the label to the active party's part."""
    return msgspec.structs.replace(
        part, intercept=intercept, label_mean=label.mean, label_deviation=label.deviation
    )


def named(part: Part, run: str) -> Part:
    """Add the name of the training, which the parts of one model share."""
    return msgspec.structs.replace(part, run=run)
