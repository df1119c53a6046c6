"""Messages that begin and end every job between parties.

| message | direction | the reader learns                                            |
|---------|-----------|--------------------------------------------------------------|
| Hello   | both      | version, party, role, and digests of the job that both hold  |
| Done    | both      | that the other party has all it needs                        |
"""

from typing import ClassVar

from isthmus.transport.message import Message


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


class Done(Message, frozen=True):
    """My role has ended and I have all that you sent."""

    purpose: ClassVar[str] = "end the job"
    reveals: ClassVar[str] = "that the other party has all it needs"
    max_bytes: ClassVar[int] = 1024
