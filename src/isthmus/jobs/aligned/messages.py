"""Messages with which parties take up a finished alignment, or begin a new one.

| message         | direction      | the reader learns                                             |
|-----------------|----------------|---------------------------------------------------------------|
| HeldAlignment   | other -> first | which finished alignment of the same data the other holds     |
| ChosenAlignment | first -> other | whether all hold the same one, or align anew                  |

The first party is the one that listens.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from isthmus.transport.message import Message

AlignmentId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


class HeldAlignment(Message, frozen=True):
    """The finished alignment of the same terms over the same rows that I hold, if any."""

    purpose: ClassVar[str] = "reuse a finished alignment"
    reveals: ClassVar[str] = "which finished alignment of this data the other party holds"
    max_bytes: ClassVar[int] = 1024

    id: AlignmentId | None


class ChosenAlignment(Message, frozen=True):
    """Take the one that we all hold, or make a new one of this name."""

    purpose: ClassVar[str] = "reuse a finished alignment"
    reveals: ClassVar[str] = "whether all parties hold the same finished alignment"
    max_bytes: ClassVar[int] = 1024

    id: AlignmentId
    new: bool
