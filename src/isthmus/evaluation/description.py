"""What a run can say of itself before anybody draws it: nothing here loads an engine."""

from dataclasses import dataclass, field

import msgspec

Metrics = dict[str, dict[str, float]]
"""Value by measure, then by model: `{"auc": {"joint": 0.66, "active_only": 0.61}}`."""


class Coefficient(msgspec.Struct, frozen=True):
    """What the model makes of one column of this party."""

    name: str
    per_deviation: float
    per_unit: float


class Importance(msgspec.Struct, frozen=True):
    """What the splits of a model's trees make of one feature."""

    name: str  # of this party's columns; a code where another party knows the name
    count: int  # how many splits
    cover: float | None = None  # sum of the hessians of the rows that were split
    gain: float | None = None  # share of the gain of all splits, in [0, 1]


@dataclass(frozen=True)
class Description:
    """What this party's part of a model says, for its report."""

    coefficients: list[Coefficient] = field(default_factory=list[Coefficient])
    intercept: float | None = None
    importance: list[Importance] = field(default_factory=list[Importance])


class Learned(msgspec.Struct, frozen=True):
    """What one party learned from the messages of one type."""

    message: str
    direction: str  # for example "clinic → insurer"
    learns: str  # one clause
    protection: str
    count: int
    bytes: int
