"""Two parties with real certificates, and the messages that these tests send."""

from collections.abc import Generator
from contextlib import contextmanager

from isthmus.crypto import certificates
from isthmus.transport.grpc import GrpcChannel, Identity, dial, listen
from isthmus.transport.message import Message

ANY_PORT = "127.0.0.1:0"


class Note(Message, frozen=True):
    number: int


class Blob(Message, frozen=True):
    max_bytes = 64 * 2**20
    data: bytes


def party(name: str) -> Identity:
    """A party with a fresh, self-signed certificate."""
    key = certificates.make_key()
    return Identity(name, certificates.self_signed(name, key), key)


def certified(name: str, authority: certificates.Authority) -> Identity:
    """A party with a fresh certificate of an authority."""
    key = certificates.make_key()
    request = certificates.signing_request(name, key)
    return Identity(name, certificates.issue(request, authority), key)


def quietly(left: float) -> None:
    """Show no countdown."""


@contextmanager
def connected(
    clinic: Identity, insurer: Identity, patience: float = 600.0
) -> Generator[tuple[GrpcChannel, GrpcChannel]]:
    """The clinic's line to the insurer, who dialled it, and the insurer's to the clinic."""
    trusted = {insurer.name: insurer.certificate}
    with listen(clinic, ANY_PORT, trusted, patience=patience) as listener:
        to_clinic = dial(
            insurer,
            listener.address,
            clinic.name,
            clinic.certificate,
            20,
            quietly,
            patience=patience,
        )
        with to_clinic, listener.accept(insurer.name, 20, quietly) as to_insurer:
            yield to_insurer, to_clinic
