"""A channel that outlives its connections: what one did not bring, the next one brings.

1. Each side counts the frames that it has received, and keeps those that it sent until the other
   acknowledges them.
2. When a connection breaks without a goodbye, the dialler opens another. Both say how many frames
   they have, and each goes on from there: nothing is lost, and nothing arrives twice.
3. The roles and the ledger see one message where one was sent; repetition is transport, as in TCP.

Who is missing is told 10 seconds after the last sign of life at most. A line ends after `patience`,
and after 10 seconds where the peer's machine answers, and no process there takes the line up.
"""

import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from isthmus.core.errors import IsthmusError, PeerError
from isthmus.transport.absence import GONE, Absence, OnAbsence
from isthmus.transport.framing import FramedChannel
from isthmus.transport.outbox import Outbox
from isthmus.transport.pipe import Pipe

_ENVELOPE = struct.Struct(">?Q")  # is this frame the last one; number of frames received
ENVELOPE_BYTES = _ENVELOPE.size

_ACKNOWLEDGE_BYTES = 4 * 2**20  # received: then an acknowledgement does not wait for a second
_LINGER = 2.0  # seconds that `close` waits where nothing that we computed is at stake

# How the end of a connection is told from a silent network: the peer was heard just before.
_HEARD = 3.5  # seconds; keepalive closes a silent connection after 6 at least
_PUNCTUAL = 2.5  # seconds between two of our own ticks; else this process itself was too busy
_RECENT = 15.0

_WAITS = 3  # times `patience` at most for one message, on a line that is lost and taken up again
_LOOK = 1.0  # seconds after which what waits for its turn looks whether it still counts


