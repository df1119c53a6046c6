"""The end that dials: to a known peer at its address, and again whenever the connection breaks."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import NamedTuple, cast

from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.transport.absence import GONE, Absence, OnAbsence, nobody
from isthmus.transport.connections.settings import (
    METHOD,
    OPTIONS,
    RECEIVED,
    SERVICE,
    TOKEN,
    Identity,
    OnWait,
    countdown,
    envelopes,
    grpc,
    in_background,
    pem,
    received,
)
from isthmus.transport.framing import PATIENCE
from isthmus.transport.pin import pin
from isthmus.transport.resumable import ResumableChannel

_OPTIONS: list[tuple[str, int]] = [
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # until an attempt without an answer is repeated
    ("grpc.enable_retries", 0),  # a connection repeats what the peer lacks, and nothing else
    ("grpc.enable_http_proxy", 0),  # a web proxy does not reach peers
    ("grpc.use_local_subchannel_pool", 1),  # a new channel is a new connection
]

_REFUSED = "Socket closed"
"""The only sign of a refused certificate that a client of TLS 1.3 gets."""

_NOBODY_LISTENS = "Connection refused"
"""What the peer's machine answers when the process has ended."""

_PAUSE = 0.5  # seconds between two attempts that were answered

_ANSWER = 30.0
"""Seconds in which a peer that listens says how much it has: its process may be busy."""


class _Target(NamedTuple):
    identity: Identity
    address: str
    peer: str


