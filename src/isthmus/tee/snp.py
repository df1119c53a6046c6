"""Attestation reports of AMD SEV-SNP: an encrypted virtual machine.

The chip signs the report with the key of its certificate (VCEK). AMD's signing key (ASK) issued
that certificate, and AMD's root key (ARK) that of the ASK. AMD serves both:
kdsintf.amd.com/vcek/v1/Milan/<chip>?<versions>, DER, and kdsintf.amd.com/vcek/v1/Milan/cert_chain,
PEM. Both files together, joined by `cat`, are the endorsements.

Source:
    AMD 56860, SEV Secure Nested Paging Firmware ABI, attestation report; AMD 57230, VCEK
    certificate and KDS interface.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from cryptography.x509 import Certificate, UnrecognizedExtension

from isthmus.core.errors import PeerError
from isthmus.tee import chain
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy

ROOTS = frozenset(
    {
        "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",  # ARK-Milan
        "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",  # ARK-Genoa
        "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",  # ARK-Turin
    }
)
"""SHA-256 fingerprints of AMD's root certificates."""

_LENGTH = 0x4A0
_SIGNED = slice(0, 0x2A0)
_SIGNATURE = (slice(0x2A0, 0x2E8), slice(0x2E8, 0x330))  # r and s, little-endian
_VERSIONS = range(2, 6)
_ECDSA_P384_SHA384 = 1
_REPORT_DATA = slice(0x50, 0x90)
_ID_KEY_DIGEST = slice(0xE0, 0x110)
_CHIP_ID = slice(0x1A0, 0x1E0)
_REPORTED_TCB = 0x180
_CPU_FAMILY = 0x188
_ZEN_5 = 0x1A
_SIGNING_KEY = slice(0x48, 0x4C)  # bits 2 to 4: 0 is the chip's own
_POLICY = slice(0x08, 0x10)
_MIGRATION_AGENT = 1 << 18
_DEBUG = 1 << 19
_BYTES: Mapping[str, slice] = {
    "MEASUREMENT": slice(0x90, 0xC0),
    "HOST_DATA": slice(0xC0, 0xE0),
    "FAMILY_ID": slice(0x10, 0x20),
    "IMAGE_ID": slice(0x20, 0x30),
    "AUTHOR_KEY_DIGEST": slice(0x110, 0x140),
}
_NUMBERS: Mapping[str, slice] = {
    "GUEST_SVN": slice(0x04, 0x08),
    "POLICY": _POLICY,
    "VMPL": slice(0x30, 0x34),
}
_OID = "1.3.6.1.4.1.3704.1"  # AMD's own extensions of a VCEK
_CHIP_OID = f"{_OID}.4"


class _Component(NamedTuple):
    """A part of the platform's firmware, with its version."""

    name: str
    at: int
    """Position of its byte in the report's TCB_VERSION."""

    oid: str
    """Extension of the certificate that holds its version."""


_COMPONENTS = (
    _Component("BOOT_LOADER", 0, f"{_OID}.3.1"),
    _Component("TEE", 1, f"{_OID}.3.2"),
    _Component("SNP", 6, f"{_OID}.3.3"),
    _Component("MICROCODE", 7, f"{_OID}.3.8"),
)
_COMPONENTS_OF_ZEN_5 = (  # AMD's Turin has one more, and other positions
    _Component("FMC", 0, f"{_OID}.3.9"),
    _Component("BOOT_LOADER", 1, f"{_OID}.3.1"),
    _Component("TEE", 2, f"{_OID}.3.2"),
    _Component("SNP", 3, f"{_OID}.3.3"),
    _Component("MICROCODE", 7, f"{_OID}.3.8"),
)


def verify_snp(evidence: Evidence, policy: EnclavePolicy, at_time: datetime) -> Claims:
    """Verify that AMD hardware made a report, for a guest that nobody else may look into.

    Args:
        evidence: A report, with the certificates of VCEK, ASK and ARK.
        policy: Our policy; only its `roots` are used.
        at_time: When the certificates must be valid, with a time zone.

    Returns:
        The contents of the report.

    Raises:
        PeerError: The report is not genuine, or its host, or a migration agent, may read the
            guest's memory.
        SpecError: A root of the policy cannot be read.
    """
    claims = authenticate(evidence, policy, at_time)
    allowed = _number(evidence.document, _POLICY)
    if allowed & _DEBUG:
        raise PeerError(
            "AMD SEV-SNP report: the guest's POLICY allows debugging, so its host may read its "
            "memory: its party has to start it without."
        )
    if allowed & _MIGRATION_AGENT:
        raise PeerError(
            "AMD SEV-SNP report: the guest's POLICY allows a migration agent, another guest that "
            "may read its memory: its party has to start it without."
        )
    return claims


def authenticate(evidence: Evidence, policy: EnclavePolicy, at_time: datetime) -> Claims:
    """Verify that AMD hardware made a report, even for a guest in debug mode.

    Args:
        evidence: A report, with the certificates of VCEK, ASK and ARK.
        policy: Our policy; only its `roots` are used.
        at_time: When the certificates must be valid, with a time zone.

    Returns:
        The contents of the report.

    Raises:
        PeerError: The report is not genuine.
        SpecError: A root of the policy cannot be read.
    """
    report, claims = evidence.document, describe(evidence.document)
    certificates = chain.order(_three(chain.read(evidence.endorsements)))
    _check_signature(report, certificates[0])
    chain.check(certificates, ROOTS | chain.fingerprints(policy.roots), at_time)
    _check_platform(report, certificates[0])
    return claims


