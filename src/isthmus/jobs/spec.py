"""What the parties agree on: the job file."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.core.spec import Spec
from isthmus.data.spec import Normalisation
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.weighting.spec import Weighting
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.regression.spec import Regression

Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z",
        description="lower-case letters, digits and hyphens",
    ),
]

Positive = Annotated[int, Meta(ge=1)]


class Member(Spec, frozen=True):
    """One party of a job."""

    role: Annotated[
        str,
        Meta(description="active: has the labels, passive: has columns only; or master and child"),
    ]
    rows: Annotated[
        Positive | None,
        Meta(description="most rows that this party may bring to the alignment; none: no limit"),
    ] = None


class Data(Spec, frozen=True):
    """Which data sets the job uses. Where they lie is every party's own affair."""

    train: Annotated[Name, Meta(description="name of the data set to train on")]
    identifiers: Annotated[
        list[str],
        Meta(
            description="what identifies a row; party files name their columns. None where the "
            "parties hold samples of their own"
        ),
    ] = []
    test: Annotated[
        Name | None, Meta(description="name of a data set of its own to score, in place of a share")
    ] = None
    test_share: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="share of the ids kept for scoring, unless there is a `test`",
        ),
    ] = 0.2
    normalise: Annotated[
        list[Normalisation],
        Meta(description="what both parties do to every id before comparing, in this order"),
    ] = []


class Expected(Spec, frozen=True):
    """What the parties reckon with; `isthmus explain` forecasts with it, nothing else uses it."""

    shared_rows: Annotated[int, Meta(ge=1, description="rows that all parties hold")]
    rounds: Annotated[int, Meta(ge=1, description="rounds until training ends")]
    columns: Annotated[int, Meta(ge=1, description="columns of a passive party, for boosting")] = 1


class Job(Spec, frozen=True):
    """A job file: the same at every party, compared by digest before anything else happens."""

    name: Annotated[Name, Meta(description="name of the job; runs are named after it")]
    seed: Annotated[
        int, Meta(ge=0, description="decides which rows train, in which batch, and which are kept")
    ]
    parties: Annotated[
        dict[Name, Member], Meta(min_length=2, description="who takes part, by name")
    ]
    data: Data
    disclosed: Annotated[
        list[str],
        Meta(description="messages that tell their reader something, and that all agree to"),
    ]
    alignment: CryptographicAlignment | AttestedAlignment = CryptographicAlignment()
    regression: Regression | None = None
    boosting: Boosting | None = None
    encoders: Encoders | None = None
    weighting: Weighting | None = None
    expected: Expected | None = None

    def in_role(self, role: str) -> str:
        """Name of the one party that plays a role."""
        return next(name for name, member in self.parties.items() if member.role == role)

    def peers(self, party: str) -> Mapping[str, Member]:
        """The other parties."""
        return {name: member for name, member in self.parties.items() if name != party}
