"""Values per row that cross in a regression, and what they tell.

| message          | direction         | the reader learns                                        |
|------------------|-------------------|----------------------------------------------------------|
| PartialSlope     | passive -> active | one projection of the passive party's columns, per row   |
| PartialPredictor | passive -> active | the passive party's share of each row's linear predictor |
"""

from typing import ClassVar

from isthmus.core.arrays import Floats
from isthmus.transport.message import Count, Message


class PartialSlope(Message, frozen=True):
    """Change of the passive party's partial predictor along its direction, one block of rows."""

    purpose: ClassVar[str] = "search along the direction"
    reveals: ClassVar[str] = "one linear combination of the passive party's columns, row by row"
    discloses: ClassVar[bool] = True

    first_row: Count
    values: Floats


class PartialPredictor(Message, frozen=True):
    """The passive party's share of the linear predictor, one block of rows."""

    purpose: ClassVar[str] = "predict"
    reveals: ClassVar[str] = "the passive party's share of each row's score"
    discloses: ClassVar[bool] = True

    first_row: Count
    values: Floats
