"""Tells a party about its lines: who is missing, who came twice, and which certificate ends."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates
from isthmus.transport.grpc import Identity, OnAbsence

_AHEAD = timedelta(days=30)
"""How long before its end a certificate is warned of."""


def of_absence(telemetry: Telemetry) -> OnAbsence:
    """Returns what tells the user who is missing, and who is back."""

    def tell(peer: str, left: float) -> None:
        waited = (
            f"{peer} is missing: no connection, and no answer. This side tries for {left:.0f} s "
            "more, and then stops so that the same command goes on from here"
        )
        telemetry.progress("wait", note=waited if left else f"{peer} is back")

    return tell


def of_second(telemetry: Telemetry) -> Callable[[str], None]:
    """Returns what tells the user of a second process with the key of a peer."""

    def tell(peer: str) -> None:
        telemetry.progress(
            "refuse",
            note=f"a second process with the key of {peer} came: {peer} runs this job twice, or "
            "somebody else has its key. Ask them",
        )

    return tell


def of_ends(ours: bytes, theirs: Mapping[str, bytes], telemetry: Telemetry) -> None:
    """Warn of certificates that end within 30 days.

    Args:
        ours: Our own, PEM.
        theirs: Those of peers, by name.
        telemetry: Where the warning goes.
    """
    now = datetime.now(UTC)
    named = {f"the certificate of {peer}": pem for peer, pem in theirs.items()}
    for certificate, pem in {"our own certificate": ours, **named}.items():
        ends = certificates.expires(pem)
        if ends - now < _AHEAD:
            note = f"{certificate} ends on {ends:%Y-%m-%d}: exchange a new one before"
            telemetry.progress("certificates", note=note)


@contextmanager
def naming_our_end(us: Identity) -> Generator[None]:
    """Blame a connection that failed on our own certificate, if it has ended meanwhile.

    Args:
        us: Whose certificate it is.

    Yields:
        Nothing.

    Raises:
        SpecError: It has ended.
        ChannelError: It has not, and the block raised this.
        PeerError: The same.
    """
    try:
        yield
    except (ChannelError, PeerError) as error:
        ends = certificates.expires(us.certificate)
        if ends >= datetime.now(UTC):
            raise
        raise SpecError(
            f"the certificate of {us.name!r}, our own, ended at {ends:%Y-%m-%d %H:%M} UTC, while "
            "this side waited or ran: make a new one with `isthmus keys`, give it to your peers, "
            "and run the same command again."
        ) from error
