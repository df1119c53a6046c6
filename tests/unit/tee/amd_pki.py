"""An AMD of our own: a root, a signing key and a chip that signs reports, laid out as real ones.

Reports after AMD 56860 (SEV-SNP firmware ABI), certificates of chips after AMD 57230 (KDS).
"""

import struct
from typing import NamedTuple

from isthmus.tee.evidence import Evidence, Kind
from tests.unit.tee.authority import Authority, authority

CHIP = bytes(range(1, 65))
CHIP_OF_TURIN = CHIP[:8] + bytes(56)
MEASUREMENT, REPORT_DATA, ID_KEY = b"\x11" * 48, b"\x22" * 64, b"\x33" * 48
TURIN = 0x1A  # the family of the processor
SMT, MIGRATION_AGENT, DEBUG = 0x30000, 0x40000, 0x80000  # what a guest's policy allows
VERSIONS = bytes([4, 0, 0, 0, 0, 0, 22, 213])  # of the firmware, as a report has them
VERSIONS_OF_TURIN = bytes([1, 2, 3, 4, 0, 0, 0, 213])

_SIGNED = 0x2A0
_LENGTH = 0x4A0
_OID = "1.3.6.1.4.1.3704.1"
_OF_GENOA = {"3.1": 4, "3.2": 0, "3.3": 22, "3.8": 213}
_OF_TURIN = {"3.9": 1, "3.1": 2, "3.2": 3, "3.3": 4, "3.8": 213}


class Report(NamedTuple):
    """What a report says, of a guest like any other."""

    version: int = 2
    policy: int = SMT
    versions: bytes = VERSIONS
    family: int = 0
    chip: bytes = CHIP
    signing_key: int = 0
    id_key: bytes = ID_KEY
    vmpl: int = 0

    @property
    def signed(self) -> bytes:
        """All of it but the signature."""
        signed = bytearray(_SIGNED)
        struct.pack_into("<IIQ", signed, 0, self.version, 7, self.policy)  # GUEST_SVN is 7
        struct.pack_into("<II", signed, 0x30, self.vmpl, 1)  # the signature: ECDSA on P-384
        struct.pack_into("<I", signed, 0x48, self.signing_key << 2)
        struct.pack_into("64s48s32s48s", signed, 0x50, REPORT_DATA, MEASUREMENT, b"", self.id_key)
        struct.pack_into("8sB", signed, 0x180, self.versions, self.family)
        struct.pack_into("64s", signed, 0x1A0, self.chip)
        return bytes(signed)


PLAIN = Report()
OF_TURIN = Report(version=5, versions=VERSIONS_OF_TURIN, family=TURIN, chip=CHIP_OF_TURIN)


class Amd:
    """One root and all below it, with one chip."""

    def __init__(self, *, turin: bool = False) -> None:
        self.root = authority("ARK-Ours", issues=1)
        self.issuer = authority("SEV-Ours", self.root, issues=0)
        versions = _OF_TURIN if turin else _OF_GENOA
        extensions = {"4": CHIP[:8] if turin else CHIP}
        extensions |= {suffix: _integer(version) for suffix, version in versions.items()}
        self.chip = authority(
            "SEV-VCEK",
            self.issuer,
            extensions={f"{_OID}.{suffix}": value for suffix, value in extensions.items()},
        )

    @property
    def chain(self) -> list[Authority]:
        return [self.chip, self.issuer, self.root]

    def evidence(self, report: Report = PLAIN) -> Evidence:
        """A report by our chip, with its certificates."""
        certificates = b"".join(one.pem for one in self.chain)
        return Evidence(Kind.SNP, self.sign(report), certificates)

    def sign(self, report: Report) -> bytes:
        """The whole report: its signature has the lowest byte first, 72 bytes each of r and s."""
        halves = (half.to_bytes(72, "little") for half in self.chip.sign(report.signed))
        return (report.signed + b"".join(halves)).ljust(_LENGTH, b"\0")


def _integer(value: int) -> bytes:
    # DER, for what fits into a byte: above 127 it takes two.
    return bytes([2, 1, value]) if value < 128 else bytes([2, 2, 0, value])
