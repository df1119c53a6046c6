"""The interface of a channel to one peer, which every role uses."""

from typing import Protocol

from isthmus.transport.message import Message, MessageT


class Channel(Protocol):
    """An ordered, typed, blocking channel; a role gets one per peer as an argument.

    Tests pass in-memory channels (`loopback`), production passes gRPC with mutual TLS.
    """

    @property
    def peer(self) -> str:
        """Name of the party at the other end."""
        ...

    def send(self, message: Message) -> None:
        """Send a message; blocks while the peer is too far behind.

        Args:
            message: The message.

        Raises:
            SpecError: The message is larger than its type allows; nothing was sent.
            PeerError: The peer has closed the channel, and said why.
            ChannelError: The connection is lost, or the peer read nothing for too long.
        """
        ...

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Wait for the next message.

        Args:
            kind: The only type that is accepted.

        Returns:
            The message; its arrays are read-only.

        Raises:
            PeerError: The peer sent another type, too many bytes, or invalid fields; or it has
                closed the channel, and said why.
            ChannelError: The connection is lost, or the peer sent nothing for too long.
        """
        ...
