"""Everything that crosses at the level `shared`, and what it tells.

| message         | direction         | the reader learns                                         |
|-----------------|-------------------|-----------------------------------------------------------|
| SharedShape     | passive -> active | nothing that the job does not say                         |
| SharedStart     | active -> passive | the mean curvature of the loss at the start, as a power   |
|                 |                   | of two: about the mean label, or how rare the rarer is    |
| PassiveSpread   | passive -> active | how large a passive party's share of the predictor is     |
| Spreads         | active -> passive | the same of all parties, and so how many functions to use |
| FactorKey       | first -> others   | nothing: a public key, made for this round                |
| Factors         | first -> others   | nothing: encrypted under the first passive party's key    |
| ResidualScale   | active -> passive | the power of two that no residual exceeds                 |
| MaskedResiduals | active -> first   | nothing: uniform, whatever the residuals are              |
| InnerProducts   | active -> passive | 22 sums over the coefficients of all parties: 7 do not    |
|                 |                   | follow from those of earlier rounds                       |

"First" is the first passive party, by name; what passive parties send each other, the active party
passes on. A passive party's part of the inner products, and its share of scores, cross as at the
other level (`regression/messages.py`): with several passive parties only their sum shows. Beside
these there are messages of products in each round (`products/messages.py`). By a product with the
share of the active party, a passive party gets the gradient of its coefficients; by one with
the other share, the active party gets its own. Further passive parties need products with both.
Shares are uniform by themselves.

Of the gradients, a party learns in each round the sums of its own columns times the residuals: one
equation per column about what it does not know, the labels at a passive party, the others' shares
of the predictor at the active party. Nobody learns a residual, a predictor, or a combination of
another party's columns, unless the active and the first passive party lay their shares together.

A round is PassiveSpread, Spreads, FactorKey, Factors, ResidualScale, MaskedResiduals, the products,
and the inner products; with family "gaussian" and one passive party without FactorKey, Factors and
MaskedResiduals. The number of rounds stands in the job. A round that was cut off is done again from
its start, under new keys and masks, and gives the same sums.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from isthmus.core.arrays import Floats
from isthmus.transport import message
from isthmus.transport.message import Count, Message

RunId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Level = Annotated[int, Meta(ge=0, le=255)]
Functions = Annotated[int, Meta(ge=0, le=32)]
Curvature = Annotated[int, Meta(ge=-64, le=64)]
Exponent = Annotated[int, Meta(ge=-40, le=600)]


class SharedShape(Message, frozen=True):
    """Rows and columns of a passive party, and its finished rounds of an interrupted run."""

    purpose: ClassVar[str] = "agree on sizes"
    reveals: ClassVar[str] = "nothing that the job does not say"

    rows: Count
    columns: Count
    rounds: Count


class SharedStart(Message, frozen=True):
    """The round to resume from, the name of the training, and the curvature of its loss."""

    purpose: ClassVar[str] = "begin to train"
    reveals: ClassVar[str] = (
        "the mean curvature of the loss at the start, as a power of two: about the mean label, or "
        "how rare the rarer one is"
    )
    discloses: ClassVar[bool] = True

    rounds: Count
    run: RunId
    curvature: Curvature


class PassiveSpread(Message, frozen=True):
    """How large a passive party's share of the predictor is; a seed of the key of the round."""

    purpose: ClassVar[str] = "choose functions that make up the residual"
    reveals: ClassVar[str] = "how large the sender's share of the predictor is, in steps of 19%"
    discloses: ClassVar[bool] = True

    level: Level
    seed: bytes  # empty at the first passive party, which makes the key


class Spreads(Message, frozen=True):
    """How large the shares of all parties are, how many functions that takes, and all seeds."""

    purpose: ClassVar[str] = "choose functions that make up the residual"
    reveals: ClassVar[str] = "how large each party's share of the predictor is, in steps of 19%"
    discloses: ClassVar[bool] = True

    levels: list[Level]
    functions: Functions
    seeds: list[bytes]


class FactorKey(Message, frozen=True):
    """The public key of the first passive party, made for this round."""

    purpose: ClassVar[str] = "shares of the residuals"
    reveals: ClassVar[str] = "nothing: a public key, made for this round"

    key: bytes


class Factors(Message, frozen=True):
    """Functions of passive parties' shares of the predictor, of one chunk of rows, encrypted."""

    purpose: ClassVar[str] = "shares of the residuals"
    reveals: ClassVar[str] = "nothing: encrypted under the first passive party's key"
    max_bytes: ClassVar[int] = 128 * 2**20

    ciphertexts: message.Encrypted


class ResidualScale(Message, frozen=True):
    """The power of two that no residual of this round exceeds."""

    purpose: ClassVar[str] = "shares of the residuals"
    reveals: ClassVar[str] = "the power of two that no residual exceeds"
    discloses: ClassVar[bool] = True

    exponent: Exponent


class MaskedResiduals(Message, frozen=True):
    """Residuals of one chunk of rows, encrypted, under a mask that is uniform modulo q."""

    purpose: ClassVar[str] = "shares of the residuals"
    reveals: ClassVar[str] = "nothing: uniform, whatever the residuals are"

    ciphertexts: message.MaskedBytes


class InnerProducts(Message, frozen=True):
    """Inner products of all parties' gradients and steps, see `descent.py`."""

    purpose: ClassVar[str] = "make a direction of the gradients"
    reveals: ClassVar[str] = (
        "22 sums over the coefficients of all parties: 7 do not follow from those of earlier rounds"
    )
    discloses: ClassVar[bool] = True

    values: Floats
