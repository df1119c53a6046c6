"""The SuperNodes of a Flower federation, as the lines of a master."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from logging import WARNING
from types import TracebackType
from typing import Self, cast

from flwr.app import Array, ArrayRecord, ConfigRecord, MessageType, RecordDict
from flwr.app import Message as FlowerMessage
from flwr.common.constant import ErrorCode
from flwr.common.logger import log
from flwr.serverapp import Grid

from isthmus.core.errors import ChannelError, PeerError
from isthmus.horizontal.flower.replay import History, ReplayLine
from isthmus.horizontal.messages import Instruction
from isthmus.transport.framing import Goodbye, stopped
from isthmus.transport.message import Message, one_line

LASTING = (Instruction,)
"""Messages that a child's role needs in every replay, unless a job adds to them."""

OVER = "over"
"""Name of the query that tells a node that a run is over, however it ended."""

PARTITION = "partition-id"
"""Key under which a simulation numbers its nodes."""

_MESSAGES, _FACTS = "messages", "facts"
_KNOWN, _STOPPED, _AGAIN = "known", "stopped", "again"
_PAUSE = 0.3  # between two looks for replies
_GOODBYE = 10.0  # seconds in which nodes can hear that a run is over
_PASSING = {
    ErrorCode.MESSAGE_UNAVAILABLE,
    ErrorCode.REPLY_MESSAGE_UNAVAILABLE,
    ErrorCode.NODE_UNAVAILABLE,
    ErrorCode.CLIENT_APP_CRASHED,
}


class Nodes:
    """Finds children among the nodes of a federation, and sends requests to them.

    A node is a child by the name under which its key was registered at the SuperLink, which the
    SuperLink has verified. In a simulation nodes have no keys, and are taken in order.
    """

    def __init__(self, grid: Grid, simulated: Sequence[str] = ()) -> None:
        """Start to collect replies.

        Args:
            grid: What Flower hands to a ServerApp.
            simulated: Names of the children in a simulation, by partition.
        """
        self._grid = grid
        self._simulated = simulated
        self._partitions: dict[str, int] = {}
        self._contacted: set[int] = set()
        self._due: dict[str, Future[FlowerMessage]] = {}
        self._using_grid = threading.RLock()
        self._closed = threading.Event()
        self._collector = threading.Thread(target=self._collect, daemon=True)
        self._collector.start()

    def line(
        self, child: str, patience: float, lasting: tuple[type[Message], ...] = LASTING
    ) -> ReplayLine:
        """The line to a child, whether its node is there yet or not.

        A request to a node that goes away is repeated when the node is back, so the line itself
        does not break.

        Args:
            child: Its name in the job.
            patience: Seconds after which a request without a reply is repeated.
            lasting: Messages that its role needs in every replay.

        Returns:
            The line.
        """

        def deliver(history: History) -> list[bytes]:
            return self._deliver(child, history, patience)

        return ReplayLine(child, deliver, lasting)

    def close(self) -> None:
        """Tell the nodes that the run is over, and give up all open requests.

        Whoever waits for a reply gets a `ChannelError`.
        """
        if not self._simulated:
            self._say_goodbye()
        self._closed.set()
        self._collector.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _deliver(self, child: str, history: History, patience: float) -> list[bytes]:
        content = packed(history.messages)
        content[_FACTS] = ConfigRecord({_KNOWN: history.known})
        while True:
            node = self._awaited(child)
            self._contacted.add(node)
            reply = self._asked(node, content, MessageType.TRAIN, patience).result()
            if not reply.has_error():
                return _answers(reply, child)
            if reply.error.code not in _PASSING:
                raise ChannelError(
                    f"the node of {child!r} cannot run our app: "
                    f"{one_line(reply.error.reason or '')}. Is the same isthmus installed there, "
                    "with the extra `flower`?"
                )
            self._pause()

    def _say_goodbye(self) -> None:
        kind = f"{MessageType.QUERY}.{OVER}"
        try:
            told = [self._asked(it, RecordDict(), kind, _GOODBYE) for it in self._contacted]
        except Exception as error:  # noqa: BLE001 - the run has ended; nothing depends on this
            log(WARNING, "The nodes were not told that the run is over: %s", error)
        else:
            wait(told, timeout=_GOODBYE)

    def _awaited(self, child: str) -> int:
        while (node := self._node(child)) is None:
            self._pause()
        return node

    def _node(self, child: str) -> int | None:
        if self._simulated:
            return self._partition(child)
        with self._using_grid:
            found = [it.node_id for it in self._grid.get_nodes() if it.name == child]
        if len(found) > 1:
            raise PeerError(
                f"{len(found)} SuperNodes are registered under the name {child!r}. Unregister all "
                "but the one of that party: `flwr supernode list` shows them."
            )
        return found[0] if found else None

    def _partition(self, child: str) -> int | None:
        with self._using_grid:
            nodes = list(self._grid.get_node_ids())
            if not self._partitions and len(nodes) >= len(self._simulated):
                asked = [self._asked(it, RecordDict(), MessageType.QUERY, 60) for it in nodes]
                for node, answer in zip(nodes, asked, strict=True):
                    number = _fact(self._result(answer).content, PARTITION)
                    self._partitions[self._simulated[cast(int, number)]] = node
        return self._partitions.get(child)

    def _result(self, answer: "Future[FlowerMessage]") -> FlowerMessage:
        while not answer.done():  # our own lock keeps the collector out
            self._look()
            self._pause()
        return answer.result()

    def _asked(
        self, node: int, content: RecordDict, kind: str, patience: float
    ) -> "Future[FlowerMessage]":
        message = FlowerMessage(content, node, kind, ttl=patience)
        answer = Future[FlowerMessage]()
        with self._using_grid:
            self._check_open()
            numbers = list(self._grid.push_messages([message]))
            if not numbers or not numbers[0]:
                raise ChannelError(
                    "the SuperLink does not take a message: is it larger than it allows, or the "
                    "run stopped?"
                )
            self._due[numbers[0]] = answer
        return answer

    def _collect(self) -> None:
        while not self._closed.wait(_PAUSE):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
                self._give_up(error)
        self._give_up(ChannelError("the run is over"))

    def _look(self) -> None:
        with self._using_grid:
            if self._due:
                for reply in self._grid.pull_messages(list(self._due)):
                    answer = self._due.pop(reply.metadata.reply_to_message_id, None)
                    if answer is not None:
                        answer.set_result(reply)

    def _give_up(self, error: Exception) -> None:
        with self._using_grid:
            due, self._due = self._due, {}
        for answer in due.values():
            answer.set_exception(error)

    def _pause(self) -> None:
        self._closed.wait(_PAUSE)
        self._check_open()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise ChannelError("the run is over")


