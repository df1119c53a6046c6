"""Genuine evidence against our own policy: who has to act, and which key to change."""

import json
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import PeerError, PolicyError, SpecError
from isthmus.tee import simulated
from isthmus.tee.code import code_digest
from isthmus.tee.evidence import SIMULATION, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from isthmus.tee.verify import verify
from tests.unit.tee.amd_pki import ID_KEY, MEASUREMENT, Amd, Report
from tests.unit.tee.authority import ENDS, NOW
from tests.unit.tee.aws_pki import IMAGE, SIGNER, Aws
from tests.unit.tee.vectors import GENUINE, needs_genuine, refused_or_read

AMD, AWS = Amd(), Aws()
ROOTS = (AMD.root.pem.decode(), AWS.root.pem.decode())
REPORT, DOCUMENT = AMD.evidence(), AWS.evidence()
LEVEL = "BOOT_LOADER=4 TEE=0 SNP=22 MICROCODE=213"


def policy(**rules: object) -> EnclavePolicy:
    """Ours: it trusts the code of both makers' enclaves, unless the rules say otherwise."""
    trusting = {
        "roots": ROOTS,
        "measurements": ({"MEASUREMENT": MEASUREMENT.hex()}, {"PCR0": IMAGE.hex()}),
        "tcb_levels": (LEVEL,),
    }
    return EnclavePolicy(**(trusting | rules))  # type: ignore[arg-type]  # as a party file has them


class TestMeasurements:
    @pytest.mark.parametrize("evidence", [REPORT, DOCUMENT], ids=["snp", "nitro"])
    def test_accepts_code_that_the_policy_names(self, evidence: Evidence) -> None:
        assert verify(evidence, policy(), NOW).kind is evidence.kind

    def test_reads_hex_in_capitals_too(self) -> None:
        capitals = ({"MEASUREMENT": MEASUREMENT.hex().upper(), "VMPL": "00000000"},)
        assert verify(REPORT, policy(measurements=capitals), NOW).protects

    @pytest.mark.parametrize(
        "table",
        [
            {"MEASUREMENT": "00" * 48},
            {"MEASUREMENT": MEASUREMENT.hex(), "VMPL": "00000001"},
            {"MRENCLAVE": MEASUREMENT.hex()},
            {"MEASUREMENT": MEASUREMENT.hex()[:-2]},
            {},
        ],
        ids=["another", "one of two", "another maker", "shortened", "empty"],
    )
    def test_refuses_code_that_no_table_fits(self, table: dict[str, str]) -> None:
        with pytest.raises(PolicyError, match=r"runs code that you do not trust.*measurements"):
            verify(REPORT, policy(measurements=(table,)), NOW)

    def test_tells_the_registers_that_the_policy_asks_about(self) -> None:
        table = {"MEASUREMENT": "00" * 48, "VMPL": "00000000"}
        with pytest.raises(PolicyError, match=f"MEASUREMENT {MEASUREMENT.hex()}, VMPL 00000000"):
            verify(REPORT, policy(measurements=(table,)), NOW)

    def test_refuses_a_privilege_level_below_which_others_run(self) -> None:
        with pytest.raises(PolicyError, match=r'at VMPL 2 of its machine.*add VMPL = "00000002"'):
            verify(AMD.evidence(Report(vmpl=2)), policy(), NOW)

    def test_accepts_a_privilege_level_that_the_policy_names(self) -> None:
        code = {"MEASUREMENT": MEASUREMENT.hex()}
        pinned = (code, {**code, "VMPL": "00000002"})
        assert verify(AMD.evidence(Report(vmpl=2)), policy(measurements=pinned), NOW).protects

    def test_refuses_hardware_where_the_policy_names_no_code(self) -> None:
        with pytest.raises(PolicyError, match=r"`isthmus tee inspect` .*\.measurements"):
            verify(DOCUMENT, policy(measurements=()), NOW)


class TestSigners:
    @pytest.mark.parametrize(
        ("evidence", "signer"), [(REPORT, ID_KEY), (DOCUMENT, SIGNER)], ids=["snp", "nitro"]
    )
    def test_accepts_a_signer_that_the_policy_names(
        self, evidence: Evidence, signer: bytes
    ) -> None:
        signers = ("00" * 48, signer.hex().upper())
        assert verify(evidence, policy(signers=signers), NOW).signer == signer.hex()

    def test_refuses_another_signer(self) -> None:
        with pytest.raises(PolicyError, match=f"signed by {SIGNER.hex()}: .*enclaves.signers"):
            verify(DOCUMENT, policy(signers=("44" * 48,)), NOW)

    def test_refuses_code_that_nobody_signed(self) -> None:
        unsigned = AMD.evidence(Report(id_key=bytes(48)))
        with pytest.raises(PolicyError, match="signed by nobody"):
            verify(unsigned, policy(signers=(ID_KEY.hex(), "00" * 48)), NOW)


