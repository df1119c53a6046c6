"""Evidence from files in the place of the devices. No real device was ever asked."""

import os
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.tee.evidence import Evidence, Kind
from isthmus.tee.quotes import Devices, attest

REPORT_DATA = bytes(range(64))
PROVIDERS = {Kind.TDX: "tdx_guest", Kind.SNP: "sev_guest"}


@pytest.fixture
def devices(tmp_path: Path) -> Devices:
    return Devices(tmp_path / "attestation", tmp_path / "report", tmp_path / "nsm")


def gramine(devices: Devices, offers: str = "dcap") -> Path:
    """What Gramine shows in `/dev/attestation`."""
    devices.gramine.mkdir()
    (devices.gramine / "attestation_type").write_text(offers)
    (devices.gramine / "quote").write_bytes(b"a quote")
    return devices.gramine


def kernel(devices: Devices, provider: str) -> Path:
    """An entry as the kernel makes it when a folder is made in `tsm/report`."""
    entry = devices.tsm / f"isthmus-{os.getpid()}"
    entry.mkdir(parents=True)
    (entry / "provider").write_text(f"{provider}\n")
    (entry / "outblob").write_bytes(b"a report")
    return entry


class TestGramine:
    def test_binds_the_report_data_into_a_quote(self, devices: Devices) -> None:
        device = gramine(devices)
        evidence = attest(Kind.SGX, REPORT_DATA, b"collateral", devices)
        assert evidence == Evidence(Kind.SGX, b"a quote", b"collateral")
        assert (device / "user_report_data").read_bytes() == REPORT_DATA

    def test_without_attestation_names_the_line_of_the_manifest(self, devices: Devices) -> None:
        gramine(devices, offers="none")
        with pytest.raises(
            SpecError, match=r"'none' here: set `sgx.remote_attestation = \"dcap\"`"
        ):
            attest(Kind.SGX, REPORT_DATA, devices=devices)


class TestKernel:
    @pytest.mark.parametrize("kind", PROVIDERS)
    def test_binds_the_report_data_into_a_report(self, devices: Devices, kind: Kind) -> None:
        entry = kernel(devices, PROVIDERS[kind])
        evidence = attest(kind, REPORT_DATA, b"certificates", devices)
        assert evidence == Evidence(kind, b"a report", b"certificates")
        assert (entry / "inblob").read_bytes() == REPORT_DATA

    def test_of_another_machine_names_the_key_to_change(self, devices: Devices) -> None:
        kernel(devices, "sev_guest")
        with pytest.raises(SpecError, match="made by 'sev_guest', not by 'tdx_guest': set `encl"):
            attest(Kind.TDX, REPORT_DATA, devices=devices)

    def test_leaves_no_entry_behind(self, devices: Devices) -> None:
        devices.tsm.mkdir()
        with pytest.raises(SpecError):
            attest(Kind.SNP, REPORT_DATA, devices=devices)
        assert list(devices.tsm.iterdir()) == []


class TestAttest:
    @pytest.mark.parametrize("kind", [Kind.SGX, Kind.TDX, Kind.SNP, Kind.NITRO])
    def test_without_the_device_says_what_is_missing(self, devices: Devices, kind: Kind) -> None:
        with pytest.raises(SpecError, match=f"'{kind.value}' can be made here: No such file"):
            attest(kind, REPORT_DATA, devices=devices)

    def test_simulated_evidence_needs_no_device(self, devices: Devices) -> None:
        assert attest(Kind.SIMULATED, REPORT_DATA, devices=devices).kind is Kind.SIMULATED
