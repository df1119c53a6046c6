"""The `[preparation]` table of a job: steps before training, each of which it may leave out."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec
from isthmus.crypto.encryption import Encryption, RegressionEncryption

MOST_BINS = 50

Rows = Annotated[int, Meta(ge=1, le=10**9)]


class MissingValues(Spec, frozen=True):
    """The `[preparation.missing]` table: what stands in an empty cell of a column of numbers."""

    fill: Annotated[
        Literal["mean", "median", "most-frequent"],
        Meta(description="what stands there, of the training rows whose cell is not empty"),
    ] = "mean"
    flag: Annotated[
        bool,
        Meta(
            description="add a column that says which cells were empty, if `least_count` were and "
            "as many were not"
        ),
    ] = False
    least_count: Annotated[
        Rows, Meta(description="fewest training rows that a flag tells apart")
    ] = 20


class Encoding(Spec, frozen=True):
    """The `[preparation.encode]` table: how categories become numbers."""

    categories: Annotated[
        Literal["flags", "ordinal"],
        Meta(
            description="flags: a column of 0 and 1 for each category but the most frequent one; "
            "ordinal: the place of the category in `order` of the data set, or in the alphabet"
        ),
    ] = "flags"
    least_count: Annotated[
        Rows,
        Meta(
            description="fewest training rows of a flag: rarer categories, and empty cells, share "
            "one, in which unknown categories are counted when rows are scored"
        ),
    ] = 20


class WeightOfEvidence(Spec, frozen=True):
    """The `[preparation.woe]` table: columns become bins, and a bin the log-odds of its label."""

    bins: Annotated[
        int,
        Meta(
            ge=2,
            le=MOST_BINS,
            description="most bins of a column, without that of empty cells: quantiles of the "
            "training rows, unless the data set gives `edges`, and the most frequent categories",
        ),
    ] = 10
    least_rows: Annotated[
        Rows,
        Meta(description="fewest training rows of a bin: smaller ones are joined to others"),
    ] = 50
    smoothing: Annotated[
        float,
        Meta(
            ge=1e-9,
            le=1e6,
            description="rows of each label that are added to every bin, so that a bin without "
            "one of them has a logarithm",
        ),
    ] = 0.5


class Selection(Spec, frozen=True):
    """The `[preparation.select]` table: which columns are left out of training."""

    information: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="least information value of a column; needs [preparation.woe]"),
    ] = None
    correlation: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(description="highest absolute correlation of two columns"),
    ] = None
    inflation: Annotated[
        Annotated[float, Meta(ge=1)] | None,
        Meta(description="highest variance inflation factor of a column"),
    ] = None
    active_columns: Annotated[
        Annotated[int, Meta(ge=1, le=200)] | None,
        Meta(
            description="most columns of the active party, to compare them with those of the "
            "passive party; unset: each party compares its own columns only"
        ),
    ] = None
    encryption: Annotated[
        RegressionEncryption,
        Meta(description="how the active party's columns cross, if they do"),
    ] = RegressionEncryption()

    def __post_init__(self) -> None:
        """Refuse a table that selects nothing, and columns that cross for nothing.

        Raises:
            ValueError: It is one; msgspec makes it an error about the file.
        """
        if self.information is None and not self.compares:
            raise ValueError(
                "nothing is selected: give `information`, `correlation` or `inflation`"
            )
        if self.active_columns is not None and not self.compares:
            raise ValueError(
                "`active_columns` is for `correlation` and `inflation`: give one, or take it out"
            )

    @property
    def compares(self) -> bool:
        """Whether columns are compared with each other."""
        return self.correlation is not None or self.inflation is not None


class Scorecard(Spec, frozen=True):
    """The `[preparation.scorecard]` table: scores in points, more of them for fewer events."""

    points: Annotated[
        float, Meta(ge=-1e6, le=1e6, description="points of a row whose odds are `odds`")
    ] = 600.0
    odds: Annotated[
        float,
        Meta(gt=0, le=1e9, description="rows of label 0 for each one of label 1 at `points`"),
    ] = 50.0
    double: Annotated[
        float, Meta(gt=0, le=1e6, description="points that double these odds (PDO)")
    ] = 20.0
    reasons: Annotated[
        int,
        Meta(ge=0, le=20, description="columns that cost a row most points, named at their owner"),
    ] = 4


class Preparation(Spec, frozen=True):
    """The `[preparation]` table of a job: its steps in their order."""

    missing: Annotated[
        MissingValues | None, Meta(description="fill empty cells of columns of numbers")
    ] = None
    encode: Annotated[Encoding | None, Meta(description="turn categories into numbers")] = None
    woe: Annotated[
        WeightOfEvidence | None,
        Meta(description="put weight of evidence in the place of all columns"),
    ] = None
    select: Annotated[Selection | None, Meta(description="leave columns out")] = None
    scorecard: Annotated[Scorecard | None, Meta(description="scores in points, and reasons")] = None
    block_rows: Annotated[
        int, Meta(ge=64, le=32_768, description="labels encrypted and sent at a time")
    ] = 8192
    encryption: Annotated[
        Encryption, Meta(description="how labels cross, for [preparation.woe]")
    ] = Encryption()

    def __post_init__(self) -> None:
        """Refuse steps that do nothing, or contradict each other.

        Raises:
            ValueError: They do; msgspec makes it an error about the file.
        """
        if not any((self.missing, self.encode, self.woe, self.select)):
            raise ValueError(
                "there is no step in it: give `missing`, `encode`, `woe` or `select`, or take "
                "[preparation] out"
            )
        if self.woe is None and self.scorecard is not None:
            raise ValueError("a scorecard gives points to bins: add [preparation.woe]")
        if self.woe is None and self.select is not None and self.select.information is not None:
            raise ValueError("information values are those of bins: add [preparation.woe]")
        if self.woe is not None and self.encode is not None:
            raise ValueError(
                "weight of evidence has bins of categories itself: take [preparation.encode] out"
            )
        if self.woe is not None and self.missing is not None:
            raise ValueError(
                "weight of evidence has a bin of empty cells itself: take [preparation.missing] out"
            )

    @property
    def slots(self) -> int:
        """Most bins of a column, with that of empty cells."""
        return 0 if self.woe is None else self.woe.bins + 1
