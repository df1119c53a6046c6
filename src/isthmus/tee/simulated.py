"""Evidence of a simulated enclave: an ordinary process, which protects nothing.

It has the parts of real evidence, so that trials take the same steps: a temporary root certificate
named SIMULATION, a certified key, and a signed statement. Anybody can make it.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from isthmus.core.errors import PeerError
from isthmus.crypto.certificates import key_usage
from isthmus.tee import chain
from isthmus.tee.code import code_digest
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy

ROOT = "SIMULATION"
"""Common name of every simulated root."""

_DAYS = 30
_CLOCK_SKEW = timedelta(hours=1)

_T = TypeVar("_T")


class _Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The statement of a simulated enclave."""

    code: bytes
    report_data: bytes


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement as JSON, and its signature."""

    statement: bytes
    signature: bytes


def attest(report_data: bytes) -> Evidence:
    """Make evidence of this process.

    Args:
        report_data: The bytes that it must cover.

    Returns:
        A statement signed by a new key, with the certificates of that key and of the root.
    """
    root, root_key = _root()
    key = Ed25519PrivateKey.generate()
    leaf = _certificate("simulated enclave", key, root.subject, root_key, issues=False)
    statement = msgspec.json.encode(_Statement(code_digest(), report_data))
    document = msgspec.json.encode(_Document(statement, key.sign(statement)))
    pem = leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)
    return Evidence(Kind.SIMULATED, document, pem)


def verify_simulated(evidence: Evidence, policy: EnclavePolicy, at_time: datetime) -> Claims:
    """Verify that evidence is unchanged. This does not prove who made it.

    Args:
        evidence: Result of `attest`.
        policy: Our policy; the caller checks whether it allows simulated enclaves.
        at_time: When the certificates must be valid, with a time zone.

    Returns:
        The contents of the statement.

    Raises:
        PeerError: The evidence was changed, or is not valid at that time.
    """
    del policy
    document, claims = _decode(evidence.document, _Document), describe(evidence.document)
    certificates = chain.order(chain.read(evidence.endorsements))
    if chain.common_name(certificates[-1]) != ROOT:
        raise PeerError(f"evidence of a simulated enclave has no root named {ROOT}: {_CHANGED}")
    chain.check(certificates, {chain.fingerprint(certificates[-1])}, at_time)
    if not _signed(certificates[0], document):
        raise PeerError(f"evidence of a simulated enclave has a wrong signature: {_CHANGED}")
    return claims


def describe(document: bytes) -> Claims:
    """Read evidence of a simulated enclave without verifying anything.

    Args:
        document: The signed statement.

    Returns:
        Its contents.

    Raises:
        PeerError: It is not such a statement.
    """
    statement = _decode(_decode(document, _Document).statement, _Statement)
    return Claims(
        kind=Kind.SIMULATED,
        registers={"CODE": statement.code.hex()},
        signer="",
        report_data=statement.report_data,
        tcb_level="",
    )


def periods(evidence: Evidence) -> list[chain.Period]:
    """Returns the validity of the certificates with a statement; empty if they cannot be read."""
    try:
        return chain.periods(chain.read(evidence.endorsements))
    except PeerError:
        return []


_CHANGED = "it was changed on the way, or its party runs another version of isthmus."


def _decode(encoded: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(encoded, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PeerError(f"evidence of a simulated enclave cannot be read: {_CHANGED}") from None


def _signed(certificate: x509.Certificate, document: _Document) -> bool:
    key = certificate.public_key()
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(document.signature, document.statement)
    except InvalidSignature:
        return False
    return True


@cache
def _root() -> tuple[x509.Certificate, Ed25519PrivateKey]:
    key = Ed25519PrivateKey.generate()
    return _certificate(ROOT, key, _subject(ROOT), key, issues=True), key


def _certificate(
    name: str,
    key: Ed25519PrivateKey,
    issuer: x509.Name,
    issuer_key: Ed25519PrivateKey,
    *,
    issues: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, _subject(name), key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
        .add_extension(key_usage(issues=issues), critical=True)
        .sign(issuer_key, None)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