class ResumableChannel(FramedChannel):
    """A channel to one peer; `Listener.accept` and `dial` make it."""

    def __init__(self, peer: str, token: str, patience: float, on_absence: OnAbsence) -> None:
        self._outbox = Outbox()
        super().__init__(peer, Pipe(), self._outbox, patience)
        self.token = token
        """Random name of the line, which tells its process from any other with the same key."""

        self.accepted = threading.Event()
        """Set once a role uses the line; nothing is read before."""

        self._on_absence = on_absence
        self._hang_up: Callable[[], object] = _nothing
        self._reading = threading.Lock()  # one connection at a time, in order
        self._changed = threading.Condition()  # guards all below
        self._connection = 0  # the number of the newest one
        self._connected = False
        self._received = 0
        self._unacknowledged = 0  # bytes
        self._peer_left = False
        self._over = False
        self._ended_by: IsthmusError | None = None
        self._heard = self._ticked = time.monotonic()
        self._late = self._ticked - _RECENT

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connected

    @property
    def over(self) -> bool:
        """Whether the line has ended for good."""
        return self._over

    @property
    def exchanged(self) -> bool:
        """Whether the peer is known to have frames of ours, or we have some of it."""
        return self._received > 0 or self._outbox.acknowledged > 0

    def transmit(self, kind: str, encoded: bytes) -> None:
        """Send an encoded message; returns when it has left this process.

        Args:
            kind: Name of the message type.
            encoded: The encoding of the message.

        Raises:
            PeerError: The peer has closed the channel, and said why.
            ChannelError: The connection is lost, or the peer read nothing for too long.
        """
        super().transmit(kind, encoded)
        # The sending thread needs the GIL. Without this wait, a role that computes in one long call
        # would delay its own message.
        try:
            self._outbox.drain(self._patience)
        except TimeoutError:
            raise self._stuck(kind) from None

    def close(self, reason: str = "", *, again: bool = False) -> None:
        """Send a goodbye and close.

        A role that has finished waits until the peer has all that was sent, through an outage too;
        one that failed waits for two seconds.

        Args:
            reason: One sentence for the peer, empty if the role has finished. It leaves this
                party: no data in it.
            again: Whether it passes, so that the peer is told to run the same command again.
        """
        super().close(reason, again=again)
        with self._changed:
            self._changed.wait_for(lambda: self._over, self._linger(reason))
            self._changed.wait_for(lambda: not self._connected, _LINGER)
        self.finish()
        self._hang_up()

    def abort(self) -> None:
        """Close without a goodbye, as a crash would."""
        super().abort()
        self.finish()
        self._hang_up()

    # --- for who makes connections ---------------------------------------------------------------

    def begin(self) -> tuple[int, int]:
        """Begin a connection; from here on nothing that an older one brings is taken.

        Returns:
            Its number, and the number of frames received, which the peer is told.
        """
        with self._changed:
            self._connection += 1
            return self._connection, self._received

    def resume(self, connection: int, count: int, hang_up: Callable[[], object]) -> None:
        """Go on over a new connection.

        Args:
            connection: Its number.
            count: Number of frames that the peer says it has.
            hang_up: Ends the connection.

        Raises:
            ValueError: The peer cannot have that many.
        """
        self._outbox.resume(connection, count)
        with self._changed:
            self._connected, self._hang_up = True, hang_up
            self._heard = self._ticked = time.monotonic()
            self._changed.notify_all()
        self._acknowledge(count)

    def frames(self, connection: int) -> Iterator[bytes]:
        """Yields what a connection sends, until the line is over or another takes its place."""
        while (taken := self._outbox.take(connection)) is not None:
            self._tick()
            yield _ENVELOPE.pack(taken.last, self._received) + taken.frame

    def read(self, connection: int, received: Iterator[bytes]) -> None:
        """Take what a connection brings.

        Args:
            connection: Its number.
            received: What comes from the peer, until the peer ends the connection.

        Raises:
            ConnectionError: It broke.
        """
        for envelope in received:
            while not self._reading.acquire(timeout=_LOOK):  # an older one waits for our role
                if not self.is_newest(connection):
                    return
            try:
                self._take(connection, envelope)
            finally:
                self._reading.release()

    def is_newest(self, connection: int) -> bool:
        """Returns whether no other connection has taken the place of this one."""
        return connection == self._connection and not self._over

    def lost(self, connection: int) -> bool:
        """Note that a connection has broken.

        Args:
            connection: Its number.

        Returns:
            Whether the peer's machine ended it, as it does when a process ends, and no silence did.
        """
        with self._changed:
            now = time.monotonic()
            punctual = now - self._ticked < _PUNCTUAL and now - self._late > _RECENT
            closed = punctual and now - self._heard < _HEARD
            if connection == self._connection:
                self._connected = False
                self._outbox.pause(connection)
                self._changed.notify_all()
            return closed

    def absence(self) -> Absence:
        """Begin to wait for the peer to come back."""
        return Absence(self, self._patience, self._on_absence)

    def wait_for_return(self, connection: int, *, closed: bool) -> None:
        """Wait until the peer has taken the line up again, or it is time to end it.

        Args:
            connection: The number of the connection that broke.
            closed: Whether the peer's machine ended it.
        """
        absence = self.absence()
        while absence.goes_on(closed=closed):
            with self._changed:
                if self._changed.wait_for(lambda: self._moved_on(connection), 0.5):
                    break
        absence.end()

    def wait_a_moment(self, seconds: float) -> None:
        """Wait, but no longer than the line lives."""
        with self._changed:
            self._changed.wait_for(lambda: self._over, seconds)

    def finish(self, error: IsthmusError | None = None) -> None:
        """End the line for good: the peer has left, or does not come back.

        Args:
            error: Why, for the role; by default that the peer is gone.
        """
        with self._changed:
            if not self._over:
                self._ended_by, self._over = error, True
            self._changed.notify_all()
        self.accepted.set()
        self._outbox.close()
        self._incoming.end()

    @property
    def peer_left(self) -> bool:
        """Whether the peer has said goodbye."""
        return self._peer_left

    def _take(self, connection: int, envelope: bytes) -> None:
        last, count = self._opened(envelope)
        frame = envelope[ENVELOPE_BYTES:]
        with self._changed:
            if connection != self._connection:
                return  # the next connection brings it
            self._heard = time.monotonic()
            self._received += bool(frame)
            self._unacknowledged += len(frame)
            urgent = last or self._unacknowledged >= _ACKNOWLEDGE_BYTES
            if urgent:
                self._unacknowledged = 0
        self._acknowledge(count)
        if frame:
            with suppress(EOFError):  # we have closed: let the peer finish
                self._incoming.put(frame)
        if last:
            self._peer_left = True
            self._incoming.end()
            self._outbox.end()
        if urgent:
            self._outbox.nudge()

    def _opened(self, envelope: bytes) -> tuple[bool, int]:
        try:
            last, count = _ENVELOPE.unpack_from(envelope)
        except struct.error:
            raise self._violated(f"{len(envelope)} bytes without an envelope") from None
        return last, count

    def _acknowledge(self, count: int) -> None:
        try:
            done = self._outbox.acknowledge(count)
        except ValueError as error:
            raise self._violated(f"that it has {error}") from None
        if done:
            self.finish()

    def _violated(self, what: str) -> ConnectionError:
        self.finish(
            PeerError(f"{self._peer!r} sent {what}. Compare `isthmus version` on both sides.")
        )
        return ConnectionError(what)

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._ticked > _PUNCTUAL:
            self._late = now
        self._ticked = now

    def _moved_on(self, connection: int) -> bool:
        return self._over or (self._connected and self._connection != connection)

    def _get(self) -> bytes:
        for _ in range(_WAITS):
            with suppress(TimeoutError):
                return super()._get()
            if self._connected:
                break
            # The time in which a peer is missing ends on its own, by the end of the line. But one
            # that comes and goes without a frame is missing for a moment only, again and again.
        raise TimeoutError

    def _stuck(self, kind: str) -> IsthmusError:
        # A peer that is missing reads nothing: to wait for it and to send to it end at one moment.
        return super()._stuck(kind) if self._connected else self._cut_off()

    def _linger(self, reason: str) -> float:
        if reason or not self.exchanged:  # nothing is known to wait for this at the other end
            return _LINGER
        if self._peer_left:
            return _LINGER if self._connected else GONE
        return self._patience

    def _cut_off(self) -> IsthmusError:
        return self._ended_by or super()._cut_off()


def _nothing() -> None:
    """Hang up where there was no connection."""
