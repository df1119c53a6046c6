"""The parts of a joint model: each party stores its own."""

from typing import Literal

import msgspec
import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.regression import families
from isthmus.vertical.regression.scaling import Label, Scaling
from isthmus.vertical.regression.spec import Family


class Column(msgspec.Struct, frozen=True):
    """One column of this party and its coefficient."""

    name: str
    mean: float
    deviation: float
    coefficient: float | tuple[float, ...]  # per standard deviation; one for each class
    error: float | None = None  # standard error of the coefficient; see `coefficients.py`


class Part(msgspec.Struct, frozen=True):
    """Coefficients of one party's own columns; the active party's part has the intercept.

    The predictor of a gaussian family is in standard deviations of the label, so the active party's
    part holds the label's mean and deviation too.
    """

    family: Family
    columns: list[Column]
    intercept: float | tuple[float, ...] | None = None
    label_mean: float = 0.0
    label_deviation: float = 1.0
    tweedie_power: float = 1.5
    shifted: bool = False  # whether rows had an offset or an exposure, and need one to be scored
    errors: Literal["", "joint", "bound"] = ""  # what standard errors of the columns are
    run: str = ""  # name of the training: the same in all parts of one model

    @property
    def coefficients(self) -> Floats:
        """Coefficients per standard deviation, shape (columns,) or (columns, classes)."""
        return np.array([column.coefficient for column in self.columns])

    @property
    def weights(self) -> Floats:
        """Coefficients and, last, the intercept, shape (columns + 1,) or (columns + 1, classes)."""
        return np.concatenate([self.coefficients, np.array([self.intercept])])

    @property
    def outputs(self) -> tuple[int, ...]:
        """Shape of the outputs of a row: () for one number, (classes,) for several."""
        coefficients = self.coefficients
        return coefficients.shape[1:] if len(coefficients) else np.shape(self.intercept or 0.0)

    def predictor(self, features: Floats) -> Floats:
        """Returns this party's share of the linear predictor.

        Args:
            features: Columns in their own units, shape (rows, columns).

        Returns:
            Shape (rows,) or (rows, classes); the intercept is in the active party's share.
        """
        # Column by column: a product of matrices rounds a row alone otherwise than among many.
        share = np.zeros((len(features), *self.outputs))
        for column, values in zip(self.columns, features.T, strict=True):
            scaled = (values - column.mean) / column.deviation
            share += np.multiply.outer(scaled, column.coefficient)
        return share if self.intercept is None else share + np.array(self.intercept)

    def check_offset(self, rows: Table) -> None:
        """Refuse rows to score that lack what training had.

        Args:
            rows: The rows, at the party that has the intercept.

        Raises:
            SpecError: Training had an exposure or an offset, and these rows have none.
        """
        if self.shifted and rows.offset is None:
            raise SpecError(
                "the model was trained on rows with an `exposure` or an `offset`, and its "
                "predictions are in proportion to them: name the column in the data set of the "
                "rows to score, too; an exposure of 1 everywhere gives rates."
            )

    def share(self, features: Floats, offset: Floats) -> Floats:
        """Returns this party's share of the linear predictor, with an offset in it.

        Args:
            features: Columns in their own units, shape (rows, columns).
            offset: Of each row, shape (rows,); that of a gaussian family is in units of the label.

        Returns:
            Shape (rows,).
        """
        return self.predictor(features) + offset / self.label_deviation

    def predict(
        self, features: Floats, others: Floats | float = 0.0, offset: Floats | float = 0.0
    ) -> Floats:
        """Returns expected labels of rows; call it on the part that has the intercept.

        Args:
            features: This party's columns in their own units, shape (rows, columns).
            others: The other parties' share of the linear predictor, shape (rows,) or (rows,
                classes).
            offset: What is added to each row's predictor, shape (rows,).

        Returns:
            In the label's own units, shape (rows,); or probabilities of classes, shape (rows,
            classes).
        """
        return self.expected(self.predictor(features) + others, offset)

    def expected(self, predictor: Floats, offset: Floats | float = 0.0) -> Floats:
        """Returns expected labels in their own units.

        Args:
            predictor: All parties' linear predictor, shape (rows,) or (rows, classes).
            offset: What is not in it yet, shape (rows,).

        Returns:
            Of the same shape.
        """
        if self.family == "gaussian":  # only the offset is in units of the label
            return predictor * self.label_deviation + self.label_mean + offset
        shift = offset if predictor.ndim == 1 else np.reshape(offset, (-1, 1))
        return families.mean(self.family, predictor + shift)


def part(family: Family, names: tuple[str, ...], scaling: Scaling, weights: Floats) -> Part:
    """Make a part from the coefficients of one party's columns and their scaling.

    Args:
        family: The family.
        names: The columns.
        scaling: Their means and deviations.
        weights: Shape (columns,) or (columns, classes).

    Returns:
        A part without intercept.
    """
    facts = zip(names, scaling.mean, scaling.deviation, weights, strict=True)
    columns = [Column(name, float(m), float(d), _plain(w)) for name, m, d, w in facts]
    return Part(family, columns)


def labelled(part: Part, intercept: Floats | float, label: Label) -> Part:
    """Add intercept and scaling of the label to the active party's part."""
    return msgspec.structs.replace(
        part,
        intercept=_plain(intercept),
        label_mean=label.mean,
        label_deviation=label.deviation,
        tweedie_power=label.tweedie_power,
        shifted=label.shifted,
    )


def _plain(coefficient: Floats | float) -> float | tuple[float, ...]:
    """A coefficient as the file of a model has it: a number, or one for each class."""
    numbers = np.asarray(coefficient)
    return tuple(map(float, numbers)) if numbers.ndim else float(numbers)


def named(part: Part, run: str) -> Part:
    """Add the name of the training, which the parts of one model share."""
    return msgspec.structs.replace(part, run=run)
