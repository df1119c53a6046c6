"""AMD SEV-SNP reports: genuine ones of a Milan, and those of an AMD of our own."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isthmus.core.errors import PeerError, SpecError
from isthmus.tee import chain, snp
from isthmus.tee.evidence import Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from tests.thoroughness import some
from tests.unit.tee.amd_pki import (
    CHIP,
    DEBUG,
    ID_KEY,
    MEASUREMENT,
    MIGRATION_AGENT,
    OF_TURIN,
    PLAIN,
    REPORT_DATA,
    SMT,
    Amd,
    Report,
)
from tests.unit.tee.authority import ENDS, NOW, authority
from tests.unit.tee.vectors import GENUINE, flips, needs_genuine, refused_or_read, survivors

AMD = Amd()
POLICY = EnclavePolicy(roots=(AMD.root.pem.decode(),))
GOOD = AMD.evidence()
SIGNED = slice(0, 0x2A0)
VALID = datetime(2023, 1, 1, tzinfo=UTC)  # the genuine certificates, 2022-09-24 to 2029-09-24
BY_AMD = EnclavePolicy()


def with_document(document: bytes) -> Evidence:
    return replace(GOOD, document=document)


def refuse(report: Report, sentence: str) -> None:
    """A report that our chip signed is refused all the same."""
    with pytest.raises(PeerError, match=sentence):
        snp.verify_snp(AMD.evidence(report), POLICY, NOW)


class TestVerify:
    def test_tells_what_the_report_says(self) -> None:
        claims = snp.verify_snp(GOOD, POLICY, NOW)
        assert claims.kind is Kind.SNP
        assert claims.registers["MEASUREMENT"] == MEASUREMENT.hex()
        assert claims.registers["HOST_DATA"] == "00" * 32
        assert claims.registers["GUEST_SVN"] == "00000007"
        assert claims.registers["POLICY"] == "0000000000030000"
        assert claims.registers["VMPL"] == "00000000"
        assert claims.report_data == REPORT_DATA
        assert claims.signer == ID_KEY.hex()
        assert claims.tcb_level == "BOOT_LOADER=4 TEE=0 SNP=22 MICROCODE=213"

    def test_tells_no_signer_where_nobody_signed_the_image(self) -> None:
        assert not snp.verify_snp(AMD.evidence(Report(id_key=bytes(48))), POLICY, NOW).signer

    def test_reads_the_firmware_of_turin_in_its_own_order(self) -> None:
        turin = Amd(turin=True)
        policy = EnclavePolicy(roots=(turin.root.pem.decode(),))
        claims = snp.verify_snp(turin.evidence(OF_TURIN), policy, NOW)
        assert claims.tcb_level == "FMC=1 BOOT_LOADER=2 TEE=3 SNP=4 MICROCODE=213"

    def test_takes_the_certificates_as_amd_serves_them(self) -> None:
        served = AMD.chip.der + AMD.issuer.pem + AMD.root.pem
        assert snp.verify_snp(replace(GOOD, endorsements=served), POLICY, NOW).protects

    def test_trusts_no_root_of_our_own_unless_the_policy_names_it(self) -> None:
        with pytest.raises(PeerError, match="end at 'ARK-Ours', fingerprint"):
            snp.verify_snp(GOOD, BY_AMD, NOW)

    def test_names_what_has_expired_with_its_date(self) -> None:
        with pytest.raises(PeerError, match="'SEV-VCEK' expired on 2026-02-14 at 12:00 UTC"):
            snp.verify_snp(GOOD, POLICY, ENDS.replace(year=2027))

    def test_refuses_a_guest_that_its_host_may_debug(self) -> None:
        refuse(Report(policy=SMT | DEBUG), "allows debugging, so its host may read its memory")

    def test_refuses_a_guest_that_a_migration_agent_may_read(self) -> None:
        refuse(Report(policy=SMT | MIGRATION_AGENT), "allows a migration agent, another guest")

    def test_refuses_a_report_by_another_chip_than_the_certificate_is_for(self) -> None:
        refuse(Report(chip=CHIP[::-1]), "not by the chip of the certificate")
        refuse(Report(chip=bytes(64)), "not by the chip of the certificate")

    def test_refuses_a_report_signed_with_the_key_of_a_cloud_provider(self) -> None:
        refuse(Report(signing_key=1), "not signed with the chip's own key")

    @pytest.mark.parametrize(("at", "part"), [(0, "BOOT_LOADER"), (1, "TEE"), (6, "SNP")])
    def test_refuses_a_certificate_for_other_firmware(self, at: int, part: str) -> None:
        newer = bytearray([4, 0, 0, 0, 0, 0, 22, 213])
        newer[at] += 1
        refuse(Report(versions=bytes(newer)), f"it says {part}={newer[at]}, and the certificate")

    def test_refuses_the_signature_of_another_chip(self) -> None:
        with pytest.raises(PeerError, match="its signature is not by the chip"):
            snp.verify_snp(with_document(Amd().sign(PLAIN)), POLICY, NOW)

    def test_refuses_a_signature_of_zeros(self) -> None:
        document = PLAIN.signed.ljust(0x4A0, b"\0")
        with pytest.raises(PeerError, match="its signature is not by the chip"):
            snp.verify_snp(with_document(document), POLICY, NOW)

    @pytest.mark.parametrize("chosen", [[], [0], [0, 1], [0, 1, 2, 2]])
    def test_says_which_certificates_it_needs(self, chosen: list[int]) -> None:
        certificates = b"".join(AMD.chain[index].pem for index in chosen)
        with pytest.raises(PeerError, match=r"not with three \(VCEK, ASK, ARK\).* `cat vcek\.der"):
            snp.verify_snp(replace(GOOD, endorsements=certificates), POLICY, NOW)

    def test_refuses_a_certificate_for_a_chip_issued_by_the_root_itself(self) -> None:
        other = authority("SEV-VCEK", AMD.root)
        certificates = other.pem + AMD.issuer.pem + AMD.root.pem
        with pytest.raises(PeerError, match="are not one chain"):
            snp.verify_snp(replace(GOOD, endorsements=certificates), POLICY, NOW)

    @pytest.mark.parametrize(
        "document",
        [b"", GOOD.document[:-1], GOOD.document + b"\0", AMD.sign(Report(version=9)), bytes(0x4A0)],
        ids=["nothing", "short", "long", "version 9", "zeros"],
    )
    def test_refuses_what_is_no_report(self, document: bytes) -> None:
        assert snp.kind_of(document) is None
        with pytest.raises(PeerError, match="this is not an AMD SEV-SNP report"):
            snp.verify_snp(with_document(document), POLICY, NOW)

    def test_says_which_root_of_the_policy_cannot_be_read(self) -> None:
        with pytest.raises(SpecError, match=r"policy\.enclaves\.roots"):
            snp.verify_snp(GOOD, EnclavePolicy(roots=("nonsense",)), NOW)


class TestForgery:
    def test_no_bit_of_the_signed_part_can_be_changed(self) -> None:
        forged = list(flips(GOOD.document, SIGNED, 1_344))  # two in every byte
        assert len(set(forged)) == len(some(range(1_344)))
        assert not survivors(
            iter(forged), lambda one: snp.authenticate(with_document(one), POLICY, NOW)
        )

    def test_no_bit_of_the_signature_can_be_changed(self) -> None:
        halves = slice(0x2A0, 0x330)
        assert not survivors(
            flips(GOOD.document, halves, 144),
            lambda one: snp.authenticate(with_document(one), POLICY, NOW),
        )

    @given(st.binary(max_size=64) | st.binary(min_size=0x4A0, max_size=0x4A0), st.binary())
    def test_garbage_gets_a_sentence(self, document: bytes, endorsements: bytes) -> None:
        evidence = Evidence(Kind.SNP, document, endorsements)
        refused_or_read(lambda: snp.verify_snp(evidence, POLICY, NOW))
        refused_or_read(lambda: snp.describe(document))

    @given(st.integers(0, len(GOOD.endorsements)), st.binary(max_size=40))
    def test_garbage_within_certificates_gets_a_sentence(self, at: int, garbage: bytes) -> None:
        broken = GOOD.endorsements[:at] + garbage + GOOD.endorsements[at + len(garbage) :]
        evidence = replace(GOOD, endorsements=broken)
        refused_or_read(lambda: snp.verify_snp(evidence, POLICY, NOW))
        assert snp.periods(evidence) is not None


class TestAtLeast:
    @pytest.mark.parametrize(
        ("level", "fits"),
        [
            ("BOOT_LOADER=4 TEE=0 SNP=22 MICROCODE=213", True),
            ("BOOT_LOADER=5 TEE=0 SNP=22 MICROCODE=220", True),
            ("BOOT_LOADER=9 TEE=9 SNP=21 MICROCODE=255", False),
            ("FMC=9 BOOT_LOADER=9 TEE=9 SNP=99 MICROCODE=255", False),
        ],
    )
    def test_wants_every_part_as_new_as_demanded(self, level: str, *, fits: bool) -> None:
        assert snp.at_least(level, "BOOT_LOADER=4 TEE=0 SNP=22 MICROCODE=213") is fits

    @pytest.mark.parametrize("floor", ["UpToDate", "", "SNP", "SNP=", "SNP=new"])
    def test_nothing_reaches_a_floor_that_names_no_versions(self, floor: str) -> None:
        assert not snp.at_least("BOOT_LOADER=4 TEE=0 SNP=22 MICROCODE=213", floor)


@needs_genuine
class TestGenuine:
    """The report is of a guest that its host may debug, so the whole verifier refuses it."""

    @pytest.fixture
    def evidence(self) -> Evidence:
        certificates = [GENUINE / name for name in ("vcek.der", "snp_ask_ark_milan.pem")]
        served = b"".join(path.read_bytes() for path in certificates)
        return Evidence(Kind.SNP, (GENUINE / "snp.bin").read_bytes(), served)

    def test_is_authentic_at_its_time(self, evidence: Evidence) -> None:
        claims = snp.authenticate(evidence, BY_AMD, VALID)
        assert claims.registers["MEASUREMENT"].startswith("b07af9620f3b839b")
        assert claims.report_data == bytes([1, 2, 3, 4, 5]).ljust(64, b"\0")
        assert claims.tcb_level == "BOOT_LOADER=2 TEE=0 SNP=5 MICROCODE=68"

    def test_is_refused_for_its_debug_bit_and_nothing_else(self, evidence: Evidence) -> None:
        with pytest.raises(PeerError, match="the guest's POLICY allows debugging"):
            snp.verify_snp(evidence, BY_AMD, VALID)

    def test_has_expired_in_2030(self, evidence: Evidence) -> None:
        with pytest.raises(PeerError, match="'SEV-VCEK' expired on 2029-09-24 at 00:55 UTC"):
            snp.authenticate(evidence, BY_AMD, datetime(2030, 1, 1, tzinfo=UTC))

    def test_is_not_signed_by_the_chip_of_another_key(self, evidence: Evidence) -> None:
        other = (GENUINE / "snp_ask_ark_milan_vlek.pem").read_bytes()
        with pytest.raises(PeerError, match="are not one chain"):
            snp.authenticate(
                replace(evidence, endorsements=(GENUINE / "vcek.der").read_bytes() + other),
                BY_AMD,
                VALID,
            )

    def test_no_bit_of_the_signed_part_can_be_changed(self, evidence: Evidence) -> None:
        forged = list(flips(evidence.document, SIGNED, 1_344))  # two in every byte
        assert len(set(forged)) == len(some(range(1_344)))
        assert not survivors(
            iter(forged),
            lambda one: snp.authenticate(replace(evidence, document=one), BY_AMD, VALID),
        )

    def test_no_bit_of_the_certificate_of_the_chip_can_be_changed(self, evidence: Evidence) -> None:
        vcek = (GENUINE / "vcek.der").read_bytes()
        issuers = (GENUINE / "snp_ask_ark_milan.pem").read_bytes()
        signed = chain.read(vcek)[0].tbs_certificate_bytes
        start = vcek.index(signed)
        forged = flips(vcek, slice(start, start + len(signed)), 1_000)
        assert not survivors(
            forged,
            lambda one: snp.authenticate(
                replace(evidence, endorsements=one + issuers), BY_AMD, VALID
            ),
        )
