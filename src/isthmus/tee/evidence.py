"""What an enclave shows of itself, and what is known once somebody has verified it."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What makes the evidence."""

    SGX = "sgx"  # Intel SGX: a process
    TDX = "tdx"  # Intel TDX: a virtual machine
    SNP = "snp"  # AMD SEV-SNP: a virtual machine
    NITRO = "nitro"  # AWS Nitro: an enclave of an EC2 instance
    SIMULATED = "simulated"  # an ordinary process, which protects nothing


SIMULATION = "SIMULATION: this enclave is an ordinary process and protects nothing."
"""What every screen, report and ledger line of a simulated alignment says."""

SIMULATION_ALLOWED = (
    "SIMULATION is allowed: a peer's enclave may be an ordinary process, so nothing is protected."
)
"""The same where a party's own enclave is real, and its policy accepts simulated ones of others."""


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one enclave shows another (RFC 9334: evidence, with the endorsements to check it)."""

    kind: Kind
    document: bytes
    """A quote, a report or an attestation document, as the hardware made it."""

    endorsements: bytes = b""
    """What its maker vouches with: the collateral of a quote as JSON, certificates as PEM."""


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What verified evidence says."""

    kind: Kind
    registers: dict[str, str]
    """Measurements in hex by their maker's names: MRENCLAVE; MRTD, RTMR0; MEASUREMENT; PCR0."""

    signer: str
    """Who signed the code, in hex: MRSIGNER, the id key's digest, PCR8; empty where nobody did."""

    report_data: bytes
    """What the enclave bound into the evidence, as long as the hardware keeps it."""

    tcb_level: str
    """How fresh the platform's firmware is, in its maker's words; empty where these are none."""

    advisories: tuple[str, ...] = ()
    """Security advisories that are open on the platform."""

    @property
    def protects(self) -> bool:
        """Whether anything keeps the machine's owner out of the enclave."""
        return self.kind is not Kind.SIMULATED
