"""The state of one child, as the master keeps it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic

from isthmus.transport.message import Message, MessageT


class Status(Enum):
    """How far a child is in the protocol; starts again whenever it connects on a new line."""

    EXPECTED = auto()  # has not sent anything
    ASKING = auto()  # waits until some child asks for an encoder
    INSTRUCTED = auto()  # looks for its samples
    READY = auto()
    TRAINING = auto()
    SUMMING = auto()  # takes part in a sum under masks
    WATCHING = auto()  # does not train, and waits for the final parameters
    KEEPING = auto()  # is taking the final parameters
    DONE = auto()
    GONE = auto()  # may come back
    REFUSED = auto()


@dataclass(frozen=True, eq=False)
class Question(Generic[MessageT]):
    """One step of a sum: what its children have to answer, and their answers."""

    kind: type[MessageT]
    examine: Callable[[str, MessageT], str]
    answers: dict[str, MessageT] = field(default_factory=dict[str, MessageT])

    def take(self, child: str, answer: Message) -> str:
        """Add an answer, or return in one clause why it is refused."""
        if not isinstance(answer, self.kind):
            return f"it sent {type(answer).__name__} where {self.kind.__name__} was due"
        flaw = self.examine(child, answer)
        if not flaw:
            self.answers[child] = answer
        return flaw


@dataclass
class ChildState:
    """What the master knows of a child on its current line."""

    status: Status = Status.EXPECTED
    samples: int = 0
    round: int = 0
    """The last round that it was asked to train in."""

    informed: bool = False
    """Whether it was sent the vocabulary on this line."""

    offers: bool = False
    """Whether it has sent keys for the sum of this round."""

    question: Question[Any] | None = None
    """The last step of a sum that it was asked to do."""

    why: str = ""
    """Why it does not train, in one clause."""

    def absence(self) -> str:
        """Returns in one clause why the child is not in a round."""
        match self.status:
            case Status.TRAINING:
                return f"late since round {self.round}"
            case Status.SUMMING:
                return f"late in the sum of round {self.round}"
            case Status.READY:
                return "joined after the round had begun"
            case Status.EXPECTED:
                return "has not come"
            case Status.ASKING | Status.INSTRUCTED:
                return "has not confirmed yet"
            case _:
                return self.why