def describe(document: bytes) -> Claims:
    """Read a report without verifying anything.

    Args:
        document: The report.

    Returns:
        Its contents.

    Raises:
        PeerError: It is not a report.
    """
    if kind_of(document) is None:
        raise PeerError(
            "this is not an AMD SEV-SNP report: its party has to give what its enclave's "
            f"hardware made, {_LENGTH:,} bytes of version 2 to 5, signed with ECDSA on P-384."
        )
    id_key = document[_ID_KEY_DIGEST]
    numbers = {
        name: f"{_number(document, field):0{2 * (field.stop - field.start)}x}"
        for name, field in _NUMBERS.items()
    }
    versions = (f"{part.name}={document[_REPORTED_TCB + part.at]}" for part in _parts(document))
    return Claims(
        kind=Kind.SNP,
        registers={name: document[field].hex() for name, field in _BYTES.items()} | numbers,
        signer=id_key.hex() if any(id_key) else "",
        report_data=document[_REPORT_DATA],
        tcb_level=" ".join(versions),
    )


def kind_of(document: bytes) -> Kind | None:
    """Returns the kind of a document, or None if it is not a report."""
    fits = (
        len(document) == _LENGTH
        and _number(document, slice(0, 4)) in _VERSIONS
        and _number(document, slice(0x34, 0x38)) == _ECDSA_P384_SHA384
    )
    return Kind.SNP if fits else None


def periods(evidence: Evidence) -> list[chain.Period]:
    """Returns the validity of the certificates with a report; empty if they cannot be read."""
    try:
        return chain.periods(chain.read(evidence.endorsements))
    except PeerError:
        return []


def at_least(level: str, floor: str) -> bool:
    """Returns whether every part of the firmware is at least as new as the policy demands.

    Args:
        level: `tcb_level` of claims, for example `BOOT_LOADER=4 TEE=0 SNP=22 MICROCODE=213`.
        floor: The lowest level that a policy accepts, in the same form.

    Returns:
        Whether both name the same parts and no version is below the floor's.
    """
    try:
        ours, theirs = _versions(floor), _versions(level)
    except ValueError:  # not versions, such as Intel's `UpToDate`
        return False
    return ours.keys() == theirs.keys() and all(theirs[part] >= ours[part] for part in ours)


def unpinned_level(claims: Claims, pinned: Mapping[str, str]) -> str:
    """Returns the privilege level (VMPL) of a report that a policy has to name and does not.

    Code at a lower VMPL may read the memory of what runs above it, and is not what a policy trusts
    unless it says so.

    Args:
        claims: The contents of a report.
        pinned: Registers and values that the policy asks for.

    Returns:
        The level; empty if it is 0, or pinned.
    """
    level = claims.registers["VMPL"]
    return "" if "VMPL" in pinned or not int(level, 16) else level


def _versions(level: str) -> dict[str, int]:
    pairs = (part.partition("=") for part in level.split())
    return {name: int(version) for name, _, version in pairs}


def _three(certificates: list[Certificate]) -> list[Certificate]:
    if len(certificates) != 3:  # noqa: PLR2004 - as the sentence says
        raise PeerError(
            f"AMD SEV-SNP report with {len(certificates)} certificates, not with three (VCEK, ASK, "
            "ARK): its party has to name them all in enclave.endorsements, as "
            "`cat vcek.der cert_chain.pem` joins what AMD serves."
        )
    return certificates


def _check_signature(report: bytes, certificate: Certificate) -> None:
    r, s = (_number(report, half) for half in _SIGNATURE)
    if not chain.signed(certificate, (r, s), report[_SIGNED]):
        raise PeerError(
            "AMD SEV-SNP report: its signature is not by the chip of the certificate: it was "
            "forged or damaged; do not trust this enclave."
        )


def _check_platform(report: bytes, certificate: Certificate) -> None:
    # A certificate is for one chip with one state of its firmware, which its extensions encode.
    found = {
        extension.oid.dotted_string: extension.value.value
        for extension in certificate.extensions
        if isinstance(extension.value, UnrecognizedExtension)
    }
    if _number(report, _SIGNING_KEY) >> 2 & 7 or found.get(_CHIP_OID) != _chip(report):
        raise PeerError(
            "AMD SEV-SNP report: it is not by the chip of the certificate, or not signed with the "
            "chip's own key (VCEK): its party has to fetch the certificate of its own chip."
        )
    for part in _parts(report):
        version = report[_REPORTED_TCB + part.at]
        if found.get(part.oid) != _der(version):
            raise PeerError(
                f"AMD SEV-SNP report: it says {part.name}={version}, and the certificate is for "
                "another version: its party has to fetch the certificate for its present firmware."
            )


def _chip(report: bytes) -> bytes:
    chip = report[_CHIP_ID]
    return chip[:8] if _is_zen_5(report) else chip


def _der(number: int) -> bytes:
    octets = number.to_bytes(number.bit_length() // 8 + 1)  # INTEGER has a sign bit
    return bytes([2, len(octets)]) + octets


def _parts(report: bytes) -> tuple[_Component, ...]:
    return _COMPONENTS_OF_ZEN_5 if _is_zen_5(report) else _COMPONENTS


def _is_zen_5(report: bytes) -> bool:
    # Reports of version 2 have zeros instead of this field.
    return report[_CPU_FAMILY] >= _ZEN_5


def _number(report: bytes, field: slice) -> int:
    return int.from_bytes(report[field], "little")
