"""Keys on P-384 and certificates for them, as makers of hardware have them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from isthmus.crypto.certificates import key_usage

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
ENDS = NOW + timedelta(days=30)


@dataclass(frozen=True)
class Authority:
    """A private key and the certificate for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def sign(self, data: bytes) -> tuple[int, int]:
        """ECDSA with SHA-384: r and s."""
        return decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA384())))

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def authority(
    name: str,
    issuer: Authority | None = None,
    *,
    issues: int | None = None,
    ends: datetime = ENDS,
    extensions: Mapping[str, bytes] | None = None,
    critical: bool = False,
) -> Authority:
    """A new key, certified.

    Args:
        name: Common name.
        issuer: Who certifies it; None: the key itself.
        issues: How many authorities may stand below this one; None: it is none.
        ends: Until when the certificate is valid.
        extensions: More of them, by object identifier.
        critical: Whether who does not know these has to refuse.

    Returns:
        Key and certificate.
    """
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_name, issuer_key = (issuer.certificate.subject, issuer.key) if issuer else (subject, key)
    unsigned = (
        x509.CertificateBuilder(issuer_name, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(issues is not None, issues), critical=True)
        .add_extension(key_usage(issues=issues is not None), critical=True)
    )
    for oid, value in (extensions or {}).items():
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        unsigned = unsigned.add_extension(extension, critical=critical)
    return Authority(key, unsigned.sign(issuer_key, hashes.SHA384()))
