"""Everything that crosses at the level `encrypted`, and what it tells.

| message       | direction         | the reader learns                                            |
|---------------|-------------------|--------------------------------------------------------------|
| Shape         | passive -> active | how many columns the passive party trains                    |
| Start         | active -> passive | nothing: the name of this training                           |
| LossScale     | active -> passive | the mean curvature of the loss and the largest residual, as  |
|               |                   | powers of two: about how rare the rarer label is             |
| Direction     | active -> passive | how far the training is from its end                         |
| Step          | active -> passive | the length of the step                                       |
| Progress      | active -> passive | whether another pass over the batches follows                |

Beside these there are the messages of encrypted products (`products/messages.py`), by which the
passive party gets the gradient of its own coefficients: one equation about the labels per column
and batch; and shares of sums over the passive parties (`regression/messages.py`), which several of
them send under masks.

A round by conjugate gradients is a product, PartialNumbers (two inner products of the passive
party's steps), Direction, PartialSlope, PartialNumbers (its penalty along the line), Step. With L1,
one more PartialSlope follows the last Direction. A batch of the momentum method is PartialPredictor
and a product. Scoring is PartialPredictor only. A resumed run goes on after the last round that all
parties have kept; what was sent in the round after it is sent again.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from isthmus.transport.message import Count, Finite, Message

RunId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Curvature = Annotated[int, Meta(ge=-64, le=64)]
Limit = Annotated[int, Meta(ge=-64, le=256)]
Length = Annotated[float, Meta(ge=0, le=2**20)]


class Shape(Message, frozen=True):
    """Rows and columns of the passive party, and its finished rounds of an interrupted run."""

    purpose: ClassVar[str] = "agree on sizes"
    reveals: ClassVar[str] = "how many columns the passive party trains"

    rows: Count
    columns: Count
    rounds: Count


class Start(Message, frozen=True):
    """The round to resume from, and the name of the training."""

    purpose: ClassVar[str] = "begin to train"
    reveals: ClassVar[str] = "a random name of this training"

    rounds: Count
    run: RunId


class LossScale(Message, frozen=True):
    """The scale of the loss at its start, in powers of two: their exponents."""

    purpose: ClassVar[str] = "choose steps and fixed point"
    reveals: ClassVar[str] = "about how rare the rarer label is, or how large residuals are"
    discloses: ClassVar[bool] = True

    curvature: Curvature
    limit: Limit


class Direction(Message, frozen=True):
    """The share of the last direction in the next, or that training has converged."""

    purpose: ClassVar[str] = "conjugate the search direction"
    reveals: ClassVar[str] = "one number about the joint gradient, and when training ends"

    conjugacy: Finite
    converged: bool


class Step(Message, frozen=True):
    """The length that minimises the loss along the direction."""

    purpose: ClassVar[str] = "search along the direction"
    reveals: ClassVar[str] = "one number about the joint loss"

    length: Length


class Progress(Message, frozen=True):
    """Whether another pass over the batches follows."""

    purpose: ClassVar[str] = "end the training"
    reveals: ClassVar[str] = "when training ends"

    converged: bool
