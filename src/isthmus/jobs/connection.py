"""The lines to the other parties of a job: who listens, who dials, and with which keys."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from isthmus.core import memory
from isthmus.core.errors import (
    ChannelError,
    DiskError,
    JobError,
    PeerError,
    PolicyError,
    SpecError,
    naming_file,
)
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates, keys
from isthmus.jobs import notices
from isthmus.jobs.party import THIS_MACHINE
from isthmus.jobs.plan import PartyPlan
from isthmus.transport import grpc
from isthmus.transport.framing import FINISHED, Goodbye
from isthmus.transport.grpc import GrpcChannel, Identity, Listener
from isthmus.transport.pin import pin


@contextmanager
def connect(plan: PartyPlan, telemetry: Telemetry) -> Generator[dict[str, GrpcChannel]]:
    """Wait for the other parties, prove who we are, and hold the lines while the block runs.

    Args:
        plan: What we are about to run.
        telemetry: Where the countdown goes.

    Yields:
        The line to each neighbour by name. When the block fails, the peers are told what concerns
        them, and nothing else.

    Raises:
        SpecError: Keys or addresses in the party file are missing or wrong.
        ChannelError: A peer did not come.
        IsthmusError: Whatever the block raised.
    """
    with ExitStack() as listening:
        listening.enter_context(notices.naming_our_end(identity(plan)))
        lines = dict[str, GrpcChannel]()
        try:
            for peer, line in _open(plan, telemetry, listening):
                lines[peer] = line
            yield lines
        except BaseException as error:
            _close(lines, for_the_peer(error))
            raise
        _close(lines)


def listen(
    plan: PartyPlan, telemetry: Telemetry, on_second: Callable[[str], None] | None = None
) -> Listener:
    """Listen where all parties of a job come to us.

    Args:
        plan: What we are about to run; we are the party that listens.
        telemetry: Where it goes who is missing, and whose certificate ends.
        on_second: Told which peer has a second process, beside the telemetry.

    Returns:
        Where lines come from, until it is closed.

    Raises:
        SpecError: Keys or the address in the party file are missing or wrong, or it is taken.
    """
    pinned = {peer: _pinned(plan, peer) for peer in plan.neighbours}
    address = _address(plan, plan.neighbours[0])  # one for all of them
    us, tell = identity(plan), notices.of_second(telemetry)
    notices.of_ends(us.certificate, pinned, telemetry)

    def second(peer: str) -> None:
        tell(peer)
        if on_second is not None:
            on_second(peer)

    return grpc.listen(
        us,
        address,
        pinned,
        patience=plan.party.patience,
        on_absence=notices.of_absence(telemetry),
        on_second=second,
    )


def identity(plan: PartyPlan) -> Identity:
    """Read our certificate and private key, and check that they belong together.

    Args:
        plan: What we are about to run.

    Returns:
        Who we are. Where nobody asks for a certificate (see `PartyPlan.needs_identity`), a party
        without [identity] gets one that seals the ledger of this run and proves nothing else.

    Raises:
        SpecError: A file is missing, unsafe, expired, or not this party's.
    """
    party = plan.party
    if party.identity is None and not plan.needs_identity:
        key = certificates.make_key()
        return Identity(party.party, certificates.self_signed(party.party, key), key)
    if party.identity is None:
        raise SpecError(
            f"the party file of {party.party!r} has no table [identity]: make a key and a "
            "certificate with `isthmus keys make`, and name their files there. (`isthmus simulate` "
            "makes keys of its own, `isthmus init` a copy of an example with keys.)"
        )
    certificate_file = plan.folder / party.identity.certificate
    key_file = plan.folder / party.identity.private_key
    certificate, private_key = read_file(certificate_file), read_file(key_file)
    check_private(key_file)
    try:
        certificates.check(certificate, private_key, party.party)
    except SpecError as error:
        raise SpecError(f"{certificate_file} with {key_file}: {error}") from None
    return Identity(party.party, certificate, private_key)


def certificates_of_all(plan: PartyPlan) -> dict[str, bytes]:
    """Read the certificates of all parties of a job, also of those that we have no line to.

    Args:
        plan: What we are about to run.

    Returns:
        PEM by party; equal ones are equal bytes.

    Raises:
        SpecError: One is missing or wrong.
    """
    us = identity(plan)
    found = {peer: _pinned(plan, peer) for peer in plan.job.peers(us.name)}
    return {
        name: certificates.normal(pem) for name, pem in {us.name: us.certificate, **found}.items()
    }


def check(plan: PartyPlan) -> None:
    """Check keys and addresses without contacting anybody.

    Args:
        plan: What we are about to run.

    Raises:
        SpecError: One of them is missing or wrong.
    """
    identity(plan)
    for peer in plan.neighbours:
        _pinned(plan, peer)
        _address(plan, peer)


def place(plan: PartyPlan) -> str:
    """Returns where the lines of a party begin, in words."""
    if plan.listens:
        return f"listens on {plan.party.listen}"
    return f"calls {plan.first} at {plan.party.peers[plan.first].address}"


def expires(plan: PartyPlan) -> str:
    """Returns the last day of our own certificate; nothing where nobody asks for one."""
    if plan.party.identity is None:
        return ""
    return f"{certificates.expires(identity(plan).certificate):%Y-%m-%d}"


def _open(
    plan: PartyPlan, telemetry: Telemetry, listening: ExitStack
) -> Generator[tuple[str, GrpcChannel]]:
    party = plan.party

    def waiting(peer: str) -> grpc.OnWait:
        place = f"{'on' if plan.listens else 'at'} {_address(plan, peer)}"
        return lambda left: telemetry.progress(
            "wait", note=f"for {peer} {place}: {left:.0f} s left"
        )

    if plan.listens:
        listener = listening.enter_context(listen(plan, telemetry))
        for peer in plan.neighbours:
            yield peer, listener.accept(peer, party.wait, waiting(peer))
        return
    us, pinned = identity(plan), {peer: _pinned(plan, peer) for peer in plan.neighbours}
    notices.of_ends(us.certificate, pinned, telemetry)
    for peer, theirs in pinned.items():
        where = _address(plan, peer)
        line = grpc.dial(
            us,
            where,
            peer,
            theirs,
            party.wait,
            waiting(peer),
            patience=party.patience,
            on_absence=notices.of_absence(telemetry),
        )
        yield peer, line


def _close(lines: Mapping[str, GrpcChannel], goodbye: Goodbye = FINISHED) -> None:
    for line in lines.values():
        line.close(goodbye.reason, again=goodbye.again)


def _pinned(plan: PartyPlan, peer: str) -> bytes:
    if peer not in plan.party.peers:
        raise SpecError(
            f"the party file of {plan.party.party!r} does not know {peer!r}: "
            f"add a table [peers.{peer}] with its certificate."
        )
    path = plan.folder / plan.party.peers[peer].certificate
    certificate = read_file(path)
    with naming_file(path):
        pin(peer, certificate)
        name, expires = certificates.common_name(certificate), certificates.expires(certificate)
    now = datetime.now(UTC)
    if name != peer:
        raise SpecError(f"{path}: is made out to {name!r}. Ask {peer!r} for its own certificate.")
    if early := certificates.early(certificate, now):
        raise SpecError(f"{path}: {early}")
    if expires < now:
        raise SpecError(f"{path}: ended on {expires:%Y-%m-%d}. Ask {peer!r} for today's.")
    return certificate


def _address(plan: PartyPlan, peer: str) -> str:
    party = plan.party
    if plan.listens:
        if party.listen is None:
            raise SpecError(
                f"{party.party!r} is {plan.role} and listens for {peer!r}: "
                'set `listen`, for example "0.0.0.0:7401", in its party file.'
            )
        return host_and_port(plan, "listen", party.listen)
    address = party.peers[peer].address
    if address is None:
        raise SpecError(
            f"{party.party!r} is {plan.role} and dials {peer!r}: "
            f"set `peers.{peer}.address` in its party file."
        )
    return host_and_port(plan, f"peers.{peer}.address", address)


def host_and_port(plan: PartyPlan, key: str, address: str) -> str:
    """Check an address.

    Args:
        plan: Of the party whose file it is in.
        key: Its key in that file.
        address: What it says.

    Returns:
        The address.

    Raises:
        SpecError: It is not a host and a port.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise SpecError(
            f"`{key}` in the party file of {plan.party.party!r} is {address!r}: give a host and a "
            'port, for example "192.0.2.1:7401".'
        )
    if keys.small_key_bits() is not None and host not in THIS_MACHINE:
        raise SpecError(
            f"{keys.TEST_KEY_BITS} is set, with which keys can be broken, and `{key}` is "
            f"{address!r}: unset it. It is for tests on one machine."
        )
    return address


