"""The children of a run at the master: who takes part, and what each still has to send."""

import math
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from isthmus.core.errors import ChannelError, PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.messages import (
    CommonWords,
    Confirmation,
    EncoderRequest,
    Instruction,
    Kept,
    Published,
    RoundStart,
    RoundUpdate,
    Turn,
    Vocabulary,
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
from isthmus.horizontal.privacy.secure_sum.master import Step
from isthmus.horizontal.rounds import updates
from isthmus.horizontal.rounds.child_state import ChildState, Question, Status
from isthmus.horizontal.rounds.inbox import Content, Inbox
from isthmus.horizontal.rounds.memory import MasterMemory
from isthmus.horizontal.rounds.training import Contribution, Training
from isthmus.horizontal.rounds.updates import Answer
from isthmus.horizontal.spec import Rounds
from isthmus.horizontal.tables import Tables
from isthmus.transport.message import Message, MessageT, one_line

_JOINING = (Status.EXPECTED, Status.ASKING, Status.INSTRUCTED)
_AWAY = (Status.EXPECTED, Status.GONE)
_BUSY = (Status.ASKING, Status.INSTRUCTED, Status.TRAINING, Status.SUMMING, Status.KEEPING)


class Children:
    """All children by name; a child that breaks the protocol is refused and its line dropped."""

    def __init__(
        self,
        inbox: Inbox,
        training: Training,
        spec: Rounds,
        telemetry: Telemetry,
        memory: MasterMemory,
    ) -> None:
        self._inbox = inbox
        self._memory = memory
        self._training = training
        self._spec = spec
        self._telemetry = telemetry
        self._layout = Layout.of(training.initial)
        self._tables = Tables(self._layout, training.tables)
        self._instruction = Instruction(encoder=training.encoder, vocabulary=training.vocabulary)
        self._children = {
            child: ChildState(Status.DONE if child in memory.holders else Status.EXPECTED)
            for child in inbox.expected
        }
        self._start: RoundStart | None = None  # of the round that is open
        self._taken = dict[str, Contribution | MaskKeys]()
        self._question: Question[Any] | None = None  # of a sum, the last one that was asked
        self._published: Published | None = None
        self._vocabulary = b""
        self._counting = False
        secure = training.joint or training.secure_rule
        fewest = secure.spec.least_children if secure else 0
        self.quorum = max(spec.quorum, fewest)
        """Least number of updates that a round needs."""

        self.requested = False
        """Whether a child has asked for an encoder."""

        self.came = False
        """Whether any child has come."""

    def gather(self, wait: float) -> list[str]:
        """Wait until every expected child has joined and the quorum is there, or time is over.

        No child that has come is kept longer than a round may last.

        Args:
            wait: Seconds in which children come.

        Returns:
            Names of the children that are ready to train, sorted.
        """
        coming = time.monotonic() + wait  # the others come
        joining = math.inf  # those that have come confirm
        while self.in_status(*_JOINING) or len(self.in_status(Status.READY)) < self.quorum:
            if self.came and joining == math.inf:
                joining = self._deadline()
                coming = min(coming, joining)
            if not self._next(joining if self.in_status(Status.INSTRUCTED) else coming):
                break
        return self.in_status(Status.READY)

    def collect(self, start: RoundStart) -> list[Contribution]:
        """Run one round with every child that is ready.

        A child that joins meanwhile waits for the next round, unless this one lacks children.

        Args:
            start: The round and the parameters that every child starts from.

        Returns:
            The contributions that arrived in time, sorted by name of the child.
        """
        self._counting = False  # a vocabulary may have been agreed on before
        self._train(start)
        found = sorted(self._taken.items())
        return [it for _, it in found if isinstance(it, Contribution)]

    def begin(self, training: Training, vocabulary: bytes) -> None:
        """Go on with what is trained by a vocabulary, which each child is sent first."""
        self._training = training
        self._layout = Layout.of(training.initial)
        self._tables = Tables(self._layout, training.tables)
        self._vocabulary = vocabulary

    def offers(
        self, start: RoundStart, task: Literal["train", "count"] = "train"
    ) -> dict[str, MaskKeys]:
        """Run one round like `collect`, in which children keep their updates for a secure sum.

        Args:
            start: The round and the parameters that every child starts from.
            task: Whether children train, or count words, for which they are sent nothing.

        Returns:
            Keys from each child that has done so in time, by name of the child.
        """
        self._counting = task == "count"
        self._train(start)
        found = sorted(self._taken.items())
        return {child: it for child, it in found if isinstance(it, MaskKeys)}

    def exchange(
        self,
        step: Step | Literal["name"],
        questions: Mapping[str, Message],
        answer: type[MessageT],
        examine: Callable[[str, MessageT], str],
    ) -> dict[str, MessageT]:
        """Do one step of a secure sum with its children; leaves out who does not answer in time.

        Args:
            step: The step, as children are told it.
            questions: What to send, by child.
            answer: The type of each answer.
            examine: Returns in one clause why a child's answer is refused, or an empty string.

        Returns:
            Answers, by child.
        """
        question = self._question = Question(answer, examine)
        offering = [it for it in self.in_status(Status.READY) if self._children[it].offers]
        for child in sorted(questions.keys() & set(offering)):
            self._inbox.request(child, answer, Turn(task=step), questions[child])
            self._children[child].status = Status.SUMMING
            self._children[child].question = question
        until = self._deadline()
        while any(self._children[it].question is question for it in self.in_status(Status.SUMMING)):
            if not self._next(until):
                break
        return question.answers

    def publish(self, published: Published, wait: float) -> list[str]:
        """Send the final parameters to every child that is connected, or comes in time.

        Args:
            published: The parameters and their digest.
            wait: Seconds in which children come, also those that have gone, after the last that
                any child has said; those that are there may take as long as a round.

        Returns:
            Names of the children that have confirmed them.
        """
        self._published = published
        self._offer(published)
        latest = max(self._deadline(), time.monotonic() + wait)
        while self.in_status(*_BUSY, *_AWAY):
            coming = min(latest, time.monotonic() + wait)
            if not self._next(latest if self.in_status(*_BUSY) else coming):
                break
            self._offer(published)
        return self.in_status(Status.DONE)

    def in_status(self, *statuses: Status) -> list[str]:
        """Returns the names of the children in one of these statuses, sorted."""
        return sorted(name for name, it in self._children.items() if it.status in statuses)

    def check_quorum(
        self, when: str, present: Collection[str], wait: float | None = None
    ) -> dict[str, str]:
        """Refuse to go on with fewer children than the quorum.

        Args:
            when: How far training is, in words, for the error.
            present: Names of the children that are there.
            wait: Seconds in which they had to come; None: those of a round.

        Returns:
            Why each of the other children is missing, by name.

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
                f"{when}, {len(present)} of at least {self.quorum} children were there within "
                f"{wait or self._spec.deadline:g} s; missing: {names or 'nobody we know'}. Look "
                "after them, then run the same command again on all sides: it goes on where it "
                "stopped."
            )
        return missing

    def samples(self, child: str) -> int:
        """Returns the number of samples that a child has confirmed."""
        return self._children[child].samples

    def _deadline(self) -> float:
        return time.monotonic() + self._spec.deadline

    def _train(self, start: RoundStart) -> None:
        until = self._deadline()
        self._start = start
        self._taken = dict[str, Contribution | MaskKeys]()
        for child in self.in_status(Status.WATCHING):
            self._inbox.send(child, Turn(task="wait"))
        self._request_training(start)
        while self._due(start) or len(self._taken) < self.quorum:
            if not self._next(until):
                break
            if self._due(start) + len(self._taken) < self.quorum:
                self._request_training(start)
        self._start = None

    def _next(self, until: float) -> bool:
        arrival = self._inbox.next(until)
        if arrival is None:
            return False
        self._answer(arrival.peer, arrival.content)
        return True

    def _answer(self, child: str, content: Content) -> None:
        match content:
            case EncoderRequest(encoder=wanted):
                self._welcome(child, wanted)
            case Confirmation(samples=samples, declined=reason):
                self._enrol(child, samples, reason)
            case RoundUpdate() | SparseUpdate() | CoarseUpdate() | MaskKeys():
                self._take(child, content)
            case SealedShares() | MaskedUpdate() | Opening() | CommonWords():
                self._note(child, content)
            case Kept(model=model):
                self._finish(child, model)
            case PeerError():
                self._refuse(child, str(content))
            case _:
                self._children[child] = ChildState(Status.GONE, why="gone")
                if isinstance(self._taken.get(child), MaskKeys):
                    del self._taken[child]  # the secrets behind them are gone

    def _welcome(self, child: str, wanted: str | None) -> None:
        self.came = True
        self._children[child] = ChildState(Status.ASKING)
        if wanted not in (None, self._training.encoder):
            why = f"it asks for the encoder {wanted!r}, we train {self._training.encoder!r}"
            self._refuse(child, why, self._instruction)
            return
        self.requested |= wanted is not None
        if self.requested:
            for each in self.in_status(Status.ASKING):
                self._inbox.request(each, Confirmation, self._instruction)
                self._children[each].status = Status.INSTRUCTED

    def _enrol(self, child: str, samples: int, declined: str | None) -> None:
        if declined is not None:
            self._children[child] = ChildState(Status.WATCHING, why=f"declined: {declined}")
        elif samples == 0:
            self._refuse(child, "it confirms without a sample")
        else:
            self._children[child] = ChildState(Status.READY, samples)

    def _request_training(self, start: RoundStart) -> None:
        """Ask every child that is ready to train, but none twice in a round."""
        for child in self.in_status(Status.READY):
            if child not in self._taken:
                if self._counting:
                    self._inbox.request(child, MaskKeys, Turn(task="count"))
                else:
                    answer = updates.answer_type(self._training)
                    news = self._news(child)
                    self._inbox.request(child, answer, *news, Turn(task="train"), start)
                self._children[child].status = Status.TRAINING
                self._children[child].round = start.round
                self._children[child].offers = False

    def _news(self, child: str) -> list[Message]:
        # The vocabulary, of which every child is told once on each line.
        asked = self._children[child]
        if asked.informed or not self._vocabulary:
            return []
        asked.informed = True
        return [Turn(task="vocabulary"), Vocabulary(content=self._vocabulary)]

    def _due(self, start: RoundStart) -> int:
        """Returns how many updates of this round may still arrive."""
        training = self.in_status(Status.TRAINING)
        return sum(self._children[child].round == start.round for child in training)

    def _take(self, child: str, answer: Answer) -> None:
        asked = self._children[child]
        try:
            taken = self._read(child, answer)
        except ValueError as error:
            self._refuse(child, str(error))
            return
        asked.status = Status.READY
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
        contribution = updates.from_message(
            child, asked.samples, answer, self._layout, self._tables
        )
        if flaw := self._training.examine(contribution):
            raise ValueError(flaw)
        return contribution

    def _note(self, child: str, answer: Message) -> None:
        asked = self._children[child]
        asked.status = Status.READY
        question = self._question
        if question is not asked.question or question is None:
            return  # it is late
        if flaw := question.take(child, answer):
            self._refuse(child, flaw)

    def _offer(self, published: Published) -> None:
        for child in self.in_status(Status.READY, Status.WATCHING):
            self._inbox.request(child, Kept, *self._news(child), Turn(task="publish"), published)
            self._children[child].status = Status.KEEPING

    def _finish(self, child: str, kept: str) -> None:
        if self._published is None or kept != self._published.model:
            self._refuse(child, "it keeps other parameters than it was sent")
        else:
            self._children[child].status = Status.DONE
            self._memory.keep_holder(child)
            self._inbox.drop(child)

    def _refuse(self, child: str, why: str, last: Message | None = None) -> None:
        reason = one_line(why)
        self._children[child] = ChildState(Status.REFUSED, why=f"refused: {reason}")
        self._telemetry.progress("refuse", note=f"{child!r} was refused: {reason}")
        self._inbox.drop(child, last or Turn(task="leave", reason=reason))
