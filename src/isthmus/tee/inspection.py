"""What evidence says, for people to read before they trust it."""

from datetime import datetime

import msgspec

from isthmus.core.errors import PeerError, SpecError
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.kinds import kind_of, reader
from isthmus.tee.policy import EnclavePolicy


class Validity(msgspec.Struct, frozen=True):
    """Something that vouches for evidence, and when it is valid."""

    name: str
    since: datetime
    until: datetime


class Inspection(msgspec.Struct, frozen=True):
    """What evidence says, and whether that is known to be true."""

    kind: Kind
    verified: bool
    reason: str
    """Why it was not verified; empty where it was."""

    at: datetime
    """When it was to be valid."""

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
        content: What hardware made, or what a run stored (JSON).
        endorsements: What vouches for it; None for what was stored with it.

    Returns:
        The evidence.

    Raises:
        SpecError: It is of no kind that we know, or the library to tell is not installed.
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
    """Read evidence, and verify it against the hardware makers' own roots.

    Args:
        evidence: Whose it is does not matter, no party's policy is asked.
        at_time: When everything has to be valid, with a time zone.

    Returns:
        What it says, and whether that is so.

    Raises:
        SpecError: It cannot be read, or a library is not installed.
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
    except PeerError as error:  # here the evidence is the reader's own file
        raise SpecError(str(error)) from None


_UNKNOWN = (
    "this is neither a quote of Intel SGX or TDX, nor an AMD SEV-SNP report, nor an AWS Nitro "
    "document, nor evidence that a run stored: give the file as the hardware made it."
)