def packed(messages: Sequence[bytes]) -> RecordDict:
    """Encoded messages as Flower carries arrays: in chunks, and without a second encoding."""
    arrays = {
        str(number): Array(dtype="uint8", shape=(len(it),), stype="isthmus", data=it)
        for number, it in enumerate(messages)
    }
    return RecordDict({_MESSAGES: ArrayRecord(arrays)})


def unpacked(content: RecordDict) -> list[bytes]:
    """What `packed` was given.

    Args:
        content: What came from the other side.

    Returns:
        The encoded messages.

    Raises:
        PeerError: It holds something else.
    """
    arrays = content.get(_MESSAGES)
    if not isinstance(arrays, ArrayRecord):
        raise PeerError(_FOREIGN)
    numbers = [str(number) for number in range(len(arrays))]
    if set(arrays) != set(numbers):
        raise PeerError(_FOREIGN)
    return [arrays[number].data for number in numbers]


def known(content: RecordDict) -> int:
    """How many messages of a request came before.

    Args:
        content: What came from the master.

    Returns:
        A number from -1 on.

    Raises:
        PeerError: It is not there.
    """
    number = _fact(content, _KNOWN)
    if type(number) is not int:
        raise PeerError(_FOREIGN)
    return number


def facts(**values: str | int) -> RecordDict:
    """A few facts, in place of messages."""
    return RecordDict({_FACTS: ConfigRecord(dict(values))})


def farewell(goodbye: Goodbye) -> RecordDict:
    """Why a child stops, in place of messages."""
    said: dict[str, str | int] = {_STOPPED: goodbye.reason, _AGAIN: int(goodbye.again)}
    return facts(**said)


def _answers(reply: FlowerMessage, child: str) -> list[bytes]:
    reason = _fact(reply.content, _STOPPED)
    if reason is not None:
        again = _fact(reply.content, _AGAIN) == 1
        raise stopped(child, Goodbye(str(reason), again))
    return unpacked(reply.content)


def _fact(content: RecordDict, name: str) -> object:
    record = content.get(_FACTS)
    return record.get(name) if isinstance(record, ConfigRecord) else None


_FOREIGN = (
    "what came over Flower is no message of isthmus. Compare `isthmus version` on both sides, and "
    "let no other app use this run."
)
