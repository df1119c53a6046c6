"""Attestation documents of AWS Nitro enclaves.

A document is COSE_Sign1 (RFC 9052) with ECDSA on P-384. It includes the certificate chain to AWS's
root; the signing key's certificate is valid for three hours. It has no level of firmware.

Source:
    aws/aws-nitro-enclaves-nsm-api, docs/attestation_process.md.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import cbor2
import msgspec
from cryptography.x509 import Certificate
from msgspec import Meta

from isthmus.core.errors import PeerError
from isthmus.tee import chain
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy

ROOTS = frozenset({"641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"})
"""SHA-256 fingerprint of the root certificate `aws.nitro-enclaves`, which AWS publishes."""

_LONGEST = 16 * 1024  # bytes; the security module never makes a longer document
_DEEPEST = 8  # nesting of containers at most; a document has three levels
_TAG = b"\xd2"  # COSE_Sign1, which the security module leaves out, and some libraries add
_HEADER = {1: -35}  # the algorithm: ES384
_SIGNER = 8  # the register for the certificate that signed the enclave's image
_HALF = 48  # bytes of r and of s, big-endian

_T = TypeVar("_T")

_Register = Annotated[bytes, Meta(min_length=48, max_length=48)]
_Index = Annotated[int, Meta(ge=0, le=31)]


class _Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The COSE_Sign1 structure."""

    protected: bytes
    unprotected: dict[Any, Any]
    payload: bytes
    signature: Annotated[bytes, Meta(min_length=2 * _HALF, max_length=2 * _HALF)]


class _Document(msgspec.Struct, frozen=True):
    """The fields of the payload that we read."""

    digest: Literal["SHA384"]
    pcrs: dict[_Index, _Register]
    certificate: bytes
    cabundle: Annotated[list[bytes], Meta(min_length=1, max_length=8)]
    user_data: bytes | None = None


def verify_nitro(evidence: Evidence, policy: EnclavePolicy, at_time: datetime) -> Claims:
    """Verify that the Nitro security module made a document, for an enclave not in debug mode.

    Args:
        evidence: A document; it needs no endorsements.
        policy: Our policy; only its `roots` are used.
        at_time: When the certificates must be valid, with a time zone.

    Returns:
        The contents of the document.

    Raises:
        PeerError: The document is not genuine, or the enclave is in debug mode.
        SpecError: A root of the policy cannot be read.
    """
    claims = describe(evidence.document)
    certificates = _chain(evidence.document)
    _check_signature(evidence.document, certificates[0])
    chain.check(certificates, ROOTS | chain.fingerprints(policy.roots), at_time)
    if not any(bytes.fromhex(claims.registers["PCR0"])):
        raise PeerError(
            "AWS Nitro document: PCR0 is zero, so the enclave runs in debug mode and its host may "
            "read its console: its party has to start it without --debug-mode."
        )
    return claims


def describe(document: bytes) -> Claims:
    """Read a document without verifying anything.

    Args:
        document: The attestation document.

    Returns:
        Its contents; `report_data` is its user data.

    Raises:
        PeerError: It is not an attestation document.
    """
    payload = _payload(document)
    signer = payload.pcrs.get(_SIGNER, b"")
    return Claims(
        kind=Kind.NITRO,
        registers={f"PCR{index}": value.hex() for index, value in sorted(payload.pcrs.items())},
        signer=signer.hex() if any(signer) else "",
        report_data=payload.user_data or b"",
        tcb_level="",
    )


def kind_of(document: bytes) -> Kind | None:
    """Returns the kind of a document, or None if it is not an attestation document."""
    try:
        _payload(document)
    except PeerError:
        return None
    return Kind.NITRO


def periods(evidence: Evidence) -> list[chain.Period]:
    """Returns the validity of the certificates in a document; empty if they cannot be read."""
    try:
        return chain.periods(_chain(evidence.document))
    except PeerError:
        return []


def _chain(document: bytes) -> list[Certificate]:
    payload = _payload(document)
    return chain.read_der([payload.certificate, *reversed(payload.cabundle)])


def _check_signature(document: bytes, certificate: Certificate) -> None:
    envelope = _envelope(document)
    signed = cbor2.dumps(["Signature1", envelope.protected, b"", envelope.payload])
    r, s = envelope.signature[:_HALF], envelope.signature[_HALF:]
    if not chain.signed(certificate, (int.from_bytes(r), int.from_bytes(s)), signed):
        raise PeerError(
            "AWS Nitro document: its signature is not by the key of the certificate: it was "
            "forged or damaged; do not trust this enclave."
        )


def _payload(document: bytes) -> _Document:
    found = _decode(_envelope(document).payload, _Document)
    if 0 not in found.pcrs:
        raise PeerError(_NOT_ONE)
    return found


def _envelope(document: bytes) -> _Envelope:
    if len(document) > _LONGEST:
        raise PeerError(_NOT_ONE)
    found = _decode(document.removeprefix(_TAG), _Envelope)
    if _decode(found.protected, dict[int, int]) != _HEADER:
        raise PeerError(_NOT_ONE)
    return found


def _decode(encoded: bytes, kind: type[_T]) -> _T:
    try:
        plain = cbor2.loads(
            encoded, semantic_decoders=_NO_TAGS, max_depth=_DEEPEST, allow_duplicate_keys=False
        )
        return msgspec.convert(plain, kind, builtin_types=(bytes,))  # text is not bytes
    except (cbor2.CBORDecodeError, msgspec.ValidationError):
        raise PeerError(_NOT_ONE) from None


def _refuse(*_: object) -> NoReturn:
    raise ValueError("no tags")


# The library converts tagged values to dates, regular expressions, fractions: a document has none.
_NO_TAGS: defaultdict[int, Callable[..., NoReturn]] = defaultdict(lambda: _refuse)

_NOT_ONE = (
    "this is not an attestation document of AWS Nitro: its party has to give what its enclave's "
    "security module made."
)
