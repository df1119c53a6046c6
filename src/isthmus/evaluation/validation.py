"""Figures that a validator asks for, as plain structs: light to import."""

import msgspec

SHIFTED = 0.1
"""From here on a shift is worth a look (Siddiqi 2006, "Credit risk scorecards")."""

FAR = 0.25
"""From here on the rows are others than those that were trained on."""


class Interval(msgspec.Struct, frozen=True):
    """A value, and an interval that holds the true one with a confidence of 95%."""

    value: float
    low: float
    high: float


class Gain(msgspec.Struct, frozen=True):
    """How much higher the AUC of one model is than that of another on the same rows."""

    value: float
    low: float
    high: float
    p: float
    """Probability of a difference at least as large if both models rank equally well."""


class CalibrationGroup(msgspec.Struct, frozen=True):
    """Rows with similar scores: what they were expected to be, and what they were."""

    rows: int
    expected: float  # mean score
    observed: float  # share of rows with label 1
    low: float  # interval of the share, by Wilson
    high: float


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """The decision to take all rows with at least a score."""

    share: float  # of all rows that are taken
    score: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    precision: float  # share of positives among the rows that are taken
    recall: float | None  # share of all positives that are taken; None if there are none


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a model of several classes; None where `undefined` says why."""

    accuracy: float
    log_loss: float | None
    auc: list[float | None]  # of each class against all others
    confusion: list[list[int]]  # rows by the class that they have, then by that with most score


class AmountGroup(msgspec.Struct, frozen=True):
    """Rows with similar predictions of a number: what was expected, and what came."""

    rows: int
    expected: float  # mean prediction
    observed: float  # mean label


class AmountFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a model of a number, in its units; None where `undefined` says why."""

    r2: float | None
    mae: float | None
    rmse: float | None
    calibration: list[AmountGroup]  # by rising prediction


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """Figures on the rows whose label is known; None where `undefined` says why."""

    rows: int
    positives: int | None = None  # of a label of 0 and 1, as all that follows
    auc: dict[str, Interval | None] = {}  # by model
    gain: Gain | None = None  # of the joint model over that of the active party alone
    brier: dict[str, float | None] = {}  # by model
    log_loss: dict[str, float | None] = {}  # by model
    calibration: list[CalibrationGroup] = []  # of the first model
    cuts: list[Cut] = []  # of the first model
    classes: ClassFigures | None = None  # of a label of several classes
    amounts: dict[str, AmountFigures] = {}  # of a label that is a number, by model
    undefined: dict[str, str] = {}  # why a figure is not there, by its name


class Groups(msgspec.Struct, frozen=True):
    """How the rows that were trained on spread over groups of a column or of scores."""

    bounds: list[float]  # between groups, ascending; of a categorical column the categories
    rows: list[int]  # in each group, then above the last bound, then with empty cells


class TrainedGroups(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows that were trained on leave for those that are scored later: no row."""

    rows: int
    score: Groups | None = None  # None where this party does not know the scores
    columns: dict[str, Groups] = {}


class Stability(msgspec.Struct, frozen=True, kw_only=True):
    """How far the distribution of scored rows is from that of the rows that were trained on."""

    sampling_noise: float
    """What rows of the same kind come to on average, as there are so few."""

    score: float | None = None
    """Population stability index of the scores; None where this party does not know them all."""

    columns: dict[str, float] = {}
    """The same index of each column of this party."""

    missing: str = ""
    """Why there is no index of the scores; empty if there is one."""
