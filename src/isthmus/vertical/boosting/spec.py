"""The `[boosting]` table of a job."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec
from isthmus.crypto.encryption import Encryption

Objective = Literal["binary", "multiclass", "squared", "absolute", "poisson", "tweedie"]
Sampling = Literal["all", "uniform", "goss"]

Share = Annotated[float, Meta(gt=0, le=1)]

_LEAST_EPSILON = 1e-3  # so that noise in units of any `precision` fits float64


class TreeModel(Spec, frozen=True):
    """The keys of boosted trees that do not depend on how they are trained."""

    objective: Annotated[
        Objective,
        Meta(
            description="binary: a label of 0 and 1; multiclass: 0, 1, 2 and so on; squared, "
            "absolute: a number; poisson: a count; tweedie: an amount that is often 0"
        ),
    ] = "binary"
    classes: Annotated[
        int, Meta(ge=0, le=100, description="classes of a multiclass label; 0 for other objectives")
    ] = 0
    tweedie_power: Annotated[
        float,
        Meta(gt=1, lt=2, description="variance of a tweedie label, as a power of its mean"),
    ] = 1.5
    trees: Annotated[
        int,
        Meta(ge=1, le=10_000, description="rounds; each grows a tree, or one tree per class"),
    ] = 50
    depth: Annotated[int, Meta(ge=1, le=10, description="levels of splits in a tree")] = 3
    learning_rate: Annotated[
        float, Meta(gt=0, le=1, description="share of a leaf that is added; a forest adds it whole")
    ] = 0.3
    l2: Annotated[
        float, Meta(ge=0, le=1e9, description="L2 strength on leaves (lambda of XGBoost)")
    ] = 1.0
    minimum_gain: Annotated[
        float, Meta(ge=0, le=1e18, description="gain that a split must exceed (gamma of XGBoost)")
    ] = 0.0
    minimum_child_weight: Annotated[
        float, Meta(ge=0, le=1e18, description="least sum of hessians on each side of a split")
    ] = 1.0
    bins: Annotated[
        int,
        Meta(ge=2, le=127, description="most bins of a column; missing values have one more"),
    ] = 32
    code_share: Annotated[
        Share, Meta(description="share of all parties' features that a tree may split on")
    ] = 1.0
    sampling: Annotated[
        Sampling,
        Meta(
            description="rows that a tree is grown on. all; uniform: `row_share`, at random; goss: "
            "`top_share` with the largest gradients and `other_share` of all rows at random, which "
            "tells passive parties which rows were predicted worst"
        ),
    ] = "all"
    row_share: Annotated[
        Share, Meta(description="share of rows of a tree, for uniform sampling and for a forest")
    ] = 1.0
    top_share: Annotated[
        Share, Meta(description="share of rows with the largest gradients, for goss")
    ] = 0.1
    other_share: Annotated[
        Share, Meta(description="share of all rows taken from the rest, for goss")
    ] = 0.1
    forest: Annotated[
        bool,
        Meta(
            description="grow a random forest: each tree on `row_share` of the rows drawn with "
            "replacement, the prediction is the mean of the trees"
        ),
    ] = False
    validation_share: Annotated[
        float,
        Meta(ge=0, le=0.5, description="share of training rows kept back to watch the loss"),
    ] = 0.0
    patience: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="stop after so many rounds without a lower validation loss; 0: never",
        ),
    ] = 0
    minimum_bin_rows: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="a sum that leaves a passive party is over no row or at least so many; a "
            "node has at least so many rows",
        ),
    ] = 5
    minimum_node_rows: Annotated[
        int,
        Meta(ge=2, le=1_000_000, description="a node with fewer rows is not split"),
    ] = 20
    precision: Annotated[
        int, Meta(ge=8, le=30, description="bits of a gradient in fixed point, without its sign")
    ] = 24

    def __post_init__(self) -> None:
        """Refuse keys that contradict each other.

        Raises:
            ValueError: Two keys contradict each other; msgspec makes it an error about the file.
        """
        for wrong, sentence in self._contradictions():
            if wrong:
                raise ValueError(sentence)

    @property
    def outputs(self) -> int:
        """Trees of a round: one per class of a multiclass label, else one."""
        return self.classes if self.objective == "multiclass" else 1

    def _contradictions(self) -> list[tuple[bool, str]]:
        multiclass = self.objective == "multiclass"
        return [
            (multiclass and self.classes < 2, "multiclass needs `classes`, 2 or more"),  # noqa: PLR2004
            (not multiclass and self.classes > 0, "only multiclass has `classes`"),
            (
                self.sampling == "goss" and self.top_share + self.other_share > 1,
                "`top_share` and `other_share` are more than 1 together",
            ),
            (
                self.forest and self.sampling != "all",
                "a forest draws its rows by `row_share`: leave `sampling` out",
            ),
            (self.forest and self.patience > 0, "a forest does not stop early: leave `patience`"),
            (
                self.patience > 0 and self.validation_share == 0,
                "`patience` needs a `validation_share`",
            ),
            (
                self.minimum_node_rows < self.minimum_bin_rows,
                "`minimum_node_rows` is less than `minimum_bin_rows`",
            ),
        ]


class Boosting(TreeModel, frozen=True):
    """The `[boosting]` table of a job."""

    local_trees: Annotated[
        int,
        Meta(ge=0, le=10_000, description="first rounds that split on the active party's columns"),
    ] = 0
    leaf_epsilon: Annotated[
        float,
        Meta(
            ge=0,
            le=1e6,
            description="differential privacy of the leaves of one tree, not of its splits; "
            "0: none. All trees together have this times their number",
        ),
    ] = 0.0
    block_rows: Annotated[
        int, Meta(ge=64, le=32_768, description="rows encrypted and sent at a time")
    ] = 8192
    encryption: Annotated[
        Encryption, Meta(description="The `[boosting.encryption]` table of a job.")
    ] = Encryption()

    def _contradictions(self) -> list[tuple[bool, str]]:
        return [
            *super()._contradictions(),
            (
                0 < self.leaf_epsilon < _LEAST_EPSILON,
                "`leaf_epsilon` is 0, for none, or at least 0.001",
            ),
            (
                self.leaf_epsilon > 0 and self.objective not in {"binary", "multiclass"},
                "`leaf_epsilon` needs bounded gradients: binary or multiclass",
            ),
            (
                self.leaf_epsilon > 0 and (self.forest or self.sampling == "goss"),
                "`leaf_epsilon` needs each row to count once: all or uniform, and no forest",
            ),
        ]
