"""Makes evidence of the enclave that this program runs in, with the device of its hardware.

- SGX under Gramine: `/dev/attestation`, with `sgx.remote_attestation = "dcap"` in the manifest.
- TDX and SEV-SNP guests: the kernel's `configfs-tsm`, from Linux 6.7 on.
- Nitro: `/dev/nsm`, see `nsm`.

Written from the documentation of Gramine and Linux. Tested with files instead of the devices, and
never on such hardware.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from isthmus.core.errors import SpecError
from isthmus.tee import nsm, simulated
from isthmus.tee.evidence import Evidence, Kind


class Devices(NamedTuple):
    """Paths of the devices."""

    gramine: Path = Path("/dev/attestation")
    tsm: Path = Path("/sys/kernel/config/tsm/report")
    nitro: Path = Path("/dev/nsm")


_OF_THIS_MACHINE = Devices()
_PROVIDERS = {Kind.TDX: "tdx_guest", Kind.SNP: "sev_guest"}
_MANIFEST = '`sgx.remote_attestation = "dcap"` in the manifest'


def attest(
    kind: Kind,
    report_data: bytes,
    endorsements: bytes = b"",
    devices: Devices = _OF_THIS_MACHINE,
) -> Evidence:
    """Ask the hardware for evidence of this program.

    Args:
        kind: Kind of the evidence.
        report_data: The 64 bytes that it must cover.
        endorsements: Endorsements of the evidence; not used if it is simulated.
        devices: Paths of the devices.

    Returns:
        The evidence.

    Raises:
        SpecError: This machine has no such device, or the device refuses.
    """
    if kind is Kind.SIMULATED:
        return simulated.attest(report_data)
    with _named(kind):
        match kind:
            case Kind.SGX:
                document = _ask_gramine(devices.gramine, report_data)
            case Kind.NITRO:
                document = nsm.attest(report_data, devices.nitro)
            case _:
                document = _ask_kernel(devices.tsm, _PROVIDERS[kind], report_data)
    return Evidence(kind, document, endorsements)


def _ask_gramine(device: Path, report_data: bytes) -> bytes:
    offered = (device / "attestation_type").read_text().strip()
    if offered != "dcap":
        raise SpecError(f"Gramine offers attestation {offered!r} here: set {_MANIFEST}.")
    (device / "user_report_data").write_bytes(report_data)
    return (device / "quote").read_bytes()


def _ask_kernel(reports: Path, provider: str, report_data: bytes) -> bytes:
    # An entry of our own: if another process wrote to it, we would get the wrong report.
    entry = reports / f"isthmus-{os.getpid()}"
    entry.mkdir(exist_ok=True)
    try:
        found = (entry / "provider").read_text().strip()
        if found != provider:
            raise SpecError(
                f"the reports of this machine are made by {found!r}, not by {provider!r}: set "
                "`enclave.kind` in your party file to what this machine is."
            )
        (entry / "inblob").write_bytes(report_data)
        return (entry / "outblob").read_bytes()
    finally:
        with suppress(OSError):
            entry.rmdir()


@contextmanager
def _named(kind: Kind) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise SpecError(
            f"no evidence of kind {kind.value!r} can be made here: {error.strerror} "
            f"({error.filename or 'from the device'}). Does the program run inside such an "
            "enclave, as `enclave.kind` in your party file says? docs/guides/enclaves.md tells "
            "what each kind needs."
        ) from None
