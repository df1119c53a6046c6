"""The handshake of two enclaves: mutual attestation, and then session keys that only they have.

1. Each sends a challenge: a new nonce and a new public key.
2. Each sends evidence that covers both challenges, the terms, the names of both parties, and the
   digest of this package's code.
3. Each verifies the other's evidence by its own party's policy, and checks what it covers. Only
   then a session starts, under keys that are derived from both public keys and all that is covered.

So evidence is good for one session only: not for a later one (nonce), nor with a third enclave
(keys, names), with other terms, or with another program.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from isthmus.core.errors import PeerError
from isthmus.crypto.sealing import KEY_BYTES, Session, SessionKey
from isthmus.tee import quotes
from isthmus.tee.code import code_digest
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from isthmus.tee.verify import verify

NONCE_BYTES = 32
"""Bytes of a challenge's nonce."""

_LABEL = b"isthmus enclave handshake 1"
_OWNED = b"isthmus enclave of a party 1"


class Challenge(NamedTuple):
    """A nonce and a public key that the other enclave's evidence must cover."""

    nonce: bytes
    key: bytes


def owned(context: bytes, party: str, challenge: Challenge) -> bytes:
    """Returns what a party signs to say that the enclave of a challenge is its own.

    Args:
        context: Everything that all parties must agree on.
        party: Name of the party.
        challenge: The challenge of its enclave.

    Returns:
        The bytes to sign.
    """
    return _digest([_OWNED, context, party.encode(), challenge.nonce, challenge.key])


class Handshake:
    """One enclave's side of the handshake with one peer's enclave."""

    def __init__(
        self, us: str, peer: str, context: bytes, kind: Kind, endorsements: bytes = b""
    ) -> None:
        """Make a new challenge.

        Args:
            us: Name of our party.
            peer: Name of the other enclave's party.
            context: Everything that both must agree on.
            kind: Kind of our evidence.
            endorsements: Endorsements of our evidence.
        """
        self._us = us
        self._peer = peer
        self._context = context
        self._kind = kind
        self._endorsements = endorsements
        self._pair = SessionKey()
        self._theirs: Challenge | None = None
        self.challenge = Challenge(secrets.token_bytes(NONCE_BYTES), self._pair.public)
        """Our challenge to the peer's enclave."""

    def evidence(self, theirs: Challenge) -> Evidence:
        """Answer the peer's challenge.

        Args:
            theirs: The challenge of the peer's enclave.

        Returns:
            Our evidence, which covers both challenges.

        Raises:
            PeerError: It is not a challenge, or it is our own.
            SpecError: This machine cannot make evidence of our kind.
        """
        if (len(theirs.nonce), len(theirs.key)) != (NONCE_BYTES, KEY_BYTES):
            raise PeerError(
                f"the enclave of {self._peer!r} sent a challenge of another size. Compare "
                "`isthmus version` on both sides."
            )
        if theirs.nonce == self.challenge.nonce or theirs.key == self.challenge.key:
            raise PeerError(
                f"the enclave of {self._peer!r} sent our own challenge back: somebody between you "
                "reflects it. Stop, and call them."
            )
        self._theirs = theirs
        return quotes.attest(self._kind, self._our_report(theirs), self._endorsements)

    def complete(
        self, evidence: Evidence, policy: EnclavePolicy, at_time: datetime
    ) -> tuple[Session, Claims]:
        """Verify the peer's evidence and start the session. Call it once, after `evidence`.

        Args:
            evidence: The peer's answer to our challenge.
            policy: Our party's policy for enclaves.
            at_time: When the evidence must be valid, with its time zone.

        Returns:
            Our end of the session, and the claims of the peer's enclave.

        Raises:
            PeerError: The evidence is not genuine, not valid at that time, or of another session.
            PolicyError: Our party does not trust that enclave.
            SpecError: The library that verifies such evidence is not installed.
            ValueError: `evidence` was not called yet, or `complete` was called before.
        """
        if self._theirs is None:
            raise ValueError("answer a challenge first: each is good for one session")
        theirs = self._theirs
        claims = verify(evidence, policy, at_time)
        ours, expected = self._our_report(theirs), self._their_report(theirs, evidence.kind)
        if not hmac.compare_digest(claims.report_data, expected):
            raise PeerError(
                f"the evidence of the enclave of {self._peer!r} is not about this session: it "
                "binds another challenge, key, party, certificate, program or job. Compare "
                "`isthmus version`, the digests of the job and the certificates of all parties; "
                "if they agree, somebody replays evidence of another session."
            )
        transcript = _digest(sorted([ours, expected]))
        try:
            session = self._pair.session(theirs.key, transcript)
        except ValueError as error:
            raise PeerError(
                f"the enclave of {self._peer!r} sent a key that gives no secret: {error}. Stop, "
                "and look at what runs there."
            ) from None
        self._theirs = None
        return session, claims

    def _our_report(self, theirs: Challenge) -> bytes:
        return _report(self._context, (self._us, self._peer), (self.challenge, theirs), self._kind)

    def _their_report(self, theirs: Challenge, kind: Kind) -> bytes:
        return _report(self._context, (self._peer, self._us), (theirs, self.challenge), kind)


def _report(
    context: bytes, names: tuple[str, str], challenges: tuple[Challenge, Challenge], kind: Kind
) -> bytes:
    """Returns the 64 bytes that evidence covers; name and challenge of the enclave come first."""
    own, other = challenges
    bound = [
        _LABEL,
        context,
        *(name.encode() for name in names),
        *(own.key, other.key),
        *(own.nonce, other.nonce),
        code_digest(),
        kind.value.encode(),
    ]
    return _digest(bound)


def _digest(parts: Iterable[bytes]) -> bytes:
    """Returns the SHA-512 of parts, each after its length, so that the encoding is unique."""
    whole = hashlib.sha512()
    for part in parts:
        whole.update(len(part).to_bytes(8) + part)
    return whole.digest()
