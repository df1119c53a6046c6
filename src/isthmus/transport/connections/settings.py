"""Settings of gRPC, and what both ends of a connection know.

gRPC itself reconnects, controls the flow and sends keepalive pings; only its settings are here.
"""

import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from isthmus.transport.framing import CHUNK
from isthmus.transport.resumable import ENVELOPE_BYTES

# gRPC has no setting for the lowest TLS version. This cipher suite needs a pre-shared key, which
# nobody has, so TLS 1.2 has no usable cipher; the ciphers of TLS 1.3 are not affected.
os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-PSK-CHACHA20-POLY1305"
# gRPC's own log repeats every failed attempt; our errors say what to do.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc as grpc  # noqa: PLC0414 - the package takes it from here, after the lines above

OnWait = Callable[[float], None]
"""Called about once a second with the seconds left."""

SERVICE, METHOD = "isthmus", "line"

TOKEN, RECEIVED = "isthmus-line", "isthmus-received"
"""Metadata of a connection: the token of its line, and how many frames this end has received.

Who dials a line on which nothing has crossed leaves the second one out: any process may take it.
"""

_COUNT_DIGITS = 20  # of a number below 2^64

OPTIONS: list[tuple[str, int]] = [
    # A ping after 2 silent seconds, answered within 6: a dead peer is noticed within 10. gRPC
    # answers from its own threads, even while the role computes and holds the GIL.
    ("grpc.keepalive_time_ms", 2_000),
    ("grpc.keepalive_timeout_ms", 6_000),
    ("grpc.http2.ping_timeout_ms", 6_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
    ("grpc.max_receive_message_length", CHUNK + ENVELOPE_BYTES),
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


def envelopes(stream: Iterator[bytes]) -> Iterator[bytes]:
    """Yields what a stream brings until the peer ends it.

    Args:
        stream: Of gRPC, at the client or at the server.

    Yields:
        Each message.

    Raises:
        ConnectionError: It broke; says why, as far as gRPC does.
    """
    try:
        yield from stream
    except grpc.RpcError as error:
        raise ConnectionError(str(error)) from None


def received(metadata: Any) -> tuple[str, int | None]:
    """Returns the token of a line, and how many frames the other end has received of it.

    Args:
        metadata: Pairs of key and value, from the other end.

    Returns:
        An empty token or None where the other end says nothing, or nothing that makes sense.
    """
    found = dict[str, str](metadata or ())
    count = found.get(RECEIVED, "")
    makes_sense = count.isascii() and count.isdecimal() and len(count) <= _COUNT_DIGITS
    return found.get(TOKEN, ""), int(count) if makes_sense else None


def countdown(wait: float, on_wait: OnWait) -> Iterator[float]:
    """Yields steps of at most a second until the wait is over."""
    deadline = time.monotonic() + wait
    while (left := deadline - time.monotonic()) > 0:
        yield min(left, 1.0)
        on_wait(max(0.0, deadline - time.monotonic()))


def pem(certificate: bytes) -> bytes:
    """Returns a DER certificate as PEM."""
    return ssl.DER_cert_to_PEM_cert(certificate).encode()


def in_background(work: Callable[[], object]) -> None:
    """Start a thread that does not keep the process alive."""
    threading.Thread(target=work, daemon=True).start()
