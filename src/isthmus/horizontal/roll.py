"""Who takes part, and what each child owes: the master's side of all lines together."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from isthmus.core.errors import ChannelError, PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal import answers
from isthmus.horizontal.answers import Answer
from isthmus.horizontal.course import Contribution, Training
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
from isthmus.horizontal.parameters import Layout
from isthmus.horizontal.privacy.messages import (
    CoarseUpdate,
    MaskedUpdate,
    MaskKeys,
    Opening,
    SealedShares,
    SparseUpdate,
)
from isthmus.horizontal.privacy.veiled_sum import Step
from isthmus.horizontal.spec import Rounds
from isthmus.horizontal.standing import Child, Question, Standing
from isthmus.transport.message import Message, MessageT, one_line

_JOINING = (Standing.EXPECTED, Standing.ASKING, Standing.INSTRUCTED)


class Roll:
    """All children by name; a child that sends what it should not is sent away."""

    def __init__(
        self, lines: Lines, training: Training, spec: Rounds, telemetry: Telemetry
    ) -> None:
        self._lines = lines
        self._training = training
        self._spec = spec
        self._telemetry = telemetry
        self._layout = Layout.of(training.initial)
        self._children = {child: Child() for child in lines.expected}
        self._start: RoundStart | None = None  # of the round that is open
        self._taken = dict[str, Contribution | MaskKeys]()
        self._question: Question[Any] | None = None  # of a sum, the last one that was asked
        self._published: Published | None = None
        fewest = training.blind.spec.least_children if training.blind else 0
        self.quorum = max(spec.quorum, fewest)
        """Updates that a round needs."""

        self.requested = False
        """Whether a child has asked for an encoder."""

    def gather(self) -> list[str]:
        """Let children join: all that are expected, and no fewer than the quorum.

        Returns:
            Those that are ready to train.
        """
        until = self._deadline()
        while self.these(*_JOINING) or len(self.these(Standing.READY)) < self.quorum:
            if not self._hear(until):
                break
        return self.these(Standing.READY)

    def collect(self, start: RoundStart) -> list[Contribution]:
        """Play one round with every child that is ready.

        A child that joins meanwhile waits for the next round, unless this one lacks children.

        Args:
            start: What every child begins with.

        Returns:
            What arrived in time, in the order of the children's names.
        """
        self._train(start)
        found = sorted(self._taken.items())
        return [it for _, it in found if isinstance(it, Contribution)]

    def offers(self, start: RoundStart) -> dict[str, MaskKeys]:
        """Play one round like `collect`, in which children keep their updates for a sum.

        Args:
            start: What every child begins with.

        Returns:
            What those sent who have trained in time, by name of the child.
        """
        self._train(start)
        found = sorted(self._taken.items())
        return {child: it for child, it in found if isinstance(it, MaskKeys)}

    def exchange(
        self,
        step: Step,
        questions: Mapping[str, Message],
        answer: type[MessageT],
        examine: Callable[[str, MessageT], str],
    ) -> dict[str, MessageT]:
        """Ask children of a sum; who does not answer in time is late.

        Args:
            step: What their turn is.
            questions: By child.
            answer: The type of each answer.
            examine: Says in one clause why a child's answer is refused, or nothing.

        Returns:
            Answers, by child.
        """
        question = self._question = Question(answer, examine)
        offering = [it for it in self.these(Standing.READY) if self._children[it].offers]
        for child in sorted(questions.keys() & set(offering)):
            self._lines.ask(child, answer, Turn(task=step), questions[child])
            self._children[child].standing = Standing.SUMMING
            self._children[child].question = question
        until = self._deadline()
        while any(self._children[it].question is question for it in self.these(Standing.SUMMING)):
            if not self._hear(until):
                break
        return question.answers

    def publish(self, published: Published) -> list[str]:
        """Give the final parameters to every child that is here.

        Args:
            published: What they get.

        Returns:
            The children that have said that they keep them.
        """
        self._published = published
        self._offer(published)
        until = self._deadline()
        while self.these(*_JOINING, Standing.TRAINING, Standing.SUMMING, Standing.KEEPING):
            if not self._hear(until):
                break
            self._offer(published)
        return self.these(Standing.DONE)

    def these(self, *standings: Standing) -> list[str]:
        """Names of the children that are there, sorted."""
        return sorted(name for name, it in self._children.items() if it.standing in standings)

    def check_quorum(self, when: str, present: Collection[str]) -> dict[str, str]:
        """See who is missing.

        Args:
            when: How far training is, in words.
            present: Who is there.

        Returns:
            Why every other child is not there, by child.

        Raises:
            ChannelError: Fewer are there than the quorum.
        """
        missing = {
            child: self._children[child].absence()
            for child in sorted(self._children.keys() - set(present))
        }
        if len(present) < self.quorum:
            names = ", ".join(f"{child!r} ({why})" for child, why in missing.items())
            raise ChannelError(
                f"{when}, {len(present)} of at least {self.quorum} children were there "
                f"within {self._spec.deadline:g} s; missing: {names or 'nobody we know'}. Look "
                "after them, then run the same command again on all sides: it goes on where it "
                "stopped."
            )
        return missing

    def samples(self, child: str) -> int:
        """How many a child has confirmed."""
        return self._children[child].samples

    def _deadline(self) -> float:
        return time.monotonic() + self._spec.deadline

    def _train(self, start: RoundStart) -> None:
        until = self._deadline()
        self._start = start
        self._taken = dict[str, Contribution | MaskKeys]()
        for child in self.these(Standing.WATCHING):
            self._lines.tell(child, Turn(task="wait"))
        self._ask(start)
        while self._due(start) or len(self._taken) < self.quorum:
            if not self._hear(until):
                break
            if self._due(start) + len(self._taken) < self.quorum:
                self._ask(start)
        self._start = None

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
            case RoundUpdate() | SparseUpdate() | CoarseUpdate() | MaskKeys():
                self._take(child, said)
            case SealedShares() | MaskedUpdate() | Opening():
                self._note(child, said)
            case Kept(model=model):
                self._part(child, model)
            case PeerError():
                self._refuse(child, str(said))
            case _:
                self._children[child] = Child(Standing.ABSENT, why="gone")
                if isinstance(self._taken.get(child), MaskKeys):
                    del self._taken[child]  # the secrets behind them are gone

    def _welcome(self, child: str, wanted: str | None) -> None:
        self._children[child] = Child(Standing.ASKING)
        if wanted not in (None, self._training.encoder):
            why = f"it asks for the encoder {wanted!r}, we train {self._training.encoder!r}"
            self._refuse(child, why, Instruction(encoder=self._training.encoder))
            return
        self.requested |= wanted is not None
        if self.requested:
            for each in self.these(Standing.ASKING):
                self._lines.ask(each, Confirmation, Instruction(encoder=self._training.encoder))
                self._children[each].standing = Standing.INSTRUCTED

    def _enrol(self, child: str, samples: int, declined: str | None) -> None:
        if declined is not None:
            self._children[child] = Child(Standing.WATCHING, why=f"declined: {declined}")
        elif samples == 0:
            self._refuse(child, "it confirms without a sample")
        else:
            self._children[child] = Child(Standing.READY, samples)

    def _ask(self, start: RoundStart) -> None:
        """Let all who are ready train, but nobody twice in a round."""
        for child in self.these(Standing.READY):
            if child not in self._taken:
                self._lines.ask(child, answers.kind(self._training), Turn(task="train"), start)
                self._children[child].standing = Standing.TRAINING
                self._children[child].round = start.round
                self._children[child].offers = False

    def _due(self, start: RoundStart) -> int:
        """How many updates of this round may still come."""
        training = self.these(Standing.TRAINING)
        return sum(self._children[child].round == start.round for child in training)

    def _take(self, child: str, answer: Answer) -> None:
        asked = self._children[child]
        try:
            taken = self._read(child, answer)
        except ValueError as error:
            self._refuse(child, str(error))
            return
        asked.standing = Standing.READY
        if self._start is not None and self._start.round == asked.round:  # otherwise it is late
            self._taken[child] = taken
            asked.offers = isinstance(taken, MaskKeys)

    def _read(self, child: str, answer: Answer) -> Contribution | MaskKeys:
        asked = self._children[child]
        if answer.round != asked.round:
            raise ValueError(
                f"it sent an update of round {answer.round} where round {asked.round} was due"
            )
        if isinstance(answer, MaskKeys):
            return answer
        contribution = answers.read(child, asked.samples, answer, self._layout)
        if flaw := self._training.examine(contribution):
            raise ValueError(flaw)
        return contribution

    def _note(self, child: str, answer: Message) -> None:
        asked = self._children[child]
        asked.standing = Standing.READY
        question = self._question
        if question is not asked.question or question is None:
            return  # it is late
        if flaw := question.take(child, answer):
            self._refuse(child, flaw)

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
        self._children[child] = Child(Standing.ABSENT, why=f"refused: {reason}")
        self._telemetry.progress("refuse", note=f"{child!r} was refused: {reason}")
        self._lines.drop(child, last or Turn(task="leave", reason=reason))
