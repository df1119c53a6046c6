"""Keys of a job about the fusion of updates."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

Share = Annotated[float, Meta(ge=0, lt=1)]
Step = Annotated[float, Meta(gt=0, le=100)]

MasterAsChild = Annotated[
    bool,
    Meta(
        description="whether the master trains as one more child, on one half of its samples, and "
        "judges by the other half, in turns; an actor-critic does so in the mode residual"
    ),
]


class FusionRule(Spec, frozen=True, tag_field="rule"):
    """Base of the rules by which a master fuses its children's updates into one."""

    @property
    def trains_master(self) -> bool:
        """Whether the master trains on samples of its own, as one more child."""
        return False


class Count(FusionRule, frozen=True, tag="count"):
    """FedAvg: a child counts for as much as it has samples."""


class Uniform(FusionRule, frozen=True, tag="uniform"):
    """Every child counts for the same."""


class TouchMean(FusionRule, frozen=True, tag="touch_mean"):
    """A row of a table is averaged over the children that touched it, all else by samples."""

    tables: Annotated[
        tuple[str, ...],
        Meta(
            max_length=1000,
            description="arrays that are tables, by name: a row belongs to a word or a piece of "
            "one, and a child touches the rows of those that it has. None: the network's own",
        ),
    ] = ()


class FedAvgM(FusionRule, frozen=True, tag="fedavgm"):
    """FedAvg with momentum at the master."""

    step: Annotated[Step, Meta(description="share of the momentum that is added each round")] = 1.0
    momentum: Annotated[Share, Meta(description="share of the last momentum in the next")] = 0.9


class _Adaptive(FusionRule, frozen=True):
    step: Annotated[
        Step, Meta(description="about how far a parameter moves in a round, in its own unit")
    ] = 0.01
    first_decay: Annotated[
        Share, Meta(description="share of the last mean update in the next (beta 1)")
    ] = 0.9
    second_decay: Annotated[
        Share, Meta(description="share of the last mean squared update in the next (beta 2)")
    ] = 0.99
    adaptivity: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="added to the root of the mean square; more: less adaptive (tau)",
        ),
    ] = 1e-3


class FedAdam(_Adaptive, frozen=True, tag="fedadam"):
    """Adam at the master, with the mean update for a gradient."""


class FedYogi(_Adaptive, frozen=True, tag="fedyogi"):
    """Yogi at the master: like Adam, and its steps grow again only slowly."""


class FedProx(FusionRule, frozen=True, tag="fedprox"):
    """FedAvg of children that are each held near the parameters they started the round from."""

    proximal: Annotated[
        float, Meta(gt=0, le=1e4, description="pull back to where the round started (mu)")
    ] = 0.01


class Scaffold(FusionRule, frozen=True, tag="scaffold"):
    """The mean of children that each correct their gradient by how it differs from all others'."""

    step: Annotated[Step, Meta(description="share of the mean update that is added")] = 1.0


class Median(FusionRule, frozen=True, tag="median"):
    """The median of each coordinate."""


class TrimmedMean(FusionRule, frozen=True, tag="trimmed_mean"):
    """The mean of each coordinate without its lowest and highest values."""

    faulty: Annotated[
        int,
        Meta(ge=1, le=10_000, description="children that may send anything; cut at either end"),
    ]


class MultiKrum(FusionRule, frozen=True, tag="multi_krum"):
    """The mean of the updates that lie closest to others."""

    faulty: Annotated[
        int, Meta(ge=1, le=10_000, description="children that may send anything at all")
    ]


class FLTrust(FusionRule, frozen=True, tag="fltrust"):
    """Children count for as much as they agree with an update of the master's own samples."""


class ValidationGradient(FusionRule, frozen=True, tag="validation_gradient"):
    """Weights that lower the loss on the master's own samples, by gradient descent."""

    iterations: Annotated[
        int, Meta(ge=1, le=1000, description="steps of descent in each round")
    ] = 10
    step: Annotated[
        Step, Meta(description="length of a step, in logits of the weights, all together")
    ] = 0.6
    prior_strength: Annotated[
        float,
        Meta(
            ge=0,
            le=1e6,
            description="pull towards weights by sample count, per unit of divergence from them",
        ),
    ] = 0.02
    master_as_child: MasterAsChild = False

    @property
    def trains_master(self) -> bool:
        """Whether the job asks for it."""
        return self.master_as_child


class WeightCaps(Spec, frozen=True):
    """How far weights must spread, so that a weighted sum does not give one child away."""

    largest: Annotated[float, Meta(gt=0, le=1, description="most that one child may weigh")] = 0.3
    effective_children: Annotated[
        float, Meta(ge=1, le=10_000, description="least 1 / sum of the squared weights")
    ] = 3.0


class ActorCritic(FusionRule, frozen=True, tag="actor_critic"):
    """Weights that an actor-critic of the master chooses by the accuracy on its own samples, S6."""

    mode: Annotated[
        Literal["residual", "literal", "sum_only"],
        Meta(
            description="what it decides by: each update and trials of weights; the last weights "
            "alone, as S6 has it; or sums alone, which secure aggregation allows"
        ),
    ] = "residual"
    growth: Annotated[
        float, Meta(ge=1, le=1e6, description="g of the reward g^(B-A) for accuracy B after A")
    ] = 64.0
    measure: Annotated[
        Literal["likelihood", "accuracy"],
        Meta(
            description="B and A: exp(-loss), which tells close weights apart and is about the "
            "chance of a right answer; or the share of right answers"
        ),
    ] = "likelihood"
    candidates: Annotated[
        int, Meta(ge=4, le=4096, description="weights tried in a round, in the mode residual")
    ] = 24
    prior_strength: Annotated[
        float,
        Meta(
            ge=0,
            le=1e6,
            description="accuracy that a unit of divergence from weights by sample count must gain",
        ),
    ] = 0.01
    master_as_child: MasterAsChild = True
    critics: Annotated[
        int, Meta(ge=1, le=2, description="whose lower value counts, in the mode literal")
    ] = 2
    discount: Annotated[
        Share, Meta(description="of the value of the next round, in the mode literal")
    ] = 0.5
    caps: Annotated[
        WeightCaps | None, Meta(description="bounds of the weights, for secure aggregation")
    ] = None

    @property
    def trains_master(self) -> bool:
        """Whether the job asks for it, in a mode that sees updates."""
        return self.mode == "residual" and self.master_as_child


Fusion = (
    Count
    | Uniform
    | TouchMean
    | FedAvgM
    | FedAdam
    | FedYogi
    | FedProx
    | Scaffold
    | Median
    | TrimmedMean
    | MultiKrum
    | FLTrust
    | ValidationGradient
    | ActorCritic
)
"""The closed set: the `[encoders.fusion]` table of a job, told apart by its key `rule`."""


class Limits(Spec, frozen=True):
    """The `[encoders.limits]` table of a job: what a master takes from a child."""

    largest_count: Annotated[
        int, Meta(ge=1, le=2**40, description="most samples that a child may say it has")
    ] = 1_000_000
    largest_norm: Annotated[
        float, Meta(gt=0, le=1e9, description="largest norm of an update, all parameters together")
    ] = 1e4
