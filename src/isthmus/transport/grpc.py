"""Channels between organisations: gRPC streams under mutual TLS 1.3. The only file that uses gRPC.

Trust is one pinned certificate per peer: the certificate that the party file names is the only
trust root of the connection, so no other certificate of any authority is accepted. gRPC itself
reconnects, controls the flow and sends keepalive pings; only its settings are here.
"""

import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, ParamSpec, Self, TypeVar, cast

from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.transport.framing import CHUNK, PATIENCE, FramedChannel
from isthmus.transport.pin import pin
from isthmus.transport.pipe import Pipe

# gRPC has no setting for the lowest TLS version. This cipher suite needs a pre-shared key, which
# nobody has, so TLS 1.2 has no usable cipher; the ciphers of TLS 1.3 are not affected.
os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-PSK-CHACHA20-POLY1305"
# gRPC's own log repeats every failed attempt; our errors say what to do.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

P = ParamSpec("P")
T = TypeVar("T")
OnWait = Callable[[float], None]

_SERVICE, _METHOD = "isthmus", "line"
_PATH = f"/{_SERVICE}/{_METHOD}"

_REFUSED = "Socket closed"
"""The only sign of a refused certificate that a client of TLS 1.3 gets."""

_LINGER = 2.0
"""Seconds that `close` waits for the peer to read what was sent."""

_BOTH: list[tuple[str, int]] = [
    # A ping after 2 silent seconds, answered within 6: a dead peer is noticed within 10. gRPC
    # answers from its own threads, even while the role computes and holds the GIL.
    ("grpc.keepalive_time_ms", 2_000),
    ("grpc.keepalive_timeout_ms", 6_000),
    ("grpc.http2.ping_timeout_ms", 6_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
    ("grpc.max_receive_message_length", CHUNK),
]
_DIALS: list[tuple[str, int]] = [
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_retries", 0),  # a message is sent once
    ("grpc.enable_http_proxy", 0),  # a web proxy does not reach peers
    ("grpc.use_local_subchannel_pool", 1),  # a new channel is a new connection
]
_LISTENS: list[tuple[str, int]] = [
    ("grpc.so_reuseport", 0),  # a second listener at the same address is an error
]


@dataclass(frozen=True)
class Identity:
    """Our name, certificate and private key on a connection."""

    name: str
    """The party's name, which its certificate is for."""

    certificate: bytes
    """PEM."""

    private_key: bytes = field(repr=False)
    """PEM; never leaves the process."""


class _Stream(NamedTuple):
    """Both directions of a gRPC stream, at the client or at the server."""

    context: grpc.RpcContext
    frames: Iterator[bytes]
    outgoing: Pipe


class GrpcChannel(FramedChannel):
    """A channel to one peer; `Listener.accept` and `dial` make it."""

    def __init__(
        self, peer: str, stream: _Stream, hang_up: Callable[[], object], patience: float
    ) -> None:
        super().__init__(peer, Pipe(), stream.outgoing, patience)
        self._hang_up = hang_up
        self._over = threading.Event()
        if not stream.context.add_callback(self._over.set):
            self._over.set()
        # Read ahead, so that what the peer sent before it left is here when we need it.
        threading.Thread(target=self._read, args=(stream.frames,), daemon=True).start()

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
            self._outgoing.drain(self._patience)
        except TimeoutError:
            raise self._stuck(kind) from None

    def close(self, reason: str = "", *, again: bool = False) -> None:
        """Send a goodbye and close; waits at most two seconds for the peer to read it.

        Args:
            reason: One sentence for the peer, empty if the role has finished. It leaves this
                party: no data in it.
            again: Whether it passes, so that the peer is told to run the same command again.
        """
        super().close(reason, again=again)
        self._over.wait(_LINGER)
        self._hang_up()

    def abort(self) -> None:
        """Close without a goodbye, as a crash would."""
        super().abort()
        self._hang_up()

    def _read(self, frames: Iterator[bytes]) -> None:
        with suppress(grpc.RpcError):  # connection lost: both pipes end without a goodbye
            for frame in frames:
                with suppress(EOFError):  # we have closed: let the peer finish
                    self._incoming.put(frame)
        self._incoming.end()
        self._outgoing.end()


class Listener:
    """Accepts known peers at one address; closing it closes its channels."""

    def __init__(self, identity: Identity, pins: Mapping[bytes, str], patience: float) -> None:
        self._identity = identity
        self._pins = pins
        self._patience = patience
        self._address = ""
        self._waiting: dict[str, _Stream] = {}
        self._arrived = threading.Condition()
        stream: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
            self._serve
        )
        handler = grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: stream})
        self._server = grpc.server(_DaemonThreads(), [handler], options=_BOTH + _LISTENS)

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
        trusted = b"".join(map(_pem, self._pins))
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

    def accept(self, peer: str, wait: float, on_wait: OnWait) -> GrpcChannel:
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
        for step in _countdown(wait, on_wait):
            with self._arrived:
                if self._arrived.wait_for(lambda: self._is_waiting(peer), step):
                    stream = self._waiting.pop(peer)
                    return GrpcChannel(peer, stream, stream.context.cancel, self._patience)
        raise ChannelError(
            f"{peer!r} did not come to {self._address} within {wait:g} s. Has {peer!r} started the "
            f"same job, with the certificates that {self._identity.name!r} and {peer!r} use today?"
        )

    def close(self) -> None:
        """Stop listening, and close every accepted channel."""
        self._server.stop(grace=None).wait(_LINGER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, frames: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        peer = self._authenticated(context)
        stream = _Stream(context, frames, Pipe())
        context.add_callback(stream.outgoing.end)
        with self._arrived:
            earlier = self._waiting.pop(peer, None)
            self._waiting[peer] = stream
            self._arrived.notify_all()
        if earlier is not None:  # the peer restarted before we accepted its first connection
            earlier.context.cancel()
        return iter(stream.outgoing)

    def _authenticated(self, context: grpc.ServicerContext) -> str:
        proof = cast(Mapping[str, Any], context.auth_context())
        (certificate,), (version,) = proof["x509_pem_cert"], proof["ssl_tls_version"]
        peer = self._pins.get(ssl.PEM_cert_to_DER_cert(certificate.decode()))
        if peer is None or version != b"TLSv1.3":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "pinned certificates and TLS 1.3 only")
        return peer

    def _is_waiting(self, peer: str) -> bool:
        return peer in self._waiting and self._waiting[peer].context.is_active()


