"""Who takes part, and what each child owes: the master's side of all lines together."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto

from isthmus.core.errors import PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.course import Contribution, Examine
from isthmus.horizontal.lines import Lines, Said
from isthmus.horizontal.messages import (
    Confirmation,
    EncoderRequest,
    Instruction,
    Kept,
    Published,
    RoundStart,
    RoundUpdate,
    Turn,
)
from isthmus.horizontal.parameters import Layout, misfit
from isthmus.transport.message import Message, one_line


class Standing(Enum):
    """Where a child is; it begins anew whenever it comes on a new line."""

    EXPECTED = auto()  # has not said a word
    ASKING = auto()  # until a child asks for an encoder, nobody is told to train one
    INSTRUCTED = auto()  # looks for samples
    READY = auto()
    TRAINING = auto()
    WATCHING = auto()  # does not train, and waits for the final parameters
    KEEPING = auto()  # is taking the final parameters
    DONE = auto()
    ABSENT = auto()


_JOINING = (Standing.EXPECTED, Standing.ASKING, Standing.INSTRUCTED)


@dataclass
class _Child:
    standing: Standing = Standing.EXPECTED
    samples: int = 0
    round: int = 0  # the last one that it was asked to train in
    why: str = ""  # it does not train


class Roll:
    """All children by name; a child that sends what it should not is sent away."""

    def __init__(
        self, lines: Lines, encoder: str, layout: Layout, examine: Examine, telemetry: Telemetry
    ) -> None:
        self._lines = lines
        self._encoder = encoder
        self._layout = layout
        self._examine = examine
        self._telemetry = telemetry
        self._children = {child: _Child() for child in lines.expected}
        self._start: RoundStart | None = None  # of the round that is open
        self._taken = dict[str, Contribution]()
        self._published: Published | None = None
        self.requested = False
        """Whether a child has asked for an encoder."""

    def gather(self, quorum: int, until: float) -> list[str]:
        """Let children join: all that are expected, and no fewer than the quorum.

        Args:
            quorum: Children that a round needs.
            until: When to stop waiting, on the monotonic clock.

        Returns:
            Those that are ready to train.
        """
        while self.these(*_JOINING) or len(self.these(Standing.READY)) < quorum:
            if not self._hear(until):
                break
        return self.these(Standing.READY)

    def collect(self, start: RoundStart, quorum: int, until: float) -> list[Contribution]:
        """Play one round with every child that is ready.

        A child that joins meanwhile waits for the next round, unless this one lacks children.

        Args:
            start: What every child begins with.
            quorum: Children that the round needs.
            until: When to stop waiting, on the monotonic clock.

        Returns:
            What arrived in time, in the order of the children's names.
        """
        self._start = start
        self._taken = dict[str, Contribution]()
        for child in self.these(Standing.WATCHING):
            self._lines.tell(child, Turn(task="wait"))
        self._ask(start)
        while self._due(start) or len(self._taken) < quorum:
            if not self._hear(until):
                break
            if self._due(start) + len(self._taken) < quorum:
                self._ask(start)
        self._start = None
        return [self._taken[child] for child in sorted(self._taken)]

    def publish(self, published: Published, until: float) -> list[str]:
        """Give the final parameters to every child that is here.

        Args:
            published: What they get.
            until: When to stop waiting, on the monotonic clock.

        Returns:
            The children that have said that they keep them.
        """
        self._published = published
        self._offer(published)
        while self.these(*_JOINING, Standing.TRAINING, Standing.KEEPING):
            if not self._hear(until):
                break
            self._offer(published)
        return self.these(Standing.DONE)

    def these(self, *standings: Standing) -> list[str]:
        """Names of the children that are there, sorted."""
        return sorted(name for name, it in self._children.items() if it.standing in standings)

    def missing(self, present: Collection[str]) -> dict[str, str]:
        """Why every other child is not there, by child."""
        return {
            child: _why_not(self._children[child])
            for child in sorted(self._children.keys() - set(present))
        }

    def _hear(self, until: float) -> bool:
        word = self._lines.hear(until)
        if word is None:
            return False
        self._answer(word.peer, word.said)
        return True

    def _answer(self, child: str, said: Said) -> None:
        match said:
            case EncoderRequest(encoder=wanted):
                self._welcome(child, wanted)
            case Confirmation(samples=samples, declined=reason):
                self._enrol(child, samples, reason)
            case RoundUpdate():
                self._take(child, said)
            case Kept(model=model):
                self._part(child, model)
            case PeerError():
                self._refuse(child, str(said))
            case _:
                self._children[child] = _Child(Standing.ABSENT, why="gone")

    def _welcome(self, child: str, wanted: str | None) -> None:
        self._children[child] = _Child(Standing.ASKING)
        if wanted not in (None, self._encoder):
            why = f"it asks for the encoder {wanted!r}, we train {self._encoder!r}"
            self._refuse(child, why, Instruction(encoder=self._encoder))
            return
        self.requested |= wanted is not None
        if self.requested:
            for each in self.these(Standing.ASKING):
                self._lines.ask(each, Confirmation, Instruction(encoder=self._encoder))
                self._children[each].standing = Standing.INSTRUCTED

    def _enrol(self, child: str, samples: int, declined: str | None) -> None:
        if declined is not None:
            self._children[child] = _Child(Standing.WATCHING, why=f"declined: {declined}")
        elif samples == 0:
            self._refuse(child, "it confirms without a sample")
        else:
            self._children[child] = _Child(Standing.READY, samples)

    def _ask(self, start: RoundStart) -> None:
        """Let all who are ready train, but nobody twice in a round."""
        for child in self.these(Standing.READY):
            if child not in self._taken:
                self._lines.ask(child, RoundUpdate, Turn(task="train"), start)
                self._children[child].standing = Standing.TRAINING
                self._children[child].round = start.round

    def _due(self, start: RoundStart) -> int:
        """How many updates of this round may still come."""
        training = self.these(Standing.TRAINING)
        return sum(self._children[child].round == start.round for child in training)

    def _take(self, child: str, update: RoundUpdate) -> None:
        asked = self._children[child]
        contribution = Contribution(child, asked.samples, update.update, update.metrics)
        flaw = _misfit(update, asked.round, self._layout) or self._examine(contribution)
        if flaw:
            self._refuse(child, flaw)
            return
        asked.standing = Standing.READY
        if self._start is not None and self._start.round == asked.round:  # otherwise it is late
            self._taken[child] = contribution

    def _offer(self, published: Published) -> None:
        for child in self.these(Standing.READY, Standing.WATCHING):
            self._lines.ask(child, Kept, Turn(task="publish"), published)
            self._children[child].standing = Standing.KEEPING

    def _part(self, child: str, kept: str) -> None:
        if self._published is None or kept != self._published.model:
            self._refuse(child, "it keeps other parameters than it was sent")
        else:
            self._children[child].standing = Standing.DONE
            self._lines.drop(child)

    def _refuse(self, child: str, why: str, last: Message | None = None) -> None:
        reason = one_line(why)
        self._children[child] = _Child(Standing.ABSENT, why=f"refused: {reason}")
        self._telemetry.progress("refuse", note=f"{child!r} was refused: {reason}")
        self._lines.drop(child, last or Turn(task="leave", reason=reason))


def _misfit(update: RoundUpdate, asked: int, layout: Layout) -> str:
    """Why an update is not what was asked for."""
    if update.round != asked:
        return f"it sent an update of round {update.round} where round {asked} was due"
    return misfit(update.update, layout)


def _why_not(child: _Child) -> str:
    match child.standing:
        case Standing.TRAINING:
            return f"late since round {child.round}"
        case Standing.READY:
            return "joined after the round had begun"
        case Standing.EXPECTED | Standing.ASKING | Standing.INSTRUCTED:
            return "has not confirmed yet"
        case _:
            return child.why
