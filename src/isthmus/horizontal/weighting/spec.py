"""Keys of a job about a classifier whose master weighs its children."""

from typing import Annotated

from msgspec import Meta

from isthmus.core.spec import Spec
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion.spec import ActorCritic, Fusion, Limits
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.nn.spec import Network


class Stop(Spec, frozen=True):
    """When to stop before the last round; `rounds.count` always ends training."""

    accuracy: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(description="share of right answers on the master's own samples that is enough"),
    ] = None
    plateau: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(description="rounds in a row that gain nothing on the master's own samples"),
    ] = None
    samples: Annotated[
        Annotated[int, Meta(ge=1, le=2**62)] | None,
        Meta(
            description="budget: samples of all children, counted once for each round they are in"
        ),
    ] = None


class Weighting(Spec, frozen=True):
    """The `[weighting]` table of a job: a classifier whose master weighs its children."""

    network: Annotated[Network, Meta(description="what turns a sample into an embedding")]
    classes: Annotated[
        tuple[str, ...],
        Meta(min_length=2, max_length=100_000, description="names of the labels, at all parties"),
    ]
    least_samples: Annotated[
        int, Meta(ge=2, le=2**40, description="a child with fewer declines to train")
    ] = 2
    training: LocalTraining = LocalTraining()
    fusion: Fusion = ActorCritic()
    rounds: Rounds = Rounds()
    stop: Stop = Stop()
    limits: Limits = Limits()
    privacy: Privacy = Privacy()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ValueError: Two keys do not go together.
        """
        as_encoders(self)


def as_encoders(spec: Weighting) -> Encoders:
    """Returns the same job as one of a shared encoder with a shared head; `stop` is not in it."""
    return Encoders(
        network=spec.network,
        objective="labels",
        classes=spec.classes,
        least_samples=spec.least_samples,
        training=spec.training,
        fusion=spec.fusion,
        rounds=spec.rounds,
        limits=spec.limits,
        privacy=spec.privacy,
    )
