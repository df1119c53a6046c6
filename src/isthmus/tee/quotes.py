"""Evidence of the enclave that this program runs in, from the device that its hardware offers.

- SGX under Gramine: `/dev/attestation`, with `sgx.remote_attestation = "dcap"` in the manifest.
- TDX and SEV-SNP guests: the kernel's `configfs-tsm`, from Linux 6.7 on.
- Nitro: `/dev/nsm`, see `nsm`.

Written after the documentation of Gramine and Linux. It was tested with files in place of the
devices, and never on such hardware.
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
    """Where the devices are."""

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
    """Ask the hardware what this program is.

    Args:
        kind: What makes the evidence.
        report_data: What to bind into it: 64 bytes.
        endorsements: What goes with the evidence, except where it is simulated.
        devices: Where to ask.

    Returns:
        The evidence.

    Raises:
        SpecError: There is no such device here, or it refuses.
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
    # An entry of our own: whoever writes to it meanwhile would get another report.
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
