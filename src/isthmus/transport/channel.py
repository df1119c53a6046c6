"""The line to one peer, as every role sees it."""

from typing import Protocol

from isthmus.transport.message import Message, MessageT


class Channel(Protocol):
    """Ordered, typed and blocking; a role gets one per peer as an argument.

    Tests pass a pair of in-memory ends, production passes gRPC with mutual TLS.
    """

    @property
    def peer(self) -> str:
        """Name of the party at the other end."""
        ...

    def send(self, message: Message) -> None:
        """Hand a message over; blocks while the peer is too far behind.

        Args:
            message: What crosses.

        Raises:
            SpecError: It is larger than its type allows; nothing was sent.
            PeerError: The peer has left, and said why.
            ChannelError: The line is gone, or the peer took nothing for too long.
        """
        ...

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Wait for the next message.

        Args:
            kind: The only type that is accepted.

        Returns:
            The message; its arrays are read-only.

        Raises:
            PeerError: The peer sent another type, too many bytes, or fields that do not fit; or it
                has left, and said why.
            ChannelError: The line is gone, or the peer stayed silent for too long.
        """
        ...
