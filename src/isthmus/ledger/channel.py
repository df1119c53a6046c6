"""A line on which nothing leaves unchecked or unrecorded."""

from collections import defaultdict
from dataclasses import dataclass

from isthmus.ledger.policy import Policy, check
from isthmus.ledger.record import Ledger
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, MessageT, encode


@dataclass
class Traffic:
    """Messages of one type in one direction."""

    count: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count one more message."""
        self.count += 1
        self.bytes += size

    def join(self, other: "Traffic") -> None:
        """Count the messages of another line as well."""
        self.count += other.count
        self.bytes += other.bytes


class RecordedChannel:
    """A `Channel` that checks the policy and writes the ledger before it sends.

    Threads may send at the same time, each over a line of its own.
    """

    def __init__(self, channel: Channel, ledger: Ledger, policy: Policy) -> None:
        self._channel = channel
        self._ledger = ledger
        self._policy = policy
        self.sent: dict[type[Message], Traffic] = defaultdict(Traffic)
        self.received: dict[type[Message], Traffic] = defaultdict(Traffic)

    @property
    def peer(self) -> str:
        """Name of the party at the other end."""
        return self._channel.peer

    def send(self, message: Message) -> None:
        """Check, record, then send; what the policy refuses is neither recorded nor sent.

        Args:
            message: What crosses.

        Raises:
            PolicyError: This party's policy forbids it.
            DiskError: There is no room to record it.
            LedgerError: It cannot be recorded for another reason.
            ChannelError: The line is gone, or the peer took nothing for too long.
        """
        encoded = encode(message)
        with self._ledger.lock:  # what one thread is allowed, no other thread may use up
            # 1. May it leave?
            kind = type(message).__name__
            check(self._policy, kind, self._ledger.total_bytes + len(encoded))

            # 2. Write it down first: a record without a message is harmless, the reverse is not.
            self._ledger.append(message, encoded, to=self.peer)
            self.sent[type(message)].add(len(encoded))

        # 3. Send. The line encodes once more, which costs less than a second way to send would.
        self._channel.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Wait for the next message, as the wrapped channel does."""
        message = self._channel.receive(kind)
        self.received[kind].add(len(encode(message)))
        return message
