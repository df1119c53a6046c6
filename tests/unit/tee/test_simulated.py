"""Evidence of a simulated enclave: whole or refused, and never a proof."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isthmus.core.errors import PeerError
from isthmus.tee import simulated
from isthmus.tee.code import code_digest
from isthmus.tee.evidence import Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from tests.unit.tee.authority import authority
from tests.unit.tee.vectors import flips, refused_or_read, survivors

REPORT_DATA = bytes(range(64))
POLICY = EnclavePolicy(allow_simulated=True)
GOOD = simulated.attest(REPORT_DATA)
NOW = datetime.now(UTC)


def with_parts(statement: bytes, signature: bytes) -> Evidence:
    document = msgspec.json.encode({"statement": statement, "signature": signature})
    return replace(GOOD, document=document)


def statement_and_signature() -> tuple[bytes, bytes]:
    parts = msgspec.json.decode(GOOD.document, type=dict[str, bytes])
    return parts["statement"], parts["signature"]


class TestAttest:
    def test_binds_the_report_data_and_our_own_code(self) -> None:
        claims = simulated.verify_simulated(GOOD, POLICY, NOW)
        assert claims.kind is Kind.SIMULATED
        assert claims.registers == {"CODE": code_digest().hex()}
        assert claims.report_data == REPORT_DATA
        assert not claims.protects

    def test_says_simulation_in_its_root(self) -> None:
        leaf, root = x509.load_pem_x509_certificates(GOOD.endorsements)
        assert root.subject.rfc4514_string() == "CN=SIMULATION"
        assert leaf.issuer == root.subject

    def test_never_uses_a_key_twice(self) -> None:
        first, second = (simulated.attest(REPORT_DATA).endorsements for _ in range(2))
        assert first != second


class TestVerify:
    def test_refuses_another_root(self) -> None:
        root = authority("SIMULATED", issues=0)
        other = replace(GOOD, endorsements=authority("leaf", root).pem + root.pem)
        with pytest.raises(PeerError, match="has no root named SIMULATION"):
            simulated.verify_simulated(other, POLICY, NOW)

    def test_refuses_a_key_of_another_kind(self) -> None:
        root = authority("SIMULATION", issues=0)
        other = replace(GOOD, endorsements=authority("leaf", root).pem + root.pem)
        at_time = datetime(2026, 1, 15, tzinfo=UTC)
        with pytest.raises(PeerError, match="has a wrong signature"):
            simulated.verify_simulated(other, POLICY, at_time)

    def test_refuses_a_signature_by_another_enclave(self) -> None:
        other = replace(GOOD, document=simulated.attest(REPORT_DATA).document)
        with pytest.raises(PeerError, match="has a wrong signature"):
            simulated.verify_simulated(other, POLICY, NOW)

    def test_names_what_has_expired_with_its_date(self) -> None:
        later = NOW + timedelta(days=31)
        with pytest.raises(PeerError, match=r"expired on \d{4}-\d\d-\d\d at \d\d:\d\d UTC"):
            simulated.verify_simulated(GOOD, POLICY, later)

    def test_refuses_evidence_without_certificates(self) -> None:
        with pytest.raises(PeerError, match="are not one chain"):
            simulated.verify_simulated(replace(GOOD, endorsements=b""), POLICY, NOW)

    @pytest.mark.parametrize("document", [b"", b"{}", b"[]", b'{"statement":"","signature":""}'])
    def test_refuses_a_document_of_another_form(self, document: bytes) -> None:
        with pytest.raises(PeerError, match="cannot be read: it was changed on the way"):
            simulated.verify_simulated(replace(GOOD, document=document), POLICY, NOW)


class TestForgery:
    def test_no_bit_of_the_statement_can_be_changed(self) -> None:
        statement, signature = statement_and_signature()
        bits = 8 * len(statement)
        assert bits >= 1_000
        forged = [
            (int.from_bytes(statement) ^ 1 << bit).to_bytes(len(statement)) for bit in range(bits)
        ]
        assert not survivors(
            iter(forged),
            lambda one: simulated.verify_simulated(with_parts(one, signature), POLICY, NOW),
        )

    def test_no_bit_of_the_signature_can_be_changed(self) -> None:
        statement, signature = statement_and_signature()
        assert not survivors(
            flips(signature, slice(None), 512),
            lambda one: simulated.verify_simulated(with_parts(statement, one), POLICY, NOW),
        )

    @given(st.binary(max_size=99), st.binary(max_size=99))
    def test_garbage_gets_a_sentence(self, document: bytes, endorsements: bytes) -> None:
        evidence = Evidence(Kind.SIMULATED, document, endorsements)
        refused_or_read(lambda: simulated.verify_simulated(evidence, POLICY, NOW))
        refused_or_read(lambda: simulated.describe(document))

    @given(st.binary(max_size=99))
    def test_a_garbled_statement_gets_a_sentence(self, statement: bytes) -> None:
        refused_or_read(
            lambda: simulated.verify_simulated(with_parts(statement, bytes(64)), POLICY, NOW)
        )
