"""The `[regression]` table of a job."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec
from isthmus.crypto.encryption import RegressionEncryption

Family = Literal["binomial", "gaussian", "multinomial", "poisson", "gamma", "tweedie"]
"""How the label is distributed, given the predictor; see `families.py`."""


Level = Literal["encrypted", "shared"]
"""What protects a training; see `levels.py`."""

Columns = Annotated[int, Meta(ge=1, le=100_000)]


class LinearModel(Spec, frozen=True):
    """The keys of a linear model that do not depend on how it is trained."""

    family: Annotated[
        Family,
        Meta(
            description="binomial: a label of 0 and 1; gaussian: a number; multinomial: 0, 1, 2 "
            "and so on; poisson: a count; gamma: an amount above 0; tweedie: an amount that is "
            "often 0"
        ),
    ] = "binomial"
    penalty: Annotated[
        float,
        Meta(
            ge=0,
            le=1e9,
            description="strength of the penalty on standardised coefficients, per row of mean "
            "loss",
        ),
    ] = 1e-4
    l1_ratio: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="share of the penalty that is L1, which takes columns out. 0: ridge; 1: "
            "lasso; between: elastic net",
        ),
    ] = 0.0
    class_weight: Annotated[
        Literal["none", "balanced"],
        Meta(description="balanced: every class counts as much as any other, however rare"),
    ] = "none"
    classes: Annotated[
        int,
        Meta(ge=0, le=100, description="classes of a multinomial label; 0 for other families"),
    ] = 0
    tweedie_power: Annotated[
        float,
        Meta(gt=1, lt=2, description="variance of a tweedie label, as a power of its mean"),
    ] = 1.5

    @property
    def kind(self) -> str:
        """What such a regression is called."""
        named = {"binomial": "logistic", "gaussian": "linear", "poisson": "Poisson"}
        return (named | {"tweedie": "Tweedie"}).get(self.family, self.family)

    def __post_init__(self) -> None:
        """Refuse keys that contradict each other.

        Raises:
            ValueError: Two keys contradict each other; msgspec makes it an error about the file.
        """
        multinomial = self.family == "multinomial"
        if multinomial and self.classes < 2:  # noqa: PLR2004 - two classes differ
            raise ValueError("multinomial needs `classes`, 2 or more")
        if not multinomial and self.classes:
            raise ValueError("only multinomial has `classes`")
        if self.class_weight != "none" and self.family not in ("binomial", "multinomial"):
            raise ValueError(f"`class_weight` is for classes, and {self.family} has none")

    @property
    def contrasts(self) -> int:
        """Numbers that tell the classes of a row apart, one less than there are; 0: no classes."""
        return self.classes - 1 if self.family == "multinomial" else 0


class Shared(Spec, frozen=True, kw_only=True):
    """The `[regression.shared]` table of a job: how training at this level runs."""

    active_columns: Annotated[
        Columns,
        Meta(description="columns that the active party trains, no more or less"),
    ]
    rounds: Annotated[
        int,
        Meta(ge=1, le=1000, description="rounds of training: every run does all of them"),
    ] = 12
    approximation: Annotated[
        float,
        Meta(
            ge=1e-5,
            le=0.1,
            description="root mean square error of a probability that is good enough (binomial): "
            "a round takes as many products as this needs, more where the predictor has a wide "
            "spread",
        ),
    ] = 0.002
    most_functions: Annotated[
        int,
        Meta(
            ge=1,
            le=32,
            description="products that make up a probability at most (binomial): what a round can "
            "cost",
        ),
    ] = 16


class Regression(LinearModel, frozen=True, kw_only=True):
    """The `[regression]` table of a job."""

    level: Annotated[
        Level,
        Meta(
            description="encrypted: residuals cross encrypted, and the active party knows the "
            "predictor of each training row; shared: no party knows residual or predictor"
        ),
    ] = "encrypted"
    passive_columns: Annotated[
        Columns | dict[str, Columns],
        Meta(
            description="columns that a passive party trains, no more or less: a number, or a "
            "table with a number for each of them by name"
        ),
    ]
    batches: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="1: full batch, conjugate gradients; more: fixed batches, momentum",
        ),
    ] = 1
    tolerance: Annotated[
        float,
        Meta(
            gt=0,
            description="stop when the preconditioned gradient norm (full batch) or the change "
            "of the loss in a pass (batches) falls below this",
        ),
    ] = 1e-5
    max_rounds: Annotated[
        int, Meta(ge=1, le=10_000, description="stop after this many passes over the rows")
    ] = 50
    step: Annotated[
        float,
        Meta(gt=0, le=1, description="step of the first pass over batches; it shrinks as 1 / pass"),
    ] = 0.5
    momentum: Annotated[
        float, Meta(ge=0, lt=1, description="share of the last direction in the next, over batches")
    ] = 0.5
    feature_bits: Annotated[
        int, Meta(ge=7, le=14, description="resolution of the passive party's columns, in bits")
    ] = 14
    block_rows: Annotated[
        int, Meta(ge=64, le=32_768, description="rows encrypted and sent at a time")
    ] = 8192
    label_exposure: Annotated[
        float,
        Meta(
            ge=1e-9,
            le=1,
            description="most equations about the labels, per row of the rarer one, that a passive "
            "party may learn over all runs on the same data; a run tells batches x its columns / "
            "rows whose label is the rarer one (of a number: not the commonest one)",
        ),
    ] = 0.1
    encryption: Annotated[
        RegressionEncryption, Meta(description="The `[regression.encryption]` table of a job.")
    ] = RegressionEncryption()
    shared: Annotated[
        Shared | None,
        Meta(description='The `[regression.shared]` table of a job with level = "shared".'),
    ] = None

    def __post_init__(self) -> None:
        """Refuse keys that contradict each other.

        Raises:
            ValueError: Two keys contradict each other; msgspec makes it an error about the file.
        """
        super().__post_init__()
        if self.batches > 1 and self.l1_ratio > 0:
            raise ValueError("L1 takes all rows at once: set `batches` to 1, or `l1_ratio` to 0")
        if self.batches > 1 and self.family not in ("binomial", "gaussian", "multinomial"):
            raise ValueError(
                f"{self.family} takes all rows at once, so that a line search bounds residuals: "
                "set `batches` to 1"
            )
        if self.level != "shared":
            if self.shared is not None:
                raise ValueError('the table `shared` goes with level = "shared"')
            return
        if self.shared is None:
            raise ValueError(
                'level = "shared" needs the table [regression.shared] with `active_columns`, how '
                "many columns the active party trains"
            )
        for refused, reason in (
            (self.encryption.scheme != "bfv", 'needs the scheme "bfv"'),
            (self.family == "multinomial", "knows no multinomial family: train one class each"),
            (self.l1_ratio > 0, "knows no L1: set `l1_ratio` to 0"),
            (self.batches > 1, "trains on all rows at once: leave `batches` at 1"),
        ):
            if refused:
                raise ValueError(f'level = "shared" {reason}, or set level = "encrypted"')

    @property
    def sharing(self) -> Shared:
        """The table `shared`, at the level of that name.

        Raises:
            ValueError: The job has another level.
        """
        if self.shared is None:
            raise ValueError(f"a job with level = {self.level!r} has no table `shared`")
        return self.shared

    @property
    def most_columns(self) -> int:
        """The most columns that a passive party trains."""
        columns = self.passive_columns
        return columns if isinstance(columns, int) else max(columns.values(), default=0)

    def columns_of(self, passive: str) -> int:
        """Returns the number of columns that a passive party trains."""
        if isinstance(self.passive_columns, int):
            return self.passive_columns
        return self.passive_columns[passive]
