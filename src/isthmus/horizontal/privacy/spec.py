"""Keys of a job about the privacy of updates, and about their compression."""

from typing import Annotated

from msgspec import Meta

from isthmus.core.spec import Spec

Noise = Annotated[float, Meta(gt=0, le=1000)]
Norm = Annotated[float, Meta(gt=0, le=1e6)]
Delta = Annotated[float, Meta(gt=0, lt=0.1)]
Epsilon = Annotated[float, Meta(gt=0, le=1000)]


class SecureAggregation(Spec, frozen=True):
    """The master sees one weighted sum of a round, and no update by itself."""

    least_children: Annotated[
        int, Meta(ge=2, le=10_000, description="fewest updates in a sum; children refuse fewer")
    ] = 3
    largest_share: Annotated[
        float,
        Meta(gt=0, le=1, description="most that one child may count for in a sum; else it refuses"),
    ] = 0.5
    largest_norm: Annotated[
        Norm,
        Meta(
            description="norm to which a child scales its update down before it masks it; numbers "
            "are rounded to this over 2^30, so that it should not be far above those of updates: "
            "1000 for tables of words. A child says in its log when it scales down"
        ),
    ] = 100.0
    neighbours: Annotated[
        int,
        Meta(
            ge=2,
            le=10_000,
            description="other children with whom each one makes masks; more: safer against "
            "children that side with the master, and slower",
        ),
    ] = 16
    threshold: Annotated[
        float,
        Meta(
            ge=0.5,
            lt=1,
            description="more than this share of a child and its neighbours must stay to open a "
            "sum; higher: safer against a master that cheats, and fewer may drop out",
        ),
    ] = 0.5


class ChildLevel(Spec, frozen=True):
    """Differential privacy of whole children: the master adds noise to each fused update.

    Whoever gets the model learns little of what any one child has; the master is trusted.
    """

    noise: Annotated[
        Noise, Meta(description="standard deviation, in units of the most one child can change")
    ] = 1.0
    largest_norm: Annotated[
        Norm, Meta(description="norm to which each update is scaled down before it is fused")
    ] = 1.0
    delta: Annotated[Delta, Meta(description="chance for which epsilon need not hold")] = 1e-5
    epsilon: Annotated[
        Epsilon | None, Meta(description="most over all rounds: training ends before it is passed")
    ] = None


class SampleLevel(Spec, frozen=True):
    """Differential privacy of single samples: each child trains by DP-SGD.

    Whoever gets the child's updates, the master too, learns little of any one sample.
    """

    noise: Annotated[
        Noise, Meta(description="standard deviation, in units of the most one sample can change")
    ] = 1.0
    largest_norm: Annotated[
        Norm, Meta(description="norm to which the gradient of each sample is scaled down")
    ] = 1.0
    delta: Annotated[Delta, Meta(description="chance for which epsilon need not hold")] = 1e-5
    epsilon: Annotated[
        Epsilon | None,
        Meta(description="most over all rounds: a child that would pass it declines to train"),
    ] = None


class Compression(Spec, frozen=True, tag_field="method"):
    """Base of the ways to make updates smaller; what one round leaves out goes into the next."""


class TopK(Compression, frozen=True, tag="top_k"):
    """Only the numbers of an update that are furthest from zero are sent."""

    share: Annotated[
        float, Meta(gt=0, le=0.5, description="of the numbers of an update that are sent")
    ] = 0.05


class EightBit(Compression, frozen=True, tag="eight_bit"):
    """Numbers of an update are sent with 8 bits each instead of 32."""


class Privacy(Spec, frozen=True):
    """The `[encoders.privacy]` table of a job; nothing in it is on unless its table is there."""

    secure_aggregation: SecureAggregation | None = None
    child_level: ChildLevel | None = None
    sample_level: SampleLevel | None = None
    compression: TopK | EightBit | None = None


def conflict(privacy: Privacy) -> str:
    """Returns in one clause why these do not go together, or an empty string."""
    if privacy.secure_aggregation and privacy.compression:
        return (
            "`compression` makes updates of different form, which cannot be summed under the masks "
            "of `secure_aggregation`: leave one of them out"
        )
    secure, whole = privacy.secure_aggregation, privacy.child_level
    if secure and whole and secure.largest_norm > whole.largest_norm:
        return (
            "under masks it is children that scale their updates down, so that noise of "
            "`child_level` is enough only where `secure_aggregation.largest_norm` is no larger "
            "than `child_level.largest_norm`"
        )
    return ""
