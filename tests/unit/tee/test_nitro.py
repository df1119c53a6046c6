"""AWS Nitro documents: a genuine one, and those of an AWS of our own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isthmus.core.errors import PeerError
from isthmus.tee import nitro
from isthmus.tee.evidence import Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from tests.thoroughness import some
from tests.unit.tee.authority import ENDS, NOW, authority
from tests.unit.tee.aws_pki import IMAGE, REPORT_DATA, SIGNER, Aws
from tests.unit.tee.vectors import GENUINE, flips, needs_genuine, refused_or_read, survivors

AWS = Aws()
POLICY = EnclavePolicy(roots=(AWS.root.pem.decode(),))
GOOD = AWS.evidence()
PAYLOAD = cbor2.loads(GOOD.document)[2]
SIGNED = slice(1, GOOD.document.index(PAYLOAD) + len(PAYLOAD))
BY_AWS = EnclavePolicy()
VALID = datetime(2025, 1, 6, 17, 30, tzinfo=UTC)  # the genuine certificate: 16:07 to 19:07

VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=99)

# Small CBOR that a careless reader makes much of: depth, lengths, tags that libraries act upon.
BOMBS = {
    "deep": b"\x81" * 16_000,
    "deep maps": b"\xa1\x00" * 8_000,
    "long array": b"\x9b\x00\x00\xff\xff\xff\xff\xff\xff",
    "long bytes": b"\x5b\x00\x00\xff\xff\xff\xff\xff\xff",
    "endless": b"\x9f" * 100,
    "power": bytes.fromhex("c5821b00ffffffffffffff01"),
    "fraction": bytes.fromhex("d81e820100"),
    "expression": cbor2.dumps(cbor2.CBORTag(35, "(a+)+" * 1_000)),
    "itself": bytes.fromhex("d81c84d81d00d81d00d81d00d81d00"),
    "date": bytes.fromhex("c1fb7ff0000000000000"),
    "simple": b"\xf7",
    "not a number": b"\xf9\x7e\x00",
    "too long": b"\x00" * 20_000,
}


def refuse(sentence: str, **changed: Any) -> None:
    """A document that our security module signed is refused all the same."""
    with pytest.raises(PeerError, match=sentence):
        nitro.verify_nitro(AWS.evidence(**changed), POLICY, NOW)


class TestVerify:
    def test_tells_what_the_document_says(self) -> None:
        claims = nitro.verify_nitro(GOOD, POLICY, NOW)
        assert claims.kind is Kind.NITRO
        assert claims.registers["PCR0"] == IMAGE.hex()
        assert claims.registers.keys() == {"PCR0", "PCR1", "PCR2", "PCR8"}
        assert claims.report_data == REPORT_DATA
        assert claims.signer == SIGNER.hex()

    @pytest.mark.parametrize("pcrs", [{0: IMAGE}, {0: IMAGE, 8: bytes(48)}])
    def test_tells_no_signer_where_nobody_signed_the_image(self, pcrs: dict[int, bytes]) -> None:
        assert not nitro.verify_nitro(AWS.evidence(pcrs=pcrs), POLICY, NOW).signer

    def test_tells_no_report_data_where_none_is_bound(self) -> None:
        assert not nitro.verify_nitro(AWS.evidence(user_data=None), POLICY, NOW).report_data

    def test_reads_the_tag_that_some_libraries_add(self) -> None:
        tagged = replace(GOOD, document=b"\xd2" + GOOD.document)
        assert nitro.kind_of(tagged.document) is Kind.NITRO
        assert nitro.verify_nitro(tagged, POLICY, NOW).protects

    def test_trusts_no_root_of_our_own_unless_the_policy_names_it(self) -> None:
        with pytest.raises(PeerError, match=r"end at 'aws\.ours', fingerprint"):
            nitro.verify_nitro(GOOD, BY_AWS, NOW)

    def test_names_what_has_expired_with_its_date(self) -> None:
        with pytest.raises(PeerError, match=r"'module\.ours' expired on 2026-02-14 at 12:00 UTC"):
            nitro.verify_nitro(GOOD, POLICY, ENDS + timedelta(minutes=1))

    def test_refuses_an_enclave_in_debug_mode(self) -> None:
        refuse("PCR0 is zero, so the enclave runs in debug mode", pcrs={0: bytes(48)})

    def test_refuses_a_key_that_certifies_itself(self) -> None:
        other = authority("module.ours")
        refuse("its signature is not by the key", certificate=other.der)

    def test_refuses_a_chain_that_does_not_hold_together(self) -> None:
        refuse(r"'module\.ours' was not issued by 'aws\.ours'", cabundle=[AWS.root.der])
        refuse(r"end at 'region\.ours', fingerprint", cabundle=[AWS.region.der, AWS.root.der])

    @pytest.mark.parametrize("header", [{1: -7}, {}, {1: -35, 2: 1}, []], ids=str)
    def test_refuses_another_algorithm(self, header: object) -> None:
        document = AWS.sign(PAYLOAD, cbor2.dumps(header))
        with pytest.raises(PeerError, match="not an attestation document"):
            nitro.verify_nitro(replace(GOOD, document=document), POLICY, NOW)

    @pytest.mark.parametrize(
        "changed",
        [
            {"digest": "SHA1"},
            {"pcrs": {}},
            {"pcrs": {1: IMAGE}},
            {"pcrs": {0: IMAGE[:32]}},
            {"pcrs": {0: IMAGE, 99: IMAGE}},
            {"pcrs": {"0": IMAGE}},
            {"pcrs": [IMAGE]},
            {"cabundle": []},
            {"cabundle": [b""] * 9},
            {"cabundle": "no list"},
            {"certificate": None},
            {"user_data": "text"},
        ],
        ids=str,
    )
    def test_refuses_a_payload_of_another_form(self, changed: dict[str, Any]) -> None:
        refuse("not an attestation document", **changed)

    @pytest.mark.parametrize("certificate", [b"", b"\x30\x82\x00\x00", b"no certificate"])
    def test_refuses_a_certificate_that_cannot_be_read(self, certificate: bytes) -> None:
        refuse("cannot be read", certificate=certificate)
        refuse("cannot be read", cabundle=[AWS.root.der, certificate])


class TestForgery:
    def test_no_bit_of_the_signed_parts_can_be_changed(self) -> None:
        forged = list(flips(GOOD.document, SIGNED, 1_200))
        assert len(set(forged)) == len(some(range(1_200)))
        assert not survivors(
            iter(forged),
            lambda one: nitro.verify_nitro(replace(GOOD, document=one), POLICY, NOW),
        )

    def test_no_bit_of_the_signature_can_be_changed(self) -> None:
        assert not survivors(
            flips(GOOD.document, slice(-96, None), 192),
            lambda one: nitro.verify_nitro(replace(GOOD, document=one), POLICY, NOW),
        )

    @pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
    def test_a_bomb_gets_a_sentence_wherever_it_is(self, bomb: bytes) -> None:
        places = [bomb, AWS.sign(bomb), AWS.sign(PAYLOAD, bomb), GOOD.document[:-98] + bomb]
        for document in places:
            assert nitro.kind_of(document) is None
            with pytest.raises(PeerError, match="not an attestation document"):
                nitro.verify_nitro(Evidence(Kind.NITRO, document), POLICY, NOW)

    @given(st.binary(max_size=200))
    def test_garbage_gets_a_sentence(self, document: bytes) -> None:
        evidence = Evidence(Kind.NITRO, document)
        refused_or_read(lambda: nitro.verify_nitro(evidence, POLICY, NOW))
        refused_or_read(lambda: nitro.describe(document))
        assert nitro.periods(evidence) is not None

    @given(st.binary(max_size=200))
    def test_garbage_in_an_envelope_gets_a_sentence(self, payload: bytes) -> None:
        evidence = Evidence(Kind.NITRO, AWS.sign(payload))
        refused_or_read(lambda: nitro.verify_nitro(evidence, POLICY, NOW))

    @given(st.integers(0, len(GOOD.document)), st.binary(max_size=40))
    def test_garbage_within_a_document_gets_a_sentence(self, at: int, garbage: bytes) -> None:
        document = GOOD.document[:at] + garbage + GOOD.document[at + len(garbage) :]
        evidence = Evidence(Kind.NITRO, document)
        refused_or_read(lambda: nitro.verify_nitro(evidence, POLICY, NOW))

    @given(st.sampled_from(sorted(AWS.fields())), VALUES | st.lists(VALUES, max_size=3))
    def test_a_strange_field_gets_a_sentence(self, field: str, value: object) -> None:
        evidence = AWS.evidence(**{field: value})
        refused_or_read(lambda: nitro.verify_nitro(evidence, POLICY, NOW))

    @given(st.dictionaries(st.integers() | st.text(max_size=4), VALUES, max_size=3))
    def test_strange_registers_get_a_sentence(self, registers: dict[Any, Any]) -> None:
        evidence = AWS.evidence(pcrs=registers)
        refused_or_read(lambda: nitro.verify_nitro(evidence, POLICY, NOW))


@needs_genuine
class TestGenuine:
    @pytest.fixture
    def evidence(self) -> Evidence:
        return Evidence(Kind.NITRO, (GENUINE / "nitro.cose").read_bytes())

    def test_is_accepted_at_its_time(self, evidence: Evidence) -> None:
        claims = nitro.verify_nitro(evidence, BY_AWS, VALID)
        assert claims.registers["PCR0"].startswith("8bb159f202bb95d6")
        assert len(claims.registers) == 16
        assert not claims.signer

    def test_carries_the_root_that_aws_publishes(self, evidence: Evidence) -> None:
        name, since, until = nitro.periods(evidence)[-1]
        assert name == "certificate of 'aws.nitro-enclaves'"
        assert (since.year, until.year) == (2019, 2049)

    def test_has_expired_three_hours_later(self, evidence: Evidence) -> None:
        with pytest.raises(PeerError, match="expired on 2025-01-06 at 19:07 UTC"):
            nitro.verify_nitro(evidence, BY_AWS, VALID + timedelta(hours=3))

    def test_no_bit_of_the_signed_parts_can_be_changed(self, evidence: Evidence) -> None:
        signed = slice(1, len(evidence.document) - 98)  # without the signature and its length
        forged = list(flips(evidence.document, signed, 1_200))
        assert len(set(forged)) == len(some(range(1_200)))
        assert not survivors(
            iter(forged),
            lambda one: nitro.verify_nitro(replace(evidence, document=one), BY_AWS, VALID),
        )
