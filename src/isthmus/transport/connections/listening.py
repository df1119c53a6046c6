"""The end that listens: known peers come to one address, and come back to their lines."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import suppress
from typing import Any, NoReturn, ParamSpec, Self, TypeVar, cast

from isthmus.core.errors import ChannelError, IsthmusError, SpecError
from isthmus.transport.absence import OnAbsence, nobody
from isthmus.transport.connections.settings import (
    METHOD,
    OPTIONS,
    RECEIVED,
    SERVICE,
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

P = ParamSpec("P")
T = TypeVar("T")

OnSecond = Callable[[str], None]
"""Told which peer has a second process: with the same key, but not the one that has the line."""


def _nobody(_peer: str) -> None:
    """Tell nobody about a second process."""


_STRANGERS = 32
"""Connections beyond one for each peer: more than that, and those who come wait at the door."""

_HANDSHAKE_MS = 3_000
"""What a connection may take to prove who it is; then it is closed."""

_TOLD_SECONDS = 100
"""Second processes that are told of at most: whoever has a key cannot fill our event log."""

_STOP = 2.0  # seconds
_LOOK = 1.0  # seconds after which a connection that nobody reads looks whether it still counts


class Listener:
    """Accepts known peers at one address; closing it closes its channels."""

    def __init__(
        self,
        identity: Identity,
        pins: Mapping[bytes, str],
        patience: float,
        on_absence: OnAbsence = nobody,
        on_second: OnSecond = _nobody,
    ) -> None:
        self._identity = identity
        self._pins = pins
        self._patience = patience
        self._on_absence = on_absence
        self._on_second = on_second
        self._address = ""
        self._second: set[str] = set()  # tokens of lines that were refused to second processes
        self._lines: dict[str, ResumableChannel] = {}  # the newest one of each peer
        self._arrived = threading.Condition()
        stream: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
            self._serve
        )
        handler = grpc.method_handlers_generic_handler(SERVICE, {METHOD: stream})
        own: list[tuple[str, int]] = [
            ("grpc.so_reuseport", 0),  # a second listener at the same address is an error
            ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
            ("grpc.max_allowed_incoming_connections", _STRANGERS + len(pins)),
        ]
        self._server = grpc.server(_DaemonThreads(), [handler], options=OPTIONS + own)

    @property
    def address(self) -> str:
        """The address for peers, with the actual port."""
        return self._address

    def start(self, address: str) -> None:
        """Start to listen; the function `listen` calls it.

        Args:
            address: Host and port; port 0 takes a free one.

        Raises:
            SpecError: The address cannot be used.
        """
        ours = [(self._identity.private_key, self._identity.certificate)]
        trusted = b"".join(map(pem, self._pins))
        credentials = grpc.ssl_server_credentials(ours, trusted, require_client_auth=True)
        try:
            port = self._server.add_secure_port(address, credentials)
        except RuntimeError:
            raise SpecError(
                f"cannot listen on {address}: the address is taken or not of this machine, or the "
                "certificate and private key do not fit. Look at both in your party file."
            ) from None
        self._address = f"{address.rpartition(':')[0]}:{port}"
        self._server.start()

    def accept(self, peer: str, wait: float, on_wait: OnWait) -> ResumableChannel:
        """Wait until a peer has connected.

        Args:
            peer: Name of the peer, one of those given to `listen`.
            wait: Seconds to wait.
            on_wait: Called about once a second with the seconds left.

        Returns:
            The channel to the peer.

        Raises:
            ChannelError: The peer did not connect in time.
        """
        for step in countdown(wait, on_wait):
            with self._arrived:
                if self._arrived.wait_for(lambda: self._is_waiting(peer), step):
                    line = self._lines[peer]
                    line.accepted.set()
                    return line
        raise ChannelError(
            f"{peer!r} did not come to {self._address} within {wait:g} s. Has {peer!r} started the "
            f"same job, with the certificates that {self._identity.name!r} and {peer!r} use today?"
            " Where its own run of this job is finished, it needs `--again`."
        )

    def close(self) -> None:
        """Stop listening, and close every accepted channel."""
        with self._arrived:
            for line in self._lines.values():
                line.finish()
        self._server.stop(grace=None).wait(_STOP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, stream: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        peer = self._authenticated(context)
        token, count = received(context.invocation_metadata())
        with self._arrived:
            line = self._line(peer, token, count, context)
            connection, ours = line.begin()
            try:
                line.resume(connection, count or 0, context.cancel)
            except ValueError as error:
                _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
            self._arrived.notify_all()
        context.send_initial_metadata(((RECEIVED, str(ours)),))

        def lost() -> None:
            line.lost(connection)

        if not context.add_callback(lost):
            lost()
        in_background(lambda: _tend(line, connection, stream))
        return self._replies(line, connection, context)

    def _replies(
        self, line: ResumableChannel, connection: int, context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        yield from line.frames(connection)
        if self._lines.get(line.peer) is not line:  # another process has taken its place
            context.set_code(grpc.StatusCode.ABORTED)

    def _line(
        self, peer: str, token: str, count: int | None, context: grpc.ServicerContext
    ) -> ResumableChannel:
        """Returns the line that a connection belongs to, a new one where it may have one."""
        line = self._lines.get(peer)
        if line is not None and line.token == token and not line.over:
            return line
        if count is not None or (line is not None and line.token == token):
            _refuse(context, grpc.StatusCode.NOT_FOUND, "nobody here holds this line")
        if line is not None and not line.over and not line.peer_left:
            self._meet(line, token, context)
        self._lines[peer] = ResumableChannel(peer, token, self._patience, self._on_absence)
        if line is not None:
            line.finish()
        return self._lines[peer]

    def _meet(self, earlier: ResumableChannel, token: str, context: grpc.ServicerContext) -> None:
        """Another process comes with the key of a peer that has a line already."""
        peer, starts = earlier.peer, not earlier.accepted.is_set()
        if earlier.connected and token not in self._second and len(self._second) < _TOLD_SECONDS:
            self._second.add(token)
            with suppress(IsthmusError):  # a full disk stops our role, and not the peer's
                self._on_second(peer)
        if starts:
            return  # nothing has crossed: the newer one takes the place
        if earlier.connected:
            _refuse(context, grpc.StatusCode.ALREADY_EXISTS, "another process holds the line")
        # A process that was missing has ended, and was started again.
        earlier.finish(
            ChannelError(
                f"{peer!r} was started again, and holds nothing of this line any more. Run the "
                "same command again on both sides."
            )
        )
        _refuse(context, grpc.StatusCode.UNAVAILABLE, "the line before is being ended")

    def _authenticated(self, context: grpc.ServicerContext) -> str:
        proof = cast(Mapping[str, Any], context.auth_context())
        (certificate,), (version,) = proof["x509_pem_cert"], proof["ssl_tls_version"]
        peer = self._pins.get(ssl.PEM_cert_to_DER_cert(certificate.decode()))
        if peer is None or version != b"TLSv1.3":
            _refuse(
                context, grpc.StatusCode.UNAUTHENTICATED, "pinned certificates and TLS 1.3 only"
            )
        return peer

    def _is_waiting(self, peer: str) -> bool:
        line = self._lines.get(peer)
        return line is not None and line.connected and not line.accepted.is_set()


def listen(
    identity: Identity,
    address: str,
    peers: Mapping[str, bytes],
    *,
    patience: float = PATIENCE,
    on_absence: OnAbsence = nobody,
    on_second: OnSecond = _nobody,
) -> Listener:
    """Listen for peers.

    Args:
        identity: Our name, certificate and key.
        address: Host and port to listen on; port 0 takes a free one.
        peers: The certificate of each peer as PEM, by its name. Nobody else can connect.
        patience: Seconds that a channel waits for its peer at each message, and for a peer that
            is missing.
        on_absence: Told who is missing, and who is back.
        on_second: Told which peer has a second process.

    Returns:
        The listener; close its channels first.

    Raises:
        SpecError: The address cannot be used, or a certificate cannot be pinned.
    """
    pins = {pin(peer, certificate): peer for peer, certificate in peers.items()}
    if len(pins) < len(peers):
        raise SpecError("two peers have the same certificate: each party needs its own.")
    listener = Listener(identity, pins, patience, on_absence, on_second)
    listener.start(address)
    return listener


def _tend(line: ResumableChannel, connection: int, stream: Iterator[bytes]) -> None:
    """Read what a connection brings, and wait for the next one when it breaks."""
    while not line.accepted.wait(_LOOK):
        if not line.is_newest(connection):
            return  # another has taken its place: a peer can open as many as it likes
    with suppress(ConnectionError):  # gRPC may report a broken connection as an end in order
        line.read(connection, envelopes(stream))
    closed = line.lost(connection)
    if line.peer_left:
        line.finish()
    line.wait_for_return(connection, closed=closed)


def _refuse(context: grpc.ServicerContext, code: grpc.StatusCode, why: str) -> NoReturn:
    context.abort(code, why)
    raise AssertionError  # `abort` raises, but its type does not say so


class _DaemonThreads(futures.ThreadPoolExecutor):
    """An executor with one daemon thread per stream, so that threads never block exit."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> futures.Future[T]:
        future: futures.Future[T] = futures.Future()
        in_background(lambda: future.set_result(fn(*args, **kwargs)))
        return future
