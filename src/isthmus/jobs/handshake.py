"""Same job? Same version? Who is who? And at the end: have both got everything?"""

from collections.abc import Collection

from isthmus import __version__
from isthmus.core import spec
from isthmus.core.errors import PeerError
from isthmus.jobs.job import Job
from isthmus.jobs.messages import Done, Hello
from isthmus.jobs.plan import Loaded
from isthmus.transport.channel import Channel


def shake_hands(peer: Channel, job: Job, party: str) -> None:
    """Compare versions, roles and job files with one peer; nothing else has been sent yet.

    Args:
        peer: The line to it.
        job: Our copy of the job.
        party: Our name.

    Raises:
        PeerError: It runs another version or another job, or is not who the job says.
    """
    ours = hello(job, party)
    peer.send(ours)
    theirs = peer.receive(Hello)

    if _series(theirs.version) != _series(ours.version):
        raise PeerError(
            f"{peer.peer!r} runs isthmus {theirs.version!r} and we run {ours.version!r}: "
            "install the same version on both sides."
        )
    if theirs.job != ours.job:
        raise PeerError(
            f"{peer.peer!r} holds another job file: it differs at "
            f"{spec.first_difference(ours.keys, theirs.keys)!r}. "
            "Agree on one file and give it to everyone."
        )
    role = job.parties[peer.peer].role
    if (theirs.party, theirs.role) != (peer.peer, role):
        raise PeerError(
            f"the certificate is that of {peer.peer!r}, who is {role} in this job, but it says it "
            f"is {theirs.party!r}, {theirs.role!r}. Check `party` in its party file."
        )


def meeting(loaded: Loaded) -> str:
    """Returns a sentence about who listens and who calls."""
    job, first = loaded.job, loaded.first
    others = [f"{name} ({member.role})" for name, member in job.peers(first).items()]
    return (
        f"{first} ({job.parties[first].role}) listens, {', '.join(others)} "
        f"{'calls' if len(others) == 1 else 'call'}; they compare the digests of their jobs."
    )


def finish(peer: Channel) -> None:
    """End a job together: no line is closed while a message is still on its way."""
    peer.send(Done())
    peer.receive(Done)


def finish_all(peers: Collection[Channel], *, gathers: bool) -> None:
    """End a job with all peers: who has heard the last word knows that nobody needs it any more.

    Args:
        peers: The lines.
        gathers: Whether all lines lead to us: then we answer once all others have said that they
            have everything.
    """
    for peer in peers:
        if not gathers:
            peer.send(Done())
        peer.receive(Done)
    if gathers:
        for peer in peers:
            peer.send(Done())


def hello(job: Job, party: str) -> Hello:
    """What a party says first."""
    return Hello(
        version=__version__,
        party=party,
        role=job.parties[party].role,
        job=spec.digest(job),
        keys=spec.key_digests(job),
    )


def _series(version: str) -> list[str]:
    """Versions that differ in the last number only understand each other."""
    return version.split(".")[:2]
