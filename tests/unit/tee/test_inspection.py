"""What evidence says, verified or not, for people to read."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import IsthmusError, SpecError
from isthmus.store.encoding import to_json
from isthmus.tee import inspection, simulated
from isthmus.tee.evidence import Evidence, Kind
from tests.unit.tee.amd_pki import ID_KEY, MEASUREMENT, REPORT_DATA, Amd
from tests.unit.tee.authority import NOW
from tests.unit.tee.aws_pki import IMAGE, Aws
from tests.unit.tee.intel_pki import ISSUED, Intel
from tests.unit.tee.vectors import refused_or_read

REPORT, DOCUMENT = Amd().evidence(), Aws().evidence()
QUOTES = [Intel().evidence(kind) for kind in (Kind.SGX, Kind.TDX)]


class TestParse:
    @pytest.mark.parametrize("evidence", [REPORT, DOCUMENT, *QUOTES], ids=lambda e: e.kind.value)
    def test_tells_the_kind_of_what_hardware_made(self, evidence: Evidence) -> None:
        found = inspection.parse(evidence.document, evidence.endorsements)
        assert found == evidence

    @pytest.mark.parametrize("evidence", [REPORT, simulated.attest(b"")], ids=["snp", "simulated"])
    def test_reads_what_a_run_stores(self, evidence: Evidence) -> None:
        assert inspection.parse(to_json(evidence)) == evidence

    def test_prefers_the_endorsements_that_it_is_given(self) -> None:
        assert inspection.parse(to_json(REPORT), b"others").endorsements == b"others"

    @pytest.mark.parametrize(
        "content",
        [b"", b"{}", b"{", b"[]", b"text", b'{"kind": "sgx"}', b'{"kind": "sgx", "x": 1}'],
    )
    def test_refuses_what_is_of_no_kind(self, content: bytes) -> None:
        with pytest.raises(SpecError, match="this is neither a quote of Intel SGX or TDX"):
            inspection.parse(content)


class TestInspect:
    def test_tells_what_unverified_evidence_says_and_why_it_is_not(self) -> None:
        found = inspection.inspect(REPORT, NOW)
        assert not found.verified
        assert "is no root of the hardware's maker" in found.reason
        assert found.registers["MEASUREMENT"] == MEASUREMENT.hex()
        assert (found.signer, found.report_data) == (ID_KEY.hex(), REPORT_DATA.hex())
        assert found.tcb_level == "BOOT_LOADER=4 TEE=0 SNP=22 MICROCODE=213"

    def test_tells_when_its_certificates_are_valid(self) -> None:
        found = inspection.inspect(DOCUMENT, NOW)
        assert found.registers["PCR0"] == IMAGE.hex()
        names = [one.name for one in found.validity]
        assert names == [f"certificate of '{name}.ours'" for name in ("module", "region", "aws")]
        assert all(one.since < NOW < one.until for one in found.validity)

    @pytest.mark.parametrize("quote", QUOTES, ids=lambda e: e.kind.value)
    def test_tells_when_the_collateral_of_a_quote_is_valid(self, quote: Evidence) -> None:
        found = inspection.inspect(quote, ISSUED)
        assert not found.verified
        assert {"TCB info", "QE identity"} <= {one.name for one in found.validity}

    def test_verifies_a_simulated_enclave_and_says_that_it_protects_nothing(self) -> None:
        found = inspection.inspect(simulated.attest(b"bound"), datetime.now(UTC))
        assert (found.verified, found.protects) == (True, False)
        assert found.report_data == b"bound".hex()

    def test_blames_the_file_where_it_cannot_be_read(self) -> None:
        for kind in Kind:
            with pytest.raises(SpecError):
                inspection.inspect(Evidence(kind, b"nothing"), NOW)

    @given(st.binary(max_size=99), st.none() | st.binary(max_size=99))
    def test_garbage_gets_a_sentence(self, content: bytes, endorsements: bytes | None) -> None:
        refused_or_read(lambda: inspection.inspect(inspection.parse(content, endorsements), NOW))

    @given(st.sampled_from(Kind), st.binary(max_size=99), st.binary(max_size=99))
    def test_stored_garbage_gets_a_sentence(
        self, kind: Kind, document: bytes, endorsements: bytes
    ) -> None:
        stored = msgspec.json.encode(Evidence(kind, document, endorsements))
        with pytest.raises(IsthmusError):
            inspection.inspect(inspection.parse(stored), NOW)
