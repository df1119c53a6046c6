"""The interface of a channel to one peer, which every role uses."""

from typing import Protocol, runtime_checkable

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


@runtime_checkable
class OpenChannel(Channel, Protocol):
    """A channel on which the peer may be silent for as long as it likes."""

    def arrived(self, seconds: float) -> bool:
        """Wait until something has arrived or the line is over; False if neither came to pass.

        After True, `receive` returns or raises without waiting for the peer to begin. A silent
        peer whose machine or network is gone ends the line, so a role may ask again without end.
        """
        ...
