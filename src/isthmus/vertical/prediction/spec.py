"""The `[prediction]` table of a job."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

MOST_ROWS = 32_768
"""Most rows of a message."""


class Online(Spec, frozen=True):
    """The `[prediction.online]` table: single rows are asked for, over lines that stay open."""

    request_rows: Annotated[
        int, Meta(ge=1, le=MOST_ROWS, description="most rows of one request")
    ] = 100
    rows: Annotated[
        int,
        Meta(
            ge=1,
            le=10**9,
            description="most rows of all requests of a run; a row counts each time it is asked "
            "for",
        ),
    ] = 10_000


class Decision(Spec, frozen=True):
    """The `[prediction.decision]` table: the active party learns one bit of each row, no score."""

    cut: Annotated[
        float,
        Meta(
            ge=-1e12,
            le=1e12,
            description="expected label above which the decision is yes, such as a probability",
        ),
    ]


class Prediction(Spec, frozen=True):
    """The `[prediction]` table of a job that scores rows with a model of an earlier run."""

    model: Annotated[
        str,
        Meta(
            pattern=r"^[0-9a-f]{64}\Z",
            description="digest of the run that trained the model: `model` in its result.json; "
            "`isthmus init --from RUN score.toml` writes it",
        ),
    ]
    system: Annotated[Literal["regression", "boosting"], Meta(description="what that run trained")]
    splits: Annotated[
        dict[str, Annotated[int, Meta(ge=0, le=10**9)]],
        Meta(
            description="splits of the trees on columns of each passive party: so many decisions "
            "about each row it sends; for boosting"
        ),
    ] = {}
    classes: Annotated[
        int,
        Meta(ge=0, le=100, description="classes of a multinomial regression, else 0"),
    ] = 0
    block_rows: Annotated[int, Meta(ge=1, le=MOST_ROWS, description="rows sent at a time")] = 8192
    online: Annotated[
        Online | None,
        Meta(
            description="passive parties answer requests for single rows until the active party "
            "ends, instead of scoring all shared rows at once"
        ),
    ] = None
    decision: Annotated[
        Decision | None,
        Meta(description="the active party learns which scores are above a cut, and no score"),
    ] = None

    def __post_init__(self) -> None:
        """Refuse keys that contradict each other.

        Raises:
            ValueError: Two keys contradict each other; msgspec makes it an error about the file.
        """
        if self.system == "regression" and self.splits:
            raise ValueError("a regression has no `splits`: take them out")
        if self.decision is not None and (self.system != "regression" or self.online is not None):
            raise ValueError(
                "`decision` is for a regression that scores all shared rows at once: take out "
                "either it or `online`, or score with boosted trees as they are"
            )
        if self.decision is not None and self.classes:
            raise ValueError(
                "`decision` is for a model with one score per row, and this one has a score of "
                "each class: take it out"
            )