def listen(
    identity: Identity, address: str, peers: Mapping[str, bytes], *, patience: float = PATIENCE
) -> Listener:
    """Listen for peers.

    Args:
        identity: Our name, certificate and key.
        address: Host and port to listen on; port 0 takes a free one.
        peers: The certificate of each peer as PEM, by its name. Nobody else can connect.
        patience: Seconds that a channel waits for its peer at each message.

    Returns:
        The listener; close its channels first.

    Raises:
        SpecError: The address cannot be used, or a certificate cannot be pinned.
    """
    pins = {pin(peer, certificate): peer for peer, certificate in peers.items()}
    if len(pins) < len(peers):
        raise SpecError("two peers have the same certificate: each party needs its own.")
    listener = Listener(identity, pins, patience)
    listener.start(address)
    return listener


def dial(  # noqa: PLR0913 - each of the two ends has a name, an address and a certificate
    identity: Identity,
    address: str,
    peer: str,
    certificate: bytes,
    wait: float,
    on_wait: OnWait,
    *,
    patience: float = PATIENCE,
) -> GrpcChannel:
    """Connect to a peer, and wait until it listens.

    Args:
        identity: Our name, certificate and key.
        address: Host and port of the peer.
        peer: Name of the peer.
        certificate: The peer's certificate as PEM. No other is accepted.
        wait: Seconds to wait until the peer listens.
        on_wait: Called about once a second with the seconds left.
        patience: Seconds that the channel waits for the peer at each message.

    Returns:
        The channel to the peer.

    Raises:
        SpecError: The certificate cannot be pinned, or is for another name.
        PeerError: The other end presents another certificate.
        ChannelError: The peer did not listen in time, or refused us.
    """
    pinned = _pem(pin(peer, certificate))
    credentials = grpc.ssl_channel_credentials(pinned, identity.private_key, identity.certificate)
    name = ("grpc.ssl_target_name_override", peer)
    channel = grpc.secure_channel(address, credentials, [*_BOTH, *_DIALS, name])
    with ExitStack() as undo:
        undo.callback(channel.close)
        _wait_until_ready(channel, _Target(identity, address, peer), wait, on_wait)
        outgoing = Pipe()
        stream: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(_PATH)
        call = stream(iter(outgoing))
        undo.pop_all()
        return GrpcChannel(peer, _Stream(call, call, outgoing), channel.close, patience)


class _Target(NamedTuple):
    identity: Identity
    address: str
    peer: str


def _wait_until_ready(channel: grpc.Channel, target: _Target, wait: float, on_wait: OnWait) -> None:
    ready = grpc.channel_ready_future(channel)
    cause = ""
    for step in _countdown(wait, on_wait):
        with suppress(grpc.FutureTimeoutError):
            return ready.result(step)
        if _REFUSED not in cause:  # once seen, it stays the cause, even if the listener then stops
            cause = _why_not_ready(channel) or cause
        _stop_if_hopeless(cause, target)
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


def _why_not_ready(channel: grpc.Channel) -> str:
    """Returns the last error of a connection: a call that does not wait fails with it at once."""
    why: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{_SERVICE}/why")
    try:
        why(b"", timeout=0.5)
    except grpc.RpcError as error:
        call = cast(grpc.Call, error)
        return call.details() if call.code() is grpc.StatusCode.UNAVAILABLE else ""
    return ""


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


def _countdown(wait: float, on_wait: OnWait) -> Iterator[float]:
    """Yields steps of at most a second until the wait is over."""
    deadline = time.monotonic() + wait
    while (left := deadline - time.monotonic()) > 0:
        yield min(left, 1.0)
        on_wait(max(0.0, deadline - time.monotonic()))


def _pem(certificate: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(certificate).encode()


class _DaemonThreads(futures.ThreadPoolExecutor):
    """An executor with one daemon thread per stream, so that threads never block exit."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> futures.Future[T]:
        future: futures.Future[T] = futures.Future()
        work = threading.Thread(target=lambda: future.set_result(fn(*args, **kwargs)), daemon=True)
        work.start()
        return future
