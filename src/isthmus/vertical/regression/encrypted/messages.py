"""Everything that crosses in a vertical regression, and what it tells.

| message          | direction         | the reader learns                                        |
|------------------|-------------------|----------------------------------------------------------|
| Shape            | passive -> active | how many columns the passive party trains                |
| Start            | active -> passive | a public key, and the name of this training              |
| Residuals        | active -> passive | nothing: encrypted under the active party's key          |
| MaskedGradient   | passive -> active | nothing: sums under a one-time mask, 64 bits wider       |
| OpenedGradient   | active -> passive | the gradient of its own coefficients, with the masks off: |
|                  |                   | one equation about the labels per column and batch       |
| GradientNorms    | passive -> active | two sums of squares of the passive party's gradient      |
| Direction        | active -> passive | how far the training is from its end                     |
| PartialSlope     | passive -> active | one projection of the passive party's columns, per row   |
| PenaltyLine      | passive -> active | two sums over the passive party's coefficients           |
| Step             | active -> passive | the length of the step                                   |
| PartialPredictor | passive -> active | the passive party's share of each row's linear predictor |
| Progress         | active -> passive | whether another pass over the batches follows            |

A round by conjugate gradients is Residuals, MaskedGradient, OpenedGradient, GradientNorms,
Direction, PartialSlope, PenaltyLine, Step. A batch of the momentum method is PartialPredictor,
Residuals, MaskedGradient, OpenedGradient. Scoring is PartialPredictor only. A resumed run goes on
after the last round that both parties have kept; what was sent in the round after it is sent again.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from isthmus.transport import message
from isthmus.transport.message import Count, Finite, MaskedIntegers, Message, NonNegative

RunId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


class Shape(Message, frozen=True):
    """Rows and columns of the passive party, and its finished rounds of an interrupted run."""

    purpose: ClassVar[str] = "agree on sizes"
    reveals: ClassVar[str] = "how many columns the passive party trains"

    rows: Count
    columns: Count
    rounds: Count


class Start(Message, frozen=True):
    """The public key of the residuals, the round to resume from, and the name of the training."""

    purpose: ClassVar[str] = "set up encryption"
    reveals: ClassVar[str] = "a public key made for this run, and a random name of it"

    key: bytes
    rounds: Count
    run: RunId


class Residuals(Message, frozen=True):
    """Prediction minus label of one block of rows, encrypted."""

    purpose: ClassVar[str] = "gradient of the passive party's coefficients"
    reveals: ClassVar[str] = "nothing: encrypted under the active party's key"
    max_bytes: ClassVar[int] = 128 * 2**20

    first_row: Count
    ciphertexts: message.Encrypted


class MaskedGradient(Message, frozen=True):
    """Encrypted products of the passive party's columns and the residuals, each masked."""

    purpose: ClassVar[str] = "gradient of the passive party's coefficients"
    reveals: ClassVar[str] = "nothing: a one-time mask 64 bits wider than the value covers each sum"
    max_bytes: ClassVar[int] = 256 * 2**20

    ciphertexts: message.Encrypted


class OpenedGradient(Message, frozen=True):
    """The same sums, decrypted, but still masked by the passive party."""

    purpose: ClassVar[str] = "gradient of the passive party's coefficients"
    reveals: ClassVar[str] = (
        "the gradient of its own coefficients: one equation about the labels per column and batch"
    )
    discloses: ClassVar[bool] = True

    sums: MaskedIntegers


class GradientNorms(Message, frozen=True):
    """The passive party's part of the two inner products that make directions conjugate."""

    purpose: ClassVar[str] = "conjugate the search direction"
    reveals: ClassVar[str] = "two inner products of the passive party's gradients"
    discloses: ClassVar[bool] = True

    square: NonNegative
    overlap: Finite


class Direction(Message, frozen=True):
    """The share of the last direction in the next, or that training has converged."""

    purpose: ClassVar[str] = "conjugate the search direction"
    reveals: ClassVar[str] = "one number about the joint gradient, and when training ends"

    conjugacy: Finite
    converged: bool


class PenaltyLine(Message, frozen=True):
    """The penalty of the passive party's coefficients along its direction."""

    purpose: ClassVar[str] = "search along the direction"
    reveals: ClassVar[str] = "two sums over the passive party's coefficients and direction"
    discloses: ClassVar[bool] = True

    slope: Finite
    curvature: Finite


class Step(Message, frozen=True):
    """The length that minimises the loss along the direction."""

    purpose: ClassVar[str] = "search along the direction"
    reveals: ClassVar[str] = "one number about the joint loss"

    length: Finite


class Progress(Message, frozen=True):
    """Whether another pass over the batches follows."""

    purpose: ClassVar[str] = "end the training"
    reveals: ClassVar[str] = "when training ends"

    converged: bool
