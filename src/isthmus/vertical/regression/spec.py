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


class Regression(LinearModel, frozen=True, kw_only=True):
    """The `[regression]` table of a job."""

    passive_columns: Annotated[
        int,
        Meta(
            ge=1, le=100_000, description="columns that the passive party trains, no more or less"
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
            gt=0,
            le=1,
            description="most equations about the labels, per training row, that the passive "
            "party may learn over all runs on the same data; a run tells batches x its columns / "
            "rows",
        ),
    ] = 0.04
    encryption: Annotated[
        RegressionEncryption, Meta(description="The `[regression.encryption]` table of a job.")
    ] = RegressionEncryption()


def exposure(spec: Regression, rows: int) -> float:
    """Returns how many equations about the labels, per training row, the passive party learns."""
    return spec.batches * spec.passive_columns / rows
