"""What parties say to each other before and after a job.

| message         | direction      | the reader learns                                             |
|-----------------|----------------|---------------------------------------------------------------|
| Hello           | both           | version, party, role, and digests of the job that both hold   |
| HeldAlignment   | other -> first | which finished alignment of the same data the other holds     |
| ChosenAlignment | first -> other | whether all hold the same one, or align anew                  |
| Done            | both           | that the other party has all it needs                         |

The first party is the one that listens.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from isthmus.transport.message import Message

AlignmentId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


class Hello(Message, frozen=True):
    """Who I am, and which job I am about to run."""

    purpose: ClassVar[str] = "agree on the job"
    reveals: ClassVar[str] = "the other party's version, and that it holds the same job file"
    max_bytes: ClassVar[int] = 2**20

    version: str
    party: str
    role: str
    job: str
    keys: dict[str, str]  # digest of every key of the job file, to name the first that differs


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


class Done(Message, frozen=True):
    """My role has ended and I have all that you sent."""

    purpose: ClassVar[str] = "end the job"
    reveals: ClassVar[str] = "that the other party has all it needs"
    max_bytes: ClassVar[int] = 1024
