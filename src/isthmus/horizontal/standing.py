"""How the master stands with one child."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic

from isthmus.transport.message import Message, MessageT


class Standing(Enum):
    """Where a child is; it begins anew whenever it comes on a new line."""

    EXPECTED = auto()  # has not said a word
    ASKING = auto()  # until a child asks for an encoder, nobody is told to train one
    INSTRUCTED = auto()  # looks for samples
    READY = auto()
    TRAINING = auto()
    SUMMING = auto()  # does its part in a sum under masks
    WATCHING = auto()  # does not train, and waits for the final parameters
    KEEPING = auto()  # is taking the final parameters
    DONE = auto()
    ABSENT = auto()


@dataclass(frozen=True, eq=False)
class Question(Generic[MessageT]):
    """What several children of a sum are asked at once, and their answers."""

    kind: type[MessageT]
    examine: Callable[[str, MessageT], str]
    answers: dict[str, MessageT] = field(default_factory=dict[str, MessageT])

    def take(self, child: str, answer: Message) -> str:
        """Take an answer, or say in one clause why not."""
        if not isinstance(answer, self.kind):
            return f"it sent {type(answer).__name__} where {self.kind.__name__} was due"
        flaw = self.examine(child, answer)
        if not flaw:
            self.answers[child] = answer
        return flaw


@dataclass
class Child:
    """What the master knows of a child on the line that it has now."""

    standing: Standing = Standing.EXPECTED
    samples: int = 0
    round: int = 0
    """The last one that it was asked to train in."""

    offers: bool = False
    """Whether it has sent keys for the sum of this round."""

    question: Question[Any] | None = None
    """Of a sum, the last one that it was asked."""

    why: str = ""
    """It does not train."""

    def absence(self) -> str:
        """Why it is not in a round, in one clause."""
        match self.standing:
            case Standing.TRAINING:
                return f"late since round {self.round}"
            case Standing.SUMMING:
                return f"late in the sum of round {self.round}"
            case Standing.READY:
                return "joined after the round had begun"
            case Standing.EXPECTED | Standing.ASKING | Standing.INSTRUCTED:
                return "has not confirmed yet"
            case _:
                return self.why
