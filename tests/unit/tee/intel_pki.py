"""An Intel of our own: certificates, collateral and quotes, laid out as the real ones.

| what             | laid out in                                                              |
|------------------|--------------------------------------------------------------------------|
| quote, version 3 | Intel SGX ECDSA QuoteLibReference DCAP API, appendix A                   |
| version 4 and 5  | Intel TDX DCAP Quoting Library API, appendix A                           |
| PCK certificate  | Intel SGX PCK Certificate and Certificate Revocation List Profile, 1.3.5 |
| collateral       | Intel SGX and TDX Provisioning Certification Service, version 4          |
"""

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from isthmus.tee.evidence import Evidence, Kind

ISSUED = datetime(2026, 1, 1, tzinfo=UTC)
"""When the collateral was issued."""

COLLATERAL_ENDS = ISSUED + timedelta(days=30)
CERTIFICATES_END = ISSUED + timedelta(days=3650)

PARTS = ("TCB info", "QE identity", "root CRL", "PCK CRL")
"""Parts of the collateral that are dated, as our errors name them."""

REPORT_DATA = bytes(range(64))
ENCLAVE = b"\x11" * 32  # MRENCLAVE
SIGNER = b"\x22" * 32  # MRSIGNER
MACHINE = b"\x33" * 48  # MRTD
RUNTIME = [bytes([0x40 + i]) * 48 for i in range(4)]  # RTMR0 to RTMR3

_MODEL = bytes.fromhex("00a067110000")  # FMSPC
_QUOTING_SIGNER = b"\x55" * 32
_QUOTING_PRODUCT = {Kind.SGX: 1, Kind.TDX: 2}
_QUOTING_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
_LEVEL = 5  # of every component of the firmware
_ECDSA_P256, _PEM_CHAIN, _QUOTING_REPORT = 2, 5, 6  # codes of key and certification data
_INITIALISED, _DEBUG, _IN_64_BIT = 1, 2, 4  # flags of an enclave
_TD_DEBUG, _NO_SURPRISE_EXITS = 1, 1 << 28  # of a virtual machine: the second is SEPT_VE_DISABLE


