"""What a job may tune in rounds, whatever is trained in them."""

from typing import Annotated

from msgspec import Meta

from isthmus.core.spec import Spec


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
