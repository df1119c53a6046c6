"""Lines between processes of this machine, as parties have them: gRPC with mutual TLS."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from isthmus.crypto import certificates
from isthmus.transport import grpc
from isthmus.transport.grpc import GrpcChannel, Identity

_WAIT = 60.0

Identities = dict[str, Identity]
"""Of both parties, by name; the first one listens."""


def identities(names: Sequence[str]) -> Identities:
    """Fresh keys and certificates."""
    keys = {name: certificates.make_key() for name in names}
    return {
        name: Identity(name, certificates.self_signed(name, key), key) for name, key in keys.items()
    }


@contextmanager
def line(us: str, parties: Identities, address: str) -> Iterator[GrpcChannel]:
    """Open the line to the other party.

    Args:
        us: Our name.
        parties: Ours and the other one's.
        address: Of the first party, on loopback.

    Yields:
        The line.
    """
    first, (peer,) = next(iter(parties)), (name for name in parties if name != us)
    ours, theirs = parties[us], parties[peer].certificate
    if us != first:
        with grpc.dial(ours, address, peer, theirs, _WAIT, nobody_watches) as opened:
            yield opened
        return
    with (
        grpc.listen(ours, address, {peer: theirs}) as listener,
        listener.accept(peer, _WAIT, nobody_watches) as opened,
    ):
        yield opened


def nobody_watches(seconds_left: float) -> None:
    """Tell nobody how long we still wait."""
    del seconds_left