@dataclass(frozen=True)
class Authority:
    """A private key and the certificate for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def sign(self, data: bytes) -> bytes:
        return signature(self.key, data)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """ECDSA as Intel writes it: r and s, 32 bytes each."""
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _authority(
    name: str,
    issuer: Authority | None,
    *,
    ends: datetime,
    issues: bool = False,
    extension: x509.UnrecognizedExtension | None = None,
) -> Authority:
    key = _new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_name, issuer_key = (issuer.certificate.subject, issuer.key) if issuer else (subject, key)
    unsigned = (
        x509.CertificateBuilder(issuer_name, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(ISSUED - timedelta(days=365))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
        .add_extension(_usage(issues=issues), critical=True)
    )
    if extension is not None:
        unsigned = unsigned.add_extension(extension, critical=False)
    return Authority(key, unsigned.sign(issuer_key, SHA256()))


def _usage(*, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issues,
        key_cert_sign=issues,
        crl_sign=issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@asn1.sequence
class _Named:
    name: x509.ObjectIdentifier
    value: int | bytes


@asn1.sequence
class _Levels:
    name: x509.ObjectIdentifier
    value: list[_Named]


@asn1.sequence
class _Machine:
    """The extension of a PCK certificate that says which machine it is for."""

    ppid: _Named
    tcb: _Levels
    pce: _Named
    model: _Named
    sgx_type: _Named


_EXTENSION = "1.2.840.113741.1.13.1"


def _oid(*arcs: int) -> x509.ObjectIdentifier:
    return x509.ObjectIdentifier(".".join([_EXTENSION, *map(str, arcs)]))


def _machine() -> x509.UnrecognizedExtension:
    components = [_Named(name=_oid(2, i), value=_LEVEL) for i in range(1, 17)]
    whole = [
        _Named(name=_oid(2, 17), value=_LEVEL),
        _Named(name=_oid(2, 18), value=bytes([_LEVEL] * 16)),
    ]
    machine = _Machine(
        ppid=_Named(name=_oid(1), value=bytes(16)),
        tcb=_Levels(name=_oid(2), value=components + whole),
        pce=_Named(name=_oid(3), value=bytes(2)),
        model=_Named(name=_oid(4), value=_MODEL),
        sgx_type=_Named(name=_oid(5), value=0),
    )
    return x509.UnrecognizedExtension(_oid(), asn1.encode_der(machine))


class Intel:
    """One root and all below it, with one machine that makes quotes."""

    def __init__(self, machine_ends: datetime = CERTIFICATES_END) -> None:
        ends = CERTIFICATES_END
        self.root = _authority("Our SGX Root CA", None, ends=ends, issues=True)
        self.platforms = _authority("Our SGX PCK Platform CA", self.root, ends=ends, issues=True)
        self.machine = _authority(
            "Our SGX PCK Certificate", self.platforms, ends=machine_ends, extension=_machine()
        )
        self.statements = _authority("Our SGX TCB Signing", self.root, ends=ends)
        self.quoting_key = _new_key()

    def evidence(
        self, kind: Kind, *, version: int | None = None, debug: bool = False, **told: Any
    ) -> Evidence:
        """Of our enclave (SGX) or virtual machine (TDX), with collateral of what is `told`."""
        if kind is Kind.SGX:
            quote = self._quote(kind, 3, _enclave(ENCLAVE, SIGNER, REPORT_DATA, debug=debug))
        else:
            quote = self._quote(kind, version or 4, _virtual_machine(version or 4, debug=debug))
        return Evidence(kind, quote, self.collateral(kind, **told))

    def _quote(self, kind: Kind, version: int, body: bytes) -> bytes:
        signed = _header(kind, version) + body
        public = self.quoting_key.public_key().public_numbers()
        key = public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big")
        extra = bytes(range(32))
        quoting = _enclave(
            bytes(32), _QUOTING_SIGNER, sha256(key + extra).digest(), _QUOTING_PRODUCT[kind]
        )
        chain = self.machine.pem + self.platforms.pem + self.root.pem
        vouched = quoting + self.machine.sign(quoting) + struct.pack("<H", len(extra)) + extra
        vouched += _certification(_PEM_CHAIN, chain.encode())
        if version > 3:
            vouched = _certification(_QUOTING_REPORT, vouched)
        proof = signature(self.quoting_key, signed) + key + vouched
        return signed + struct.pack("<I", len(proof)) + proof

    def collateral(
        self,
        kind: Kind,
        *,
        level: str = "UpToDate",
        advisories: tuple[str, ...] = (),
        revoked: bool = False,
        ends: dict[str, datetime] | None = None,
    ) -> bytes:
        """What this Intel says of its machine, as dcap-qvl's JSON.

        Args:
            kind: Of the quotes it is for.
            level: How fresh the firmware is.
            advisories: What is open on the machine.
            revoked: Whether the machine's certificate is.
            ends: When which part ends, if not at `COLLATERAL_ENDS`.

        Returns:
            JSON.
        """
        until = dict.fromkeys(PARTS, COLLATERAL_ENDS) | (ends or {})
        tcb_info = json.dumps({**_dates(until["TCB info"]), **_tcb_info(kind, level, advisories)})
        quoting = json.dumps({**_dates(until["QE identity"]), **_quoting_identity(kind)})
        withdrawn = [self.machine] if revoked else []
        return json.dumps(
            {
                "pck_crl_issuer_chain": self.platforms.pem + self.root.pem,
                "root_ca_crl": _revoked(self.root, until["root CRL"]).hex(),
                "pck_crl": _revoked(self.platforms, until["PCK CRL"], *withdrawn).hex(),
                "tcb_info_issuer_chain": self.statements.pem + self.root.pem,
                "tcb_info": tcb_info,
                "tcb_info_signature": self.statements.sign(tcb_info.encode()).hex(),
                "qe_identity_issuer_chain": self.statements.pem + self.root.pem,
                "qe_identity": quoting,
                "qe_identity_signature": self.statements.sign(quoting.encode()).hex(),
            }
        ).encode()


def _header(kind: Kind, version: int) -> bytes:
    tee_type = {Kind.SGX: 0, Kind.TDX: 0x81}[kind]
    return struct.pack("<HHI4s16s20s", version, _ECDSA_P256, tee_type, b"", _QUOTING_VENDOR, b"")


def _enclave(
    enclave: bytes, signer: bytes, report_data: bytes, product: int = 0, *, debug: bool = False
) -> bytes:
    flags = _INITIALISED | _IN_64_BIT | (_DEBUG if debug else 0)
    return struct.pack(
        "<16s4s28sQQ32s32s32s96sHH60s64s",
        *(bytes([_LEVEL] * 16), b"", b"", flags, 3),  # levels, MISCSELECT, -, ATTRIBUTES
        *(enclave, b"", signer, b"", product, _LEVEL, b"", report_data),
    )


def _virtual_machine(version: int, *, debug: bool) -> bytes:
    flags = _NO_SURPRISE_EXITS | (_TD_DEBUG if debug else 0)
    report = struct.pack(
        "<16s48s48s8sQQ48s48s48s48s48s48s48s48s64s",
        *(bytes([_LEVEL, 1, *[_LEVEL] * 14]), b"", b"", b"", flags, 3),  # levels, module, ...
        *(MACHINE, b"", b"", b"", *RUNTIME, REPORT_DATA),
    )
    if version == 4:
        return report
    report += report[:16] + bytes(48)  # levels since the last update, MRSERVICETD
    return struct.pack("<HI", 3, len(report)) + report


def _certification(code: int, data: bytes) -> bytes:
    return struct.pack("<HI", code, len(data)) + data


def _revoked(issuer: Authority, until: datetime, *revoked: Authority) -> bytes:
    key = issuer.key.public_key()
    unsigned = (
        x509.CertificateRevocationListBuilder(issuer.certificate.subject)
        .last_update(ISSUED)
        .next_update(until)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key), critical=False)
    )
    for authority in revoked:
        serial = authority.certificate.serial_number
        unsigned = unsigned.add_revoked_certificate(
            x509.RevokedCertificateBuilder(serial, ISSUED).build()
        )
    return unsigned.sign(issuer.key, SHA256()).public_bytes(Encoding.DER)


def _dates(until: datetime) -> dict[str, Any]:
    return {
        "issueDate": f"{ISSUED:%Y-%m-%dT%H:%M:%SZ}",
        "nextUpdate": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        "tcbEvaluationDataNumber": 17,
    }


def _level(tcb: dict[str, Any], level: str, advisories: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "tcb": tcb,
        "tcbDate": "2025-01-01T00:00:00Z",
        "tcbStatus": level,
        "advisoryIDs": list(advisories),
    }


def _tcb_info(kind: Kind, level: str, advisories: tuple[str, ...]) -> dict[str, Any]:
    components = [{"svn": _LEVEL}] * 16
    tcb: dict[str, Any] = {"sgxtcbcomponents": components, "pcesvn": _LEVEL}
    module: dict[str, Any] = {}
    if kind is Kind.TDX:
        tcb["tdxtcbcomponents"] = [{"svn": _LEVEL}, {"svn": 0}, *components[2:]]
        none = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}
        module = {
            "tdxModule": none,
            "tdxModuleIdentities": [
                {"id": "TDX_01", **none, "tcbLevels": [_level({"isvsvn": _LEVEL}, "UpToDate")]}
            ],
        }
    return {
        "id": kind.upper(),
        "version": 3,
        "fmspc": _MODEL.hex(),
        "pceId": "0000",
        "tcbType": 0,
        **module,
        "tcbLevels": [_level(tcb, level, advisories)],
    }


def _quoting_identity(kind: Kind) -> dict[str, Any]:
    return {
        "id": {Kind.SGX: "QE", Kind.TDX: "TD_QE"}[kind],
        "version": 2,
        "miscselect": "00" * 4,
        "miscselectMask": "FF" * 4,
        "attributes": f"{_INITIALISED | _IN_64_BIT:02x}" + "00" * 15,
        "attributesMask": "FF" * 8 + "00" * 8,
        "mrsigner": _QUOTING_SIGNER.hex(),
        "isvprodid": _QUOTING_PRODUCT[kind],
        "tcbLevels": [_level({"isvsvn": _LEVEL}, "UpToDate")],
    }
