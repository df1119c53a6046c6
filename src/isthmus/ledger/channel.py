"""A channel that checks the policy and writes the ledger before it sends."""

from collections import defaultdict
from dataclasses import dataclass

from isthmus.ledger.policy import Policy, check
from isthmus.ledger.record import Ledger
from isthmus.transport.channel import Channel, OpenChannel
from isthmus.transport.message import Message, MessageT, encode


@dataclass
class Traffic:
    """Number and bytes of the messages of one type in one direction."""

    count: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count one more message."""
        self.count += 1
        self.bytes += size

    def join(self, other: "Traffic") -> None:
        """Add the messages of another channel."""
        self.count += other.count
        self.bytes += other.bytes


class RecordedChannel:
    """A `Channel` that checks the policy and writes the ledger before it sends.

    Several threads may send at the same time, each over its own channel.
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
        """Check, record, then send; a message that the policy forbids is not recorded.

        Args:
            message: The message.

        Raises:
            PolicyError: This party's policy forbids the message.
            DiskError: The disk is full, so that the message cannot be recorded.
            LedgerError: The message cannot be recorded for another reason.
            ChannelError: The connection is lost, or the peer read nothing for too long.
        """
        encoded = encode(message)
        with self._ledger.lock:  # else two threads could pass the check with the same total
            # 1. May it leave?
            kind = type(message).__name__
            check(self._policy, kind, self._ledger.total_bytes + len(encoded))

            # 2. Record it first: a record without a message is harmless, the reverse is not.
            self._ledger.append(message, encoded, to=self.peer)
            self.sent[type(message)].add(len(encoded))

        # 3. Send. This encodes the message again, which is simpler than a second way to send.
        self._channel.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Wait for the next message, and count it."""
        message = self._channel.receive(kind)
        self.received[kind].add(len(encode(message)))
        return message

    def arrived(self, seconds: float) -> bool:
        """Wait until something has arrived or the line is over; False if neither came to pass."""
        line: object = self._channel
        return line.arrived(seconds) if isinstance(line, OpenChannel) else True
