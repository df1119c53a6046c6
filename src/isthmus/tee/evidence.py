"""Evidence of an enclave, and the claims that are known after verifying it (RFC 9334)."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """Kind of evidence, by the hardware that makes it."""

    SGX = "sgx"  # Intel SGX: a process
    TDX = "tdx"  # Intel TDX: a virtual machine
    SNP = "snp"  # AMD SEV-SNP: a virtual machine
    NITRO = "nitro"  # AWS Nitro: an enclave of an EC2 instance
    SIMULATED = "simulated"  # an ordinary process, which protects nothing


SIMULATION = "SIMULATION: this enclave is an ordinary process and protects nothing."
"""The warning on every screen, report and ledger line of a simulated alignment."""

SIMULATION_ALLOWED = (
    "SIMULATION is allowed: a peer's enclave may be an ordinary process, so nothing is protected."
)
"""The warning if a party's own enclave is real, and its policy accepts simulated ones of others."""


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Evidence of one enclave for another, with the endorsements to verify it."""

    kind: Kind
    document: bytes
    """A quote, a report or an attestation document, as the hardware made it."""

    endorsements: bytes = b""
    """Statements by the hardware's maker: collateral of a quote as JSON, certificates as PEM."""


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of evidence, in the same form for all kinds."""

    kind: Kind
    registers: dict[str, str]
    """Measurements in hex by their maker's names: MRENCLAVE; MRTD, RTMR0; MEASUREMENT; PCR0."""

    signer: str
    """Signer of the code, in hex: MRSIGNER, the id key's digest, PCR8; empty if it is unsigned."""

    report_data: bytes
    """The bytes that the enclave put into the evidence."""

    tcb_level: str
    """Level of the platform's firmware, in its maker's words; empty if its maker has none."""

    advisories: tuple[str, ...] = ()
    """Security advisories that are open on the platform."""

    @property
    def protects(self) -> bool:
        """Whether the enclave's memory is protected from the owner of the machine."""
        return self.kind is not Kind.SIMULATED