class TestLevels:
    def test_accepts_firmware_newer_than_demanded(self) -> None:
        older = "BOOT_LOADER=4 TEE=0 SNP=8 MICROCODE=115"
        assert verify(REPORT, policy(tcb_levels=("UpToDate", older)), NOW).tcb_level == LEVEL

    @pytest.mark.parametrize("level", ["BOOT_LOADER=4 TEE=0 SNP=23 MICROCODE=213", "UpToDate"])
    def test_refuses_firmware_that_the_policy_does_not_accept(self, level: str) -> None:
        with pytest.raises(PolicyError, match=f"at '{LEVEL}', which .*enclaves.tcb_levels"):
            verify(REPORT, policy(tcb_levels=(level,)), NOW)

    def test_asks_for_none_where_the_maker_tells_none(self) -> None:
        assert not verify(DOCUMENT, policy(tcb_levels=()), NOW).tcb_level


class TestSimulated:
    AT = datetime.now(UTC)

    def test_is_accepted_where_the_policy_says_so_and_the_code_is_ours(self) -> None:
        claims = verify(simulated.attest(b""), EnclavePolicy(allow_simulated=True), self.AT)
        assert claims.registers == {"CODE": code_digest().hex()}

    def test_is_refused_unless_the_policy_says_so(self) -> None:
        with pytest.raises(PolicyError) as told:
            verify(simulated.attest(b""), policy(), self.AT)
        assert str(told.value).startswith(SIMULATION)
        assert "policy.enclaves.allow_simulated = true" in str(told.value)

    def test_is_refused_with_other_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(simulated, "code_digest", lambda: bytes(32))
        evidence = simulated.attest(b"")
        with pytest.raises(PolicyError, match=r"code that you do not trust: .* It shows CODE 0000"):
            verify(evidence, EnclavePolicy(allow_simulated=True), self.AT)

    def test_is_refused_with_code_that_the_policy_does_not_name(self) -> None:
        rules = EnclavePolicy(allow_simulated=True, measurements=({"CODE": "00" * 32},))
        with pytest.raises(PolicyError, match="runs code that you do not trust"):
            verify(simulated.attest(b""), rules, self.AT)


class TestEvidence:
    @pytest.mark.parametrize("evidence", [REPORT, DOCUMENT], ids=["snp", "nitro"])
    def test_that_has_expired_is_the_other_sides_affair(self, evidence: Evidence) -> None:
        with pytest.raises(PeerError, match="expired on 2026-02-14"):
            verify(evidence, policy(), ENDS.replace(year=2027))

    @pytest.mark.parametrize("kind", Kind)
    def test_of_another_kind_than_it_says_is_refused(self, kind: Kind) -> None:
        for evidence in (REPORT, DOCUMENT, simulated.attest(b"")):
            if evidence.kind is not kind:
                wrong = Evidence(kind, evidence.document, evidence.endorsements)
                with pytest.raises(PeerError):
                    verify(wrong, policy(allow_simulated=True), NOW)

    @given(st.sampled_from(Kind), st.binary(max_size=99), st.binary(max_size=99))
    def test_that_is_garbage_gets_a_sentence(
        self, kind: Kind, document: bytes, endorsements: bytes
    ) -> None:
        evidence = Evidence(kind, document, endorsements)
        refused_or_read(lambda: verify(evidence, policy(allow_simulated=True), NOW))

    @pytest.mark.parametrize(
        ("kind", "module", "library"),
        [
            (Kind.NITRO, "nitro", "cbor2"),
            (Kind.SGX, "dcap", "dcap_qvl"),
            (Kind.TDX, "dcap", "dcap_qvl"),
        ],
    )
    def test_says_what_to_install_for_it(
        self, kind: Kind, module: str, library: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, library, None)
        monkeypatch.delitem(sys.modules, f"isthmus.tee.{module}", raising=False)
        monkeypatch.delattr(f"isthmus.tee.{module}", raising=False)
        with pytest.raises(SpecError, match=rf"`tee`.*'{library}' is not installed"):
            verify(Evidence(kind, b""), policy(), NOW)


@needs_genuine
class TestGenuine:
    def test_of_nitro_is_accepted_at_its_time(self) -> None:
        evidence = Evidence(Kind.NITRO, (GENUINE / "nitro.cose").read_bytes())
        pcr0 = "8bb159f202bb95d6d4d98e0e103918246cea734f1d57cd263e4fd56075ed53f6"
        pcr0 += "fa8c68854817a32749a241e11874c26b"
        rules = EnclavePolicy(measurements=({"PCR0": pcr0},))
        assert verify(evidence, rules, datetime(2025, 1, 6, 17, tzinfo=UTC)).protects

    def test_of_sgx_is_accepted_once_its_level_is(self) -> None:
        quote = (GENUINE / "sgx_quote").read_bytes()
        collateral = (GENUINE / "sgx_quote_collateral.json").read_bytes()
        evidence = Evidence(Kind.SGX, quote, collateral)
        issued = json.loads(json.loads(collateral)["tcb_info"])["issueDate"]
        at_time = datetime.fromisoformat(issued).replace(hour=23)
        enclave = "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb"
        level = "ConfigurationAndSWHardeningNeeded"
        with pytest.raises(
            PolicyError, match=rf"at '{level}', which .*tcb_levels\. Open there: INTEL-SA-"
        ):
            verify(evidence, EnclavePolicy(measurements=({"MRENCLAVE": enclave},)), at_time)
        rules = EnclavePolicy(measurements=({"MRENCLAVE": enclave},), tcb_levels=(level,))
        assert verify(evidence, rules, at_time).tcb_level == level
