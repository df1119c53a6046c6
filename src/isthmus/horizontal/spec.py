"""Keys of job and party files about rounds, whatever is trained in them."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

SimulatedAttack = Literal["sign_flip", "label_noise", "label_flip"]
"""What a child does in a simulated attack: it sends the opposite of its updates, it draws its
labels at random, or it takes each class for another one."""


class Rounds(Spec, frozen=True):
    """The `[rounds]` table of a job."""

    count: Annotated[
        int, Meta(ge=1, le=100_000, description="rounds of training, unless the fusion ends it")
    ] = 20
    quorum: Annotated[
        int,
        Meta(ge=1, le=10_000, description="updates that a round needs; with fewer, training stops"),
    ] = 2
    deadline: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="seconds that a round waits for updates; who is late is left out of it",
        ),
    ] = 300.0


class LocalTraining(Spec, frozen=True):
    """How a child trains in one round."""

    epochs: Annotated[
        int, Meta(ge=1, le=10_000, description="passes over the child's samples in a round")
    ] = 1
    steps: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="batches of a round, in place of `epochs`"),
    ] = None
    batch: Annotated[int, Meta(ge=1, le=1_000_000, description="samples of a batch")] = 32
    optimiser: Annotated[
        Literal["sgd", "adam"], Meta(description="how a child steps; it starts anew in each round")
    ] = "sgd"
    rate: Annotated[float, Meta(gt=0, le=100, description="learning rate")] = 0.1
    momentum: Annotated[
        float, Meta(ge=0, lt=1, description="share of the last step in the next, for sgd")
    ] = 0.0
