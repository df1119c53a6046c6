"""Certificate chains, from the key that signed evidence up to a trusted root.

The path verifier of `cryptography` does not support the RSA-PSS parameters in AMD's certificates,
so the few rules of RFC 5280 that a chain without branches needs are here; the library checks
signatures. Revocation lists are not consulted: verification contacts nobody.
"""

import warnings
from collections.abc import Generator, Iterable, Sequence, Set
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509 import BasicConstraints, Certificate, KeyUsage
from cryptography.x509.oid import ExtensionOID, NameOID

from isthmus.core.errors import PeerError, SpecError

Period = tuple[str, datetime, datetime]
"""The name of a certificate or other document, and when its validity starts and ends."""

_PEM = b"-----BEGIN CERTIFICATE-----"
_DER = b"\x30\x82"  # the first bytes of every certificate in DER; no text begins so
_UNDERSTOOD = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE}
_UNUSABLE = (  # errors of the library
    *(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
_T = TypeVar("_T")


def read(encoded: bytes) -> list[Certificate]:
    """Read certificates in the formats in which hardware makers serve them.

    Args:
        encoded: PEM, which may follow one certificate in DER: `cat vcek.der cert_chain.pem`.

    Returns:
        The certificates in their order; empty if `encoded` has none.

    Raises:
        PeerError: A certificate cannot be read.
    """
    head, begin, tail = encoded.partition(_PEM)
    with _reading():
        found = [x509.load_der_x509_certificate(head)] if head.startswith(_DER) else []
        found += x509.load_pem_x509_certificates(begin + tail) if begin else []
        return _parsed(found)


def read_der(encoded: Iterable[bytes]) -> list[Certificate]:
    """Read certificates in DER."""
    with _reading():
        return _parsed([x509.load_der_x509_certificate(one) for one in encoded])


def fingerprint(certificate: Certificate) -> str:
    """Returns the SHA-256 of a certificate, in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def common_name(certificate: Certificate) -> str:
    """Returns the common name of a certificate; empty if it has none."""
    with warnings.catch_warnings(action="ignore"):
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def fingerprints(roots: Iterable[str]) -> frozenset[str]:
    """Returns the fingerprints of the roots that a party file names.

    Args:
        roots: Certificates as PEM text: `policy.enclaves.roots`.

    Returns:
        One fingerprint per certificate.

    Raises:
        SpecError: A text is not a certificate.
    """
    try:
        return frozenset(
            fingerprint(root)
            for text in roots
            for root in x509.load_pem_x509_certificates(text.encode())
        )
    except _UNUSABLE:
        raise SpecError(
            "policy.enclaves.roots: one of them is no certificate in PEM: take the text from "
            "-----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."
        ) from None


def order(certificates: Sequence[Certificate]) -> list[Certificate]:
    """Sort certificates into a chain.

    Args:
        certificates: A complete chain in any order.

    Returns:
        The signing key's certificate first, the root last.

    Raises:
        PeerError: They are not one chain.
    """
    with warnings.catch_warnings(action="ignore"):
        try:
            subjects = {certificate.subject: certificate for certificate in certificates}
            (leaf,) = subjects.keys() - {certificate.issuer for certificate in certificates}
            chain = [subjects[leaf]]
            while len(chain) < len(subjects):
                chain.append(subjects[chain[-1].issuer])
        except (ValueError, KeyError):
            raise PeerError(
                "the certificates with the evidence are not one chain: its party has to give its "
                "enclave the certificate of the signing key and those of all its issuers."
            ) from None
    return chain


def check(chain: Sequence[Certificate], trusted: Set[str], at_time: datetime) -> None:
    """Refuse a chain that does not lead from a signing key to a root that we trust.

    Args:
        chain: The signing key's certificate first, the root last.
        trusted: SHA-256 fingerprints of roots, in hex.
        at_time: When the chain must be valid, with a time zone.

    Raises:
        PeerError: The chain is not valid; the error names the certificate.
    """
    with warnings.catch_warnings(action="ignore"):
        if fingerprint(chain[-1]) not in trusted:
            raise PeerError(
                f"the certificates with the evidence end at {_name(chain[-1])}, fingerprint "
                f"{fingerprint(chain[-1])}, which is no root of the hardware's maker that we know: "
                "do not trust this enclave."
            )
        for certificate in chain:
            _check_period(certificate, at_time)
            _check_understood(certificate)
        _check_signs(chain[0])
        for below, (certificate, issuer) in enumerate(pairwise(chain)):
            _check_issued(certificate, issuer, below)


def signed(certificate: Certificate, signature: tuple[int, int], data: bytes) -> bool:
    """Returns whether the key of a certificate signed data.

    Args:
        certificate: A certificate of an elliptic-curve key; for other keys the result is False.
        signature: The numbers r and s of ECDSA with SHA-384.
        data: The signed bytes.

    Returns:
        Whether the signature is valid.
    """
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(encode_dss_signature(*signature), data, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        return False
    return True


def periods(certificates: Iterable[Certificate]) -> list[Period]:
    """Returns the name and the validity of each certificate."""
    return [
        (f"certificate of {_name(one)}", one.not_valid_before_utc, one.not_valid_after_utc)
        for one in certificates
    ]


def _check_period(certificate: Certificate, at_time: datetime) -> None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at_time > end:
        raise PeerError(
            f"the certificate of {_name(certificate)} expired on {end:%Y-%m-%d at %H:%M} UTC: the "
            "enclave has to show fresh evidence with certificates that are valid now."
        )
    if at_time < start:
        raise PeerError(
            f"the certificate of {_name(certificate)} is valid from {start:%Y-%m-%d at %H:%M} UTC "
            f"on, and here it is {at_time:%Y-%m-%d at %H:%M}: is this machine's clock right?"
        )


def _check_understood(certificate: Certificate) -> None:
    critical = {found.oid for found in certificate.extensions if found.critical}
    if unknown := critical - _UNDERSTOOD:
        raise PeerError(
            f"the certificate of {_name(certificate)} has a critical extension that we do not "
            f"know, {min(oid.dotted_string for oid in unknown)}: do not trust this enclave."
        )


def _check_signs(certificate: Certificate) -> None:
    constraints = _extension(certificate, BasicConstraints)
    usage = _extension(certificate, KeyUsage)
    if (constraints and constraints.ca) or (usage and not usage.digital_signature):
        raise PeerError(
            f"the certificate of {_name(certificate)} is not for a key that signs evidence: do "
            "not trust this enclave."
        )


def _check_issued(certificate: Certificate, issuer: Certificate, below: int) -> None:
    # `below` is the number of authorities between the issuer and the signing key.
    constraints, usage = _extension(issuer, BasicConstraints), _extension(issuer, KeyUsage)
    depth = constraints.path_length if constraints else None
    issues = constraints and constraints.ca and usage and usage.key_cert_sign
    try:
        certificate.verify_directly_issued_by(issuer)
    except _UNUSABLE:
        issues = False
    if not issues or (depth is not None and depth < below):
        raise PeerError(
            f"the certificate of {_name(certificate)} was not issued by {_name(issuer)}, or not "
            "rightfully: it was forged or damaged; do not trust this enclave."
        )


def _extension(certificate: Certificate, kind: type[_T]) -> _T | None:
    found = (extension.value for extension in certificate.extensions)
    return next((value for value in found if isinstance(value, kind)), None)


def _name(certificate: Certificate) -> str:
    # The other party chose the text: repr escapes control characters for the terminal.
    return repr(common_name(certificate))


@contextmanager
def _reading() -> Generator[None]:
    # AMD's certificates of chips have the serial number 0, for which the library warns.
    with warnings.catch_warnings(action="ignore"):
        try:
            yield
        except _UNUSABLE:
            raise PeerError(
                "a certificate with the evidence cannot be read: its party has to give its "
                "enclave certificates as the hardware's maker serves them."
            ) from None


def _parsed(certificates: list[Certificate]) -> list[Certificate]:
    # The library parses most fields lazily: read them here, so that a bad one fails here.
    for one in certificates:
        _ = one.subject, one.issuer, one.extensions, one.public_key()
        _ = one.not_valid_before_utc, one.not_valid_after_utc
    return certificates
