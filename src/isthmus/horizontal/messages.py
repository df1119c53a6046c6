"""Everything that crosses between the master and a child in rounds, and what it tells.

| message        | direction       | the reader learns                                            |
|----------------|-----------------|--------------------------------------------------------------|
| EncoderRequest | child -> master | which type of encoder the child asks for, if any             |
| Instruction    | master -> child | which type of encoder is trained, and by which vocabulary    |
| Confirmation   | child -> master | how many samples of that type the child has, or why it       |
|                |                 | does not train                                               |
| CommonCells    | master -> child | which cells of words are large, over all children            |
| CommonWords    | child -> master | the child's words in those cells, and in how many of its     |
|                |                 | documents each is                                            |
| Vocabulary     | master -> child | pieces of the words that all children together named         |
| Turn           | master -> child | what comes next                                              |
| RoundStart     | master -> child | the parameters that all children together arrived at         |
| RoundUpdate    | child -> master | how training on the child's own samples moves the parameters |
| Published      | master -> child | the final parameters                                         |
| Kept           | child -> master | that the child has them                                      |

Updates that are made smaller, or summed under masks, are in `privacy/messages.py`.

First come EncoderRequest, Instruction and Confirmation, again whenever a child comes back. Then
Turn says what follows, until it says `publish` or `leave`:

- `train`: RoundStart; the answer is RoundUpdate. A child that does not train never hears it.
- `count`, `name`: a sum of counts of words under masks, whose answer is MaskKeys, and CommonCells,
  whose answer is CommonWords. Where the job asks for a joint vocabulary, once before all rounds.
- `vocabulary`: Vocabulary, before the first round of a child on this line, or before `publish`.
- `share`, `mask`, `open`: a sum under masks, whose answer to RoundStart was MaskKeys.
- `wait`: nothing; a round begins without this child.
- `publish`: Published; the answer is Kept, and this is the end.
- `leave`: nothing; the master does not go on with this child, and says why.

What an update tells: more than it seems. From the update of a few samples, images and words can be
reconstructed (Zhu et al. 2019, "Deep leakage from gradients"), and the master sees every update as
it is. A child sees the fused parameters only, but where two children train, each can compute what
the other one sent.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from isthmus.horizontal.parameters import Parameters
from isthmus.transport.message import Count, Finite, Message

Kind = Annotated[str, Meta(max_length=64)]
"""A type of encoder, as the job names it."""

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""SHA-256 in hex."""

Reason = Literal[
    "no samples of this type",
    "too few samples",
    "type not known",
    "privacy budget too small for all rounds",
]
"""Why a child does not train; a closed set, so that it tells nothing else."""

Task = Literal[
    "count",
    "name",
    "vocabulary",
    "train",
    "share",
    "mask",
    "open",
    "wait",
    "publish",
    "leave",
]

_LARGEST_MODEL = 2**30

NO_ROWS: NDArray[np.uint8] = np.empty(0, np.uint8)
NO_ROWS.setflags(write=False)


class EncoderRequest(Message, frozen=True):
    """A child is here, and asks for a shared encoder or only offers to help."""

    purpose: ClassVar[str] = "ask for a shared encoder"
    reveals: ClassVar[str] = "which type of encoder the child asks for, if any"

    encoder: Kind | None


class Instruction(Message, frozen=True):
    """The type of encoder that is trained."""

    purpose: ClassVar[str] = "say what is trained"
    reveals: ClassVar[str] = "which type of encoder is trained, and by which vocabulary"

    encoder: Kind
    vocabulary: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    """SHA-256 of that of an encoder that has one."""


class Confirmation(Message, frozen=True):
    """The child trains on so many samples, or it does not train."""

    purpose: ClassVar[str] = "weigh the children, and know who trains"
    reveals: ClassVar[str] = "how many samples of the type the child has, or why it does not train"
    discloses: ClassVar[bool] = True

    samples: Count
    declined: Reason | None = None


class Turn(Message, frozen=True):
    """What comes next for this child."""

    purpose: ClassVar[str] = "take turns"
    reveals: ClassVar[str] = "how far training is"

    task: Task
    reason: Annotated[str, Meta(max_length=1000)] = ""


class CommonCells(Message, frozen=True):
    """Which cells of words are large enough, a bit for each."""

    purpose: ClassVar[str] = "agree on a vocabulary"
    reveals: ClassVar[str] = "which cells of words are large, over the documents of all children"
    discloses: ClassVar[bool] = True

    cells: NDArray[np.uint8]


class CommonWords(Message, frozen=True):
    """The child's words all of whose cells are large enough."""

    purpose: ClassVar[str] = "agree on a vocabulary"
    reveals: ClassVar[str] = (
        "words of the child's texts that many documents of all children seem to have, and in how "
        "many of its own documents each is; both under noise if the job has `joint.noise`"
    )
    discloses: ClassVar[bool] = True

    words: list[Annotated[str, Meta(max_length=64)]]
    documents: list[Count]


class Vocabulary(Message, frozen=True):
    """A tokenizer.json, trained on the words that were named."""

    purpose: ClassVar[str] = "agree on a vocabulary"
    reveals: ClassVar[str] = "pieces of the words that all children together named"
    discloses: ClassVar[bool] = True

    content: bytes


class RoundStart(Message, frozen=True):
    """Parameters to train from."""

    purpose: ClassVar[str] = "train in rounds"
    reveals: ClassVar[str] = (
        "the parameters that all children together arrived at: of two, each sees the other's"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_MODEL

    round: Count
    parameters: Parameters


class RoundUpdate(Message, frozen=True):
    """Parameters after training on the child's samples minus those it started from."""

    purpose: ClassVar[str] = "train in rounds"
    reveals: ClassVar[str] = (
        "how training on the child's own samples moves each parameter, and its metrics; in tables, "
        "which rows they touch"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_MODEL

    round: Count
    update: Parameters
    """Of tables, where the job has any, only the rows that moved."""

    metrics: dict[str, Finite]
    rows: NDArray[np.uint8] = NO_ROWS
    """Which rows of all tables moved, a bit for each."""


class Published(Message, frozen=True):
    """The parameters after the last round, and their digest."""

    purpose: ClassVar[str] = "share the encoder"
    reveals: ClassVar[str] = "the final parameters"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_MODEL

    parameters: Parameters
    model: Digest


class Kept(Message, frozen=True):
    """The child has the final parameters."""

    purpose: ClassVar[str] = "share the encoder"
    reveals: ClassVar[str] = "that the child has the encoder"

    model: Digest
