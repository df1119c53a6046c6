"""Inspection of evidence, for people to read before they trust it."""

from datetime import datetime

import msgspec

from isthmus.core.errors import PeerError, SpecError
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.kinds import kind_of, reader
from isthmus.tee.policy import EnclavePolicy


class Validity(msgspec.Struct, frozen=True):
    """A certificate or statement that evidence relies on, and when it is valid."""

    name: str
    since: datetime
    until: datetime


class Inspection(msgspec.Struct, frozen=True):
    """The contents of evidence, and whether they are verified."""

    kind: Kind
    verified: bool
    reason: str
    """Why verification failed; empty if it did not."""

    at: datetime
    """The time for which validity was checked."""

    protects: bool
    registers: dict[str, str]
    signer: str
    report_data: str
    tcb_level: str
    advisories: tuple[str, ...]
    validity: list[Validity]


def parse(content: bytes, endorsements: bytes | None = None) -> Evidence:
    """Read evidence from a file.

    Args:
        content: A document as the hardware made it, or evidence that a run stored (JSON).
        endorsements: Its endorsements; None for those that were stored with it.

    Returns:
        The evidence.

    Raises:
        SpecError: The kind is not known, or the library that reads it is not installed.
    """
    if content.lstrip().startswith(b"{"):
        try:
            found = msgspec.json.decode(content, type=Evidence)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise SpecError(_UNKNOWN) from None
    else:
        kind = kind_of(content)
        if kind is None:
            raise SpecError(_UNKNOWN)
        found = Evidence(kind, content)
    if endorsements is None:
        return found
    return msgspec.structs.replace(found, endorsements=endorsements)


def inspect(evidence: Evidence, at_time: datetime) -> Inspection:
    """Read evidence, and verify it against the hardware makers' own roots, without a policy.

    Args:
        evidence: The evidence of any enclave.
        at_time: When everything must be valid, with a time zone.

    Returns:
        Its contents, and whether they are verified.

    Raises:
        SpecError: The evidence cannot be read, or a library is not installed.
    """
    known = reader(evidence.kind)
    claims, reason = _describe(evidence), ""
    try:
        claims = known.verify(evidence, EnclavePolicy(), at_time)
    except PeerError as error:
        reason = str(error)
    return Inspection(
        kind=evidence.kind,
        verified=not reason,
        reason=reason,
        at=at_time,
        protects=claims.protects,
        registers=claims.registers,
        signer=claims.signer,
        report_data=claims.report_data.hex(),
        tcb_level=claims.tcb_level,
        advisories=claims.advisories,
        validity=[Validity(*period) for period in known.periods(evidence)],
    )


def _describe(evidence: Evidence) -> Claims:
    try:
        return reader(evidence.kind).describe(evidence.document)
    except PeerError as error:  # here the evidence is a file of the user, not of a peer
        raise SpecError(str(error)) from None


_UNKNOWN = (
    "this is neither a quote of Intel SGX or TDX, nor an AMD SEV-SNP report, nor an AWS Nitro "
    "document, nor evidence that a run stored: give the file as the hardware made it."
)