def read_file(path: Path, advice: str = "`isthmus keys` makes keys and certificates.") -> bytes:
    """Read a file that a party file names.

    Args:
        path: The file.
        advice: What to do where it cannot be read.

    Returns:
        Its bytes.

    Raises:
        SpecError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. {advice}") from None


def check_private(key_file: Path) -> None:
    """Refuse a private key that others can read.

    Args:
        key_file: The file.

    Raises:
        SpecError: They can.
    """
    if key_file.stat().st_mode & 0o077:
        raise SpecError(f"{key_file}: others can read this private key. Run `chmod 600` on it.")


def for_the_peer(error: BaseException) -> Goodbye:
    """What a peer may know of an error of ours: never a path, a column or a value.

    Args:
        error: What ends our part.

    Returns:
        Why we leave, and whether that passes: then both sides run the same command again.
    """
    if passing := _passing(error):
        return Goodbye(f"{passing}: run the same command again on both sides", again=True)
    return Goodbye(_lasting(error))


def _passing(error: BaseException) -> str:
    if memory.is_shortage(error):
        return "its memory is full"
    match error:
        case ChannelError():
            return "a line of its own broke or its enclave ended"
        case DiskError():
            return "its disk is full"
        case KeyboardInterrupt() | SystemExit():
            return "it was interrupted"
        case _:
            return ""


def _lasting(error: BaseException) -> str:
    match error:
        case JobError() | PeerError():
            return str(error)
        case SpecError():
            return "it found a fault in its own files or data"
        case PolicyError():
            return "its own policy forbids to go on"
        case _:
            return f"it failed ({type(error).__name__})"