class _RefusedError(Exception):
    """The peer's process answers, and does not take the line."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code)
        self.code = code


def dial(  # noqa: PLR0913 - each of the two ends has a name, an address and a certificate
    identity: Identity,
    address: str,
    peer: str,
    certificate: bytes,
    wait: float,
    on_wait: OnWait,
    *,
    patience: float = PATIENCE,
    on_absence: OnAbsence = nobody,
) -> ResumableChannel:
    """Connect to a peer, and wait until it listens.

    Args:
        identity: Our name, certificate and key.
        address: Host and port of the peer.
        peer: Name of the peer.
        certificate: The peer's certificate as PEM. No other is accepted.
        wait: Seconds to wait until the peer listens.
        on_wait: Called about once a second with the seconds left.
        patience: Seconds that the channel waits for the peer at each message, and dials again
            when the connection is lost.
        on_absence: Told who is missing, and who is back.

    Returns:
        The channel to the peer.

    Raises:
        SpecError: The certificate cannot be pinned, or is for another name.
        PeerError: The other end presents another certificate.
        ChannelError: The peer did not listen in time, or refused us.
    """
    pinned = pem(pin(peer, certificate))
    credentials = grpc.ssl_channel_credentials(pinned, identity.private_key, identity.certificate)
    name = ("grpc.ssl_target_name_override", peer)
    channel = grpc.secure_channel(address, credentials, [*OPTIONS, *_OPTIONS, name])
    with ExitStack() as undo:
        undo.callback(channel.close)
        line = ResumableChannel(peer, secrets.token_hex(16), patience, on_absence)
        line.accepted.set()
        dialler = _Dialler(channel, _Target(identity, address, peer), line)
        dialler.connect(wait, on_wait)
        undo.pop_all()
        in_background(dialler.tend)
        return line


class _Dialler:
    """Opens the connections of one line, one after the other."""

    def __init__(self, channel: grpc.Channel, target: _Target, line: ResumableChannel) -> None:
        self._channel = channel
        self._target = target
        self._line = line
        self._stream: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            f"/{SERVICE}/{METHOD}"
        )
        self._connection = 0
        self._call: Iterator[bytes] = iter(())

    def connect(self, wait: float, on_wait: OnWait) -> None:
        """Open the first connection.

        Args:
            wait: Seconds to wait until the peer listens.
            on_wait: Called about once a second with the seconds left.

        Raises:
            SpecError: The certificate is for another name.
            PeerError: The other end presents another certificate.
            ChannelError: The peer did not listen in time, or refused us.
        """
        end, second_since = time.monotonic() + wait, 0.0
        while True:
            _wait_until_ready(self._channel, self._target, end - time.monotonic(), on_wait, wait)
            try:
                return self._open(max(_PAUSE, min(_ANSWER, end - time.monotonic())))
            except _RefusedError as refused:
                if refused.code is not grpc.StatusCode.ALREADY_EXISTS:
                    second_since = 0.0
                elif not second_since:
                    second_since = time.monotonic()
                elif time.monotonic() - second_since > GONE:
                    raise self._second() from None
            time.sleep(_PAUSE)

    def tend(self) -> None:
        """Read what comes, and dial again until the line is over."""
        while not self._line.over:
            with suppress(ConnectionError):
                self._line.read(self._connection, envelopes(self._call))
            self._line.lost(self._connection)
            if not self._line.over:
                self._end_if_told()
                self._redial(self._line.absence())
        self._channel.close()
        self._line.lost(self._connection)

    def _end_if_told(self) -> None:
        code = cast(grpc.Call, self._call).code()
        if code is grpc.StatusCode.ABORTED:
            self._line.finish(self._second())
        elif code is grpc.StatusCode.OK and self._line.peer_left:
            self._line.finish()

    def _redial(self, absence: Absence) -> None:
        closed = False
        while absence.goes_on(closed=closed):
            code, why = _answer(self._channel)
            closed = _NOBODY_LISTENS in why
            if closed and self._line.peer_left:
                self._line.finish()
            elif code is grpc.StatusCode.UNIMPLEMENTED and self._reopened():
                break
            self._line.wait_a_moment(_PAUSE)
        absence.end()

    def _reopened(self) -> bool:
        try:
            self._open(_ANSWER)
        except _RefusedError as refused:
            if refused.code is grpc.StatusCode.NOT_FOUND:
                self._line.finish(self._unknown())
            return False
        return True

    def _open(self, seconds: float) -> None:
        connection, ours = self._line.begin()
        ours_told = ((RECEIVED, str(ours)),) if self._line.exchanged else ()
        metadata = ((TOKEN, self._line.token), *ours_told)
        call = self._stream(self._line.frames(connection), metadata=metadata)
        hang_up = threading.Timer(seconds, call.cancel)
        hang_up.daemon = True
        hang_up.start()
        try:
            _, theirs = received(call.initial_metadata())  # waits for the answer
            if theirs is None:
                raise _RefusedError(call.code())  # waits for the end
        finally:
            hang_up.cancel()
        try:
            self._line.resume(connection, theirs, call.cancel)
        except ValueError as error:
            peer = self._target.peer
            self._line.finish(PeerError(f"{peer!r} says that it has {error}: not of this line."))
        self._connection, self._call = connection, call

    def _second(self) -> ChannelError:
        us, _, peer = self._target
        return ChannelError(
            f"{peer!r} has a line to another process with the key of {us.name!r}: does the same "
            f"job run twice, here or on another machine? End one of them, then run this again."
        )

    def _unknown(self) -> ChannelError:
        us, _, peer = self._target
        return ChannelError(
            f"{peer!r} holds nothing of this line any more: it was started again, or has given us "
            f"up, or another process with the key of {us.name!r} came. Run the same command again "
            "on both sides."
        )


def _wait_until_ready(
    channel: grpc.Channel, target: _Target, left: float, on_wait: OnWait, wait: float
) -> None:
    # By calls, not by gRPC's watch of a channel: its thread fails where the channel is closed soon.
    cause = ""
    for step in countdown(left, on_wait):
        end = time.monotonic() + step
        code, why = _answer(channel, step, wait=True)
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            code, why = _answer(channel)
        if code is grpc.StatusCode.UNAVAILABLE and _REFUSED not in cause:
            cause = why or cause  # once seen, it stays the cause, even if the listener then stops
        _stop_if_hopeless(cause, target)
        time.sleep(max(0.0, end - time.monotonic()))
    us, address, peer = target
    if _REFUSED in cause:
        raise ChannelError(
            f"whoever listens at {address} hangs up on us. If it is {peer!r}: does it name today's "
            f"certificate of {us.name!r} in its party file?"
        )
    raise ChannelError(
        f"{peer!r} did not answer at {address} within {wait:g} s. Has {peer!r} started the same "
        "job? Is the address in your party file right, and open in the firewalls between you?"
    )


def _answer(
    channel: grpc.Channel, seconds: float = 0.5, *, wait: bool = False
) -> tuple[grpc.StatusCode, str]:
    """Connect, and return what a call fails with: UNIMPLEMENTED by a peer.

    Args:
        channel: The channel.
        seconds: Within which the call ends.
        wait: Whether it waits for a connection; else it tells why there is none, where one failed.

    Returns:
        The code, and details.
    """
    why: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/why")
    try:
        why(b"", timeout=seconds, wait_for_ready=wait)
    except grpc.RpcError as error:
        call = cast(grpc.Call, error)
        return call.code(), call.details()
    return grpc.StatusCode.OK, ""


def _stop_if_hopeless(cause: str, target: _Target) -> None:
    _, address, peer = target
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        raise PeerError(
            f"the certificate that {address} presents is not the one your party file names for "
            f"{peer!r}, or it has expired. Ask {peer!r} for today's, and compare fingerprints by "
            "telephone."
        )
    if "Hostname Verification" in cause:
        raise SpecError(
            f"the certificate that your party file names for {peer!r} is made out to another name. "
            f"Ask {peer!r} for one with its party name."
        )
