"""Keys, certificates and signatures of parties: X.509 and ECDSA by pyca/cryptography.

A certificate holds the party's name twice: as common name, and as the DNS name that gRPC compares.
Two parties either exchange self-signed certificates, or both trust the authority that issued them.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from isthmus.core.errors import SpecError

SIGNATURE_BYTES = 64
PARTY_DAYS = 365
AUTHORITY_DAYS = 3650

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CLOCK_SKEW = timedelta(hours=1)
_SIGNATURE = ec.ECDSA(hashes.SHA256())

_PublicKey = ec.EllipticCurvePublicKey
_T = TypeVar("_T")


@dataclass(frozen=True)
class Authority:
    """A certificate authority. Keep its private key away from every party."""

    certificate: bytes
    private_key: bytes

    def __repr__(self) -> str:
        return f"Authority({common_name(self.certificate)!r})"


def make_key() -> bytes:
    """Make a private key on P-256, as PEM without a password."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def self_signed(name: str, private_key: bytes, days: int = PARTY_DAYS) -> bytes:
    """Make a self-signed certificate, for parties that exchange certificates directly.

    Args:
        name: Name of the party: a-z, 0-9 and hyphens, as in a DNS name.
        private_key: The party's key, PEM.
        days: Days until it expires.

    Returns:
        The certificate, PEM.

    Raises:
        SpecError: The name or the key cannot be used.
    """
    key, subject = _read_private(private_key), _subject(name)
    unsigned = _unsigned(subject, key.public_key(), subject, key.public_key(), days)
    return _for_party(unsigned, name).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def signing_request(name: str, private_key: bytes) -> bytes:
    """Make a certificate signing request, which a party sends to an authority.

    Args:
        name: Name of the party: a-z, 0-9 and hyphens, as in a DNS name.
        private_key: The party's key, PEM; it is not part of the request.

    Returns:
        The request, PEM.

    Raises:
        SpecError: The name or the key cannot be used.
    """
    builder = x509.CertificateSigningRequestBuilder(_subject(name))
    request = builder.sign(_read_private(private_key), hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def make_authority(name: str, days: int = AUTHORITY_DAYS) -> Authority:
    """Make a certificate authority that issues certificates to parties.

    Args:
        name: Name of the authority: a-z, 0-9 and hyphens.
        days: Days until its certificate expires.

    Returns:
        Its certificate and its new private key.

    Raises:
        SpecError: The name cannot be used.
    """
    private_key, subject = make_key(), _subject(name)
    key = _read_private(private_key)
    unsigned = (
        _unsigned(subject, key.public_key(), subject, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(issues=True), critical=True)
    )
    certificate = unsigned.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    return Authority(certificate, private_key)


def issue(request: bytes, authority: Authority, days: int = PARTY_DAYS) -> bytes:
    """Issue a certificate. The caller has checked that the request is from the party it names.

    Args:
        request: Result of `signing_request`, PEM; only name and public key are taken from it.
        authority: The issuer.
        days: Days until the certificate expires.

    Returns:
        The party's certificate, PEM.

    Raises:
        SpecError: The request is not valid.
    """
    asked = _read("signing request", x509.load_pem_x509_csr, request)
    if not asked.is_signature_valid:
        raise SpecError("the signing request was changed after it was made: ask for it again.")
    key, issuer = _read_private(authority.private_key), _read_certificate(authority.certificate)
    name, public = _name(asked.subject), asked.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise SpecError(_OTHER_KEY)
    unsigned = _unsigned(_subject(name), public, issuer.subject, key.public_key(), days)
    return _for_party(unsigned, name).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def common_name(certificate: bytes) -> str:
    """Returns the name of the party that a PEM certificate is for."""
    return _name(_read_certificate(certificate).subject)


def expires(certificate: bytes) -> datetime:
    """Returns when a PEM certificate expires, in UTC."""
    return _read_certificate(certificate).not_valid_after_utc


def fingerprint(certificate: bytes) -> str:
    """Returns the SHA-256 of a PEM certificate's contents in hex, which people can compare."""
    return _read_certificate(certificate).fingerprint(hashes.SHA256()).hex()


def normal(certificate: bytes) -> bytes:
    """Returns a PEM certificate without what may stand around it: equal ones are equal bytes."""
    return _read_certificate(certificate).public_bytes(Encoding.PEM)


def matches(certificate: bytes, private_key: bytes) -> bool:
    """Returns whether a PEM certificate is for a PEM private key."""
    return _read_certificate(certificate).public_key() == _read_private(private_key).public_key()


def check(certificate: bytes, private_key: bytes, name: str) -> None:
    """Refuse a certificate that a party cannot present to others.

    Args:
        certificate: PEM.
        private_key: PEM.
        name: Name of the party.

    Raises:
        SpecError: The certificate is for another key or party, or is not valid now.
    """
    found, now = _read_certificate(certificate), datetime.now(UTC)
    if not matches(certificate, private_key):
        raise SpecError(
            "the certificate is for another private key: name the pair that `isthmus keys` made "
            "together."
        )
    if _name(found.subject) != name:
        raise SpecError(
            f"the certificate is for {_name(found.subject)!r}, and this party is {name!r}: name "
            "its own certificate, or make one with `isthmus keys`."
        )
    if now < found.not_valid_before_utc:
        raise SpecError(early(certificate, now))
    if now > found.not_valid_after_utc:
        raise SpecError(
            f"the certificate ended on {found.not_valid_after_utc:%Y-%m-%d}: make a new one with "
            "`isthmus keys`, and give it to your peers."
        )


def early(certificate: bytes, now: datetime) -> str:
    """Say that a certificate is not valid yet.

    Args:
        certificate: PEM.
        now: The time by the clock of this machine, in UTC.

    Returns:
        A sentence that asks about that clock; empty if the certificate has begun.
    """
    begins = _read_certificate(certificate).not_valid_before_utc
    if now >= begins:
        return ""
    return (
        f"the certificate is valid from {begins:%Y-%m-%d %H:%M} UTC on, and by the clock of this "
        f"machine it is {now:%Y-%m-%d %H:%M} UTC: is that clock wrong? If it is right, the clock "
        "where the certificate was made was not."
    )


def sign(private_key: bytes, data: bytes) -> bytes:
    """Sign data.

    Args:
        private_key: PEM.
        data: The bytes to sign.

    Returns:
        The signature: ECDSA with SHA-256, the numbers r and s. All signatures by one key have the
        same length, on P-256 `SIGNATURE_BYTES`.

    Raises:
        SpecError: The key cannot be read, or is of another kind.
    """
    key = _read_private(private_key)
    numbers = decode_dss_signature(key.sign(data, _SIGNATURE))
    return b"".join(number.to_bytes(_number_bytes(key)) for number in numbers)


def verify(certificate: bytes, signature: bytes, data: bytes) -> bool:
    """Verify a signature.

    Args:
        certificate: PEM.
        signature: Result of `sign`.
        data: The signed bytes.

    Returns:
        Whether the signature is valid. The caller decides whether the certificate is trusted.

    Raises:
        SpecError: The certificate cannot be read, or its key is of another kind.
    """
    key = _read_certificate(certificate).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SpecError(_OTHER_KEY)
    size = _number_bytes(key)
    if len(signature) != 2 * size:
        return False
    r, s = (int.from_bytes(half) for half in (signature[:size], signature[size:]))
    try:
        key.verify(encode_dss_signature(r, s), data, _SIGNATURE)
    except InvalidSignature:
        return False
    return True


def key_usage(*, issues: bool) -> x509.KeyUsage:
    """Returns the key usage of a certificate: to issue certificates, or to sign other data."""
    return x509.KeyUsage(
        digital_signature=not issues,
        key_cert_sign=issues,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


_OTHER_KEY = "this is not an elliptic-curve key: make one for P-256 with `isthmus keys`."


def _number_bytes(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> int:
    return (key.curve.key_size + 7) // 8


def _unsigned(
    subject: x509.Name, key: _PublicKey, issuer: x509.Name, issuer_key: _PublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(signed_by, critical=False)
    )


def _for_party(unsigned: x509.CertificateBuilder, name: str) -> x509.CertificateBuilder:
    both_ends = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        unsigned.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(issues=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both_ends), critical=False)
    )


def _subject(name: str) -> x509.Name:
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"{name!r} cannot name a party: use a-z, 0-9 and hyphens, at most 63, and no hyphen "
            "at either end."
        )
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name(subject: x509.Name) -> str:
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise SpecError("the certificate names no party: make one with `isthmus keys`.")
    return str(names[0].value)


def _read_certificate(pem: bytes) -> x509.Certificate:
    return _read("certificate", _whole, pem)


def _whole(pem: bytes) -> x509.Certificate:
    # The library reads most fields only when somebody asks for them: a bad one fails here. It warns
    # of serial numbers that some tools write.
    with warnings.catch_warnings(action="ignore"):
        found = x509.load_pem_x509_certificate(pem)
        _ = found.subject, found.issuer, found.extensions, found.public_key()
        _ = found.not_valid_before_utc, found.not_valid_after_utc
    return found


def _read_private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = _read("private key", lambda data: load_pem_private_key(data, None), pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SpecError(_OTHER_KEY)
    return key


_UNREADABLE = (  # a TypeError: the key has a password
    *(ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion),
    *(x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)


def _read(kind: str, load: Callable[[bytes], _T], pem: bytes) -> _T:
    try:
        return load(pem)
    except _UNREADABLE:
        raise SpecError(
            f"this is not a {kind} in PEM without a password: make it with `isthmus keys`."
        ) from None
