"""The coefficients of a part of a model, for its report."""

from collections.abc import Iterator

from isthmus.evaluation.description import Coefficient, Description
from isthmus.vertical.regression.model import Part


def described(part: Part) -> Description:
    """Describe a part: the coefficients of a party's columns, of several classes one by one."""
    intercept = part.intercept if isinstance(part.intercept, float) else None
    return Description([*_coefficients(part)], intercept)


def _coefficients(part: Part) -> Iterator[Coefficient]:
    for column in part.columns:
        if isinstance(column.coefficient, float):
            value = column.coefficient
            yield Coefficient(column.name, value, value / column.deviation)
        else:
            for number, value in enumerate(column.coefficient):
                name = f"{column.name}, class {number}"
                yield Coefficient(name, value, value / column.deviation)
