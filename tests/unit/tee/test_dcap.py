"""Quotes of Intel SGX and TDX: genuine ones, and those of an Intel of our own, which always run."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import dcap_qvl
import msgspec
import pytest

from isthmus.core.errors import PeerError, SpecError
from isthmus.tee import dcap
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from tests.thoroughness import some
from tests.unit.tee import intel_pki
from tests.unit.tee.intel_pki import Intel
from tests.unit.tee.vectors import GENUINE, needs_genuine

FIVE_DAYS = timedelta(days=5)
VERIFY = {Kind.SGX: dcap.verify_sgx, Kind.TDX: dcap.verify_tdx}


@dataclass(frozen=True)
class Exhibit:
    """Evidence, and the policy and time for which it is good."""

    evidence: Evidence
    policy: EnclavePolicy
    at_time: datetime

    @property
    def kind(self) -> Kind:
        return self.evidence.kind

    def verify(self) -> Claims:
        return VERIFY[self.kind](self.evidence, self.policy, self.at_time)

    def with_document(self, document: bytes) -> "Exhibit":
        return replace(self, evidence=msgspec.structs.replace(self.evidence, document=document))

    def with_endorsements(self, endorsements: bytes) -> "Exhibit":
        changed = msgspec.structs.replace(self.evidence, endorsements=endorsements)
        return replace(self, evidence=changed)


@cache
def intel() -> Intel:
    return Intel()


def ours(evidence: Evidence) -> Exhibit:
    """An exhibit of our own Intel, five days after its collateral was issued."""
    policy = EnclavePolicy(roots=(intel().root.pem,))
    return Exhibit(evidence, policy, intel_pki.ISSUED + FIVE_DAYS)


def genuine(kind: Kind, name: str) -> Exhibit:
    """A genuine quote of the given file, five days after its collateral was issued."""
    endorsements = (GENUINE / f"{name}_collateral.json").read_bytes()
    issued = json.loads(json.loads(endorsements)["tcb_info"])["issueDate"]
    evidence = Evidence(kind, (GENUINE / name).read_bytes(), endorsements)
    return Exhibit(evidence, EnclavePolicy(), datetime.fromisoformat(issued) + FIVE_DAYS)


EXHIBITS: dict[str, Callable[[], Exhibit]] = {
    "our-sgx": cache(lambda: ours(intel().evidence(Kind.SGX))),
    "our-tdx": cache(lambda: ours(intel().evidence(Kind.TDX))),
    "genuine-sgx": cache(lambda: genuine(Kind.SGX, "sgx_quote")),
    "genuine-tdx": cache(lambda: genuine(Kind.TDX, "tdx_quote")),
}


@pytest.fixture(
    params=[
        "our-sgx",
        "our-tdx",
        pytest.param("genuine-sgx", marks=needs_genuine),
        pytest.param("genuine-tdx", marks=needs_genuine),
    ]
)
def exhibit(request: pytest.FixtureRequest) -> Exhibit:
    return EXHIBITS[request.param]()


def flipped(data: bytes, positions: Iterable[int], bits: int = 8) -> Iterator[bytes]:
    """Copies of data, each with one bit flipped: one in each byte named, every bit in its turn."""
    for turn, position in enumerate(positions):
        changed = bytearray(data)
        changed[position] ^= 1 << turn % bits
        yield bytes(changed)


def refused(exhibits: Iterable[Exhibit]) -> int:
    """How many were tried: all of them have to be refused."""
    tried = 0
    for exhibit in exhibits:
        with pytest.raises(PeerError):
            exhibit.verify()
        tried += 1
    return tried


def same_or_refused(exhibit: Exhibit, documents: Iterable[bytes]) -> bool:
    """Whether no change of the document leads to another claim."""
    claims = exhibit.verify()
    for document in documents:
        try:
            found = exhibit.with_document(document).verify()
        except PeerError:
            continue
        if found != claims:
            return False
    return True


def signed_part_of_quote(document: bytes, kind: Kind) -> list[int]:
    """Positions of all bytes of a quote that a signature or a signed hash covers.

    The rest frames these: lengths and codes (whatever they are changed to, the same signatures
    have to fit), ends of lines and the words before and after a certificate, and, last in the
    chain, the root: ours is taken, not the quote's.
    """
    at = {Kind.SGX: 48 + 384, Kind.TDX: 48 + 584}[kind]  # header and report
    signed = [*range(at)]
    at += 4  # the length of what follows
    signed += range(at, at + 64 + 64)  # signature and attestation key
    at += 128 + {Kind.SGX: 0, Kind.TDX: 6}[kind]  # a code and a length
    signed += range(at, at + 384 + 64)  # the quoting enclave's report, its signature
    at += 384 + 64 + 2  # a length
    signed += range(at, at + 32)  # what is hashed with the key into that report
    return signed + signed_part_of_chain(document, certificates=2)


def signed_part_of_chain(pem: bytes, certificates: int) -> list[int]:
    """Positions of the characters that the first certificates are written with."""
    blocks = re.finditer(rb"-----BEGIN CERTIFICATE-----(.+?)-----END", pem, re.DOTALL)
    spans = [block.span(1) for _, block in zip(range(certificates), blocks, strict=False)]
    return [i for start, end in spans for i in range(start, end) if pem[i : i + 1] != b"\n"]


def tampered_collateral(endorsements: bytes) -> Iterator[bytes]:
    """Collateral with one bit flipped, in every second byte that a signature covers.

    Left alone are the chain of the PCK CRL, which nobody reads (the quote brings its own), and
    the roots at the end of the other chains: ours is taken.
    """
    collateral: dict[str, str] = json.loads(endorsements)
    for name, text in collateral.items():
        for changed in tampered_field(name, text):
            yield json.dumps({**collateral, name: changed}).encode()


def tampered_field(name: str, text: str) -> Iterator[str]:
    if name == "pck_crl_issuer_chain":
        return
    if name in {"tcb_info", "qe_identity"}:
        data, positions = text.encode(), [*range(len(text))]
    elif name.endswith("_chain"):
        data, positions = text.encode(), signed_part_of_chain(text.encode(), certificates=1)
    else:
        binary = bytes.fromhex(text)
        yield from map(bytes.hex, flipped(binary, range(0, len(binary), 2)))
        return
    yield from map(bytes.decode, flipped(data, positions[::2], bits=7))  # of ASCII, to ASCII


class TestGenuineQuotes:
    @needs_genuine
    def test_sgx_is_accepted_in_its_time_with_what_intel_says_of_the_machine(self) -> None:
        claims = EXHIBITS["genuine-sgx"]().verify()
        assert claims.kind is Kind.SGX
        assert claims.registers == {
            "MRENCLAVE": "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb",
            "MRSIGNER": "815f42f11cf64430c30bab7816ba596a1da0130c3b028b673133a66cf9a3e0e6",
            "ISVPRODID": "0000",
            "ISVSVN": "0000",
        }
        assert claims.signer == claims.registers["MRSIGNER"]
        assert claims.report_data == b"Hello, world!".ljust(64, b"\0")
        assert claims.tcb_level == "ConfigurationAndSWHardeningNeeded"
        assert claims.advisories == ("INTEL-SA-00289", "INTEL-SA-00615")

    @needs_genuine
    def test_tdx_is_accepted_in_its_time(self) -> None:
        claims = EXHIBITS["genuine-tdx"]().verify()
        assert claims.kind is Kind.TDX
        assert claims.registers["MRTD"].startswith("91eb2b44d141d4ec")
        assert claims.registers["RTMR0"].startswith("44c0197b39157fdd")
        assert claims.registers["RTMR3"] == "00" * 48
        assert (claims.signer, claims.tcb_level, claims.advisories) == ("", "UpToDate", ())

    @needs_genuine
    @pytest.mark.parametrize("name", ["genuine-sgx", "genuine-tdx"])
    def test_is_refused_today_with_the_dates_of_all_that_expired(self, name: str) -> None:
        today = replace(EXHIBITS[name](), at_time=datetime.now(UTC))
        with pytest.raises(PeerError, match="have expired") as refusal:
            today.verify()
        for what in ("TCB info on 2025-07-19", "QE identity on 2025-07-19", "PCK CRL on 2025-07"):
            assert what in str(refusal.value)
        assert "root CRL on 2026-04-03 at 11:21 UTC" in str(refusal.value)

    @needs_genuine
    def test_firmware_below_every_level_that_intel_lists_is_refused(self) -> None:
        with pytest.raises(PeerError, match="No matching TCB level"):
            genuine(Kind.TDX, "tdx_quote_outdated").verify()


class TestQuotesOfOurOwnIntel:
    def test_sgx_is_accepted_through_the_policys_root(self) -> None:
        claims = EXHIBITS["our-sgx"]().verify()
        assert claims == Claims(
            kind=Kind.SGX,
            registers={
                "MRENCLAVE": intel_pki.ENCLAVE.hex(),
                "MRSIGNER": intel_pki.SIGNER.hex(),
                "ISVPRODID": "0000",
                "ISVSVN": "0005",
            },
            signer=intel_pki.SIGNER.hex(),
            report_data=intel_pki.REPORT_DATA,
            tcb_level="UpToDate",
        )

    @pytest.mark.parametrize("version", [4, 5])
    def test_tdx_is_accepted_through_the_policys_root(self, version: int) -> None:
        claims = ours(intel().evidence(Kind.TDX, version=version)).verify()
        assert claims == Claims(
            kind=Kind.TDX,
            registers={
                "MRTD": intel_pki.MACHINE.hex(),
                **{f"RTMR{i}": value.hex() for i, value in enumerate(intel_pki.RUNTIME)},
                "MRCONFIGID": "00" * 48,
                "MROWNER": "00" * 48,
                "MROWNERCONFIG": "00" * 48,
            },
            signer="",
            report_data=intel_pki.REPORT_DATA,
            tcb_level="UpToDate",
        )

    @pytest.mark.parametrize("kind", VERIFY)
    def test_claims_hold_the_level_and_advisories_of_the_machine(self, kind: Kind) -> None:
        told = intel().evidence(kind, level="SWHardeningNeeded", advisories=("INTEL-SA-1",))
        claims = ours(told).verify()
        assert (claims.tcb_level, claims.advisories) == ("SWHardeningNeeded", ("INTEL-SA-1",))

    def test_a_root_among_several_of_the_policy_is_found(self) -> None:
        policy = EnclavePolicy(roots=(Intel().root.pem, intel().root.pem))
        assert replace(EXHIBITS["our-sgx"](), policy=policy).verify().kind is Kind.SGX

    @needs_genuine
    def test_intels_own_root_counts_beside_those_of_the_policy(self) -> None:
        policy = EnclavePolicy(roots=(intel().root.pem,))
        assert replace(EXHIBITS["genuine-sgx"](), policy=policy).verify().kind is Kind.SGX


class TestRefusals:
    @pytest.mark.parametrize("roots", [(), (Intel().root.pem,)], ids=["intel's", "another's"])
    @pytest.mark.parametrize("name", ["our-sgx", "our-tdx"])
    def test_a_root_that_nobody_trusts(self, name: str, roots: tuple[str, ...]) -> None:
        exhibit = replace(EXHIBITS[name](), policy=EnclavePolicy(roots=roots))
        with pytest.raises(PeerError, match="does not verify"):
            exhibit.verify()

    @pytest.mark.parametrize("kind", VERIFY)
    def test_debug_mode(self, kind: Kind) -> None:
        with pytest.raises(PeerError, match="debug mode, so its host may read its memory"):
            ours(intel().evidence(kind, debug=True)).verify()

    @pytest.mark.parametrize("kind", VERIFY)
    def test_a_machine_whose_certificate_is_revoked(self, kind: Kind) -> None:
        with pytest.raises(PeerError, match="CertRevoked"):
            ours(intel().evidence(kind, revoked=True)).verify()

    @pytest.mark.parametrize("kind", VERIFY)
    def test_a_model_of_machine_that_is_revoked(self, kind: Kind) -> None:
        with pytest.raises(PeerError, match="Revoked"):
            ours(intel().evidence(kind, level="Revoked")).verify()

    def test_a_quote_of_the_other_kind(self) -> None:
        sgx, tdx = EXHIBITS["our-sgx"](), EXHIBITS["our-tdx"]()
        with pytest.raises(PeerError, match="not an Intel TDX quote"):
            tdx.with_document(sgx.evidence.document).verify()
        with pytest.raises(PeerError, match="not an Intel SGX quote"):
            sgx.with_document(tdx.evidence.document).verify()

    def test_collateral_of_the_other_kind(self, exhibit: Exhibit) -> None:
        other = {"sgx": "tdx", "tdx": "sgx"}[exhibit.kind]
        origin = "genuine" if exhibit.policy == EnclavePolicy() else "our"
        endorsements = EXHIBITS[f"{origin}-{other}"]().evidence.endorsements
        with pytest.raises(PeerError, match="does not verify with its endorsements"):
            exhibit.with_endorsements(endorsements).verify()

    def test_collateral_of_another_intel(self, exhibit: Exhibit) -> None:
        endorsements = Intel().collateral(exhibit.kind)
        later = replace(exhibit, at_time=intel_pki.ISSUED + FIVE_DAYS)
        with pytest.raises(PeerError, match="does not verify with its endorsements"):
            later.with_endorsements(endorsements).verify()

    @pytest.mark.parametrize("endorsements", [b"", b"{}", b"\xff", b"[" * 10_000, b"null"])
    def test_what_is_no_collateral(self, exhibit: Exhibit, endorsements: bytes) -> None:
        with pytest.raises(PeerError, match="not collateral as JSON"):
            exhibit.with_endorsements(endorsements).verify()

    def test_a_root_of_the_policy_that_is_no_certificate(self) -> None:
        exhibit = replace(EXHIBITS["our-sgx"](), policy=EnclavePolicy(roots=("mine",)))
        with pytest.raises(SpecError, match=r"policy\.enclaves\.roots"):
            exhibit.verify()


class TestTime:
    @pytest.mark.parametrize("part", intel_pki.PARTS)
    @pytest.mark.parametrize("kind", VERIFY)
    def test_what_expired_is_named_with_its_date(self, kind: Kind, part: str) -> None:
        ends = {part: intel_pki.ISSUED + timedelta(days=3)}
        with pytest.raises(PeerError, match=f"expired, {part} on 2026-01-04 at 00:00 UTC: its"):
            ours(intel().evidence(kind, ends=ends)).verify()

    def test_a_certificate_that_expired_is_named_with_its_date(self) -> None:
        short = Intel(machine_ends=intel_pki.ISSUED + timedelta(days=3))
        exhibit = replace(
            ours(short.evidence(Kind.SGX)), policy=EnclavePolicy(roots=(short.root.pem,))
        )
        named = "expired, certificate of 'Our SGX PCK Certificate' on 2026-01-04 at 00:00 UTC: its"
        with pytest.raises(PeerError, match=named):
            exhibit.verify()

    @pytest.mark.parametrize(
        "moment", [intel_pki.ISSUED - FIVE_DAYS, datetime(1969, 1, 1, tzinfo=UTC)]
    )
    def test_what_is_not_valid_yet_is_named_with_both_dates(self, moment: datetime) -> None:
        early = replace(EXHIBITS["our-sgx"](), at_time=moment)
        with pytest.raises(PeerError, match="not valid yet") as refusal:
            early.verify()
        assert "TCB info on 2026-01-01 at 00:00 UTC" in str(refusal.value)
        assert f"here it is {moment:%Y-%m-%d}" in str(refusal.value)

    def test_is_valid_up_to_the_last_second(self) -> None:
        last = replace(
            EXHIBITS["our-sgx"](), at_time=intel_pki.COLLATERAL_ENDS - timedelta(seconds=1)
        )
        assert last.verify().kind is Kind.SGX
        with pytest.raises(PeerError, match="have expired"):
            replace(last, at_time=intel_pki.COLLATERAL_ENDS).verify()

    def test_periods_are_those_of_collateral_and_certificates(self) -> None:
        found = dcap.periods(EXHIBITS["our-tdx"]().evidence)
        assert [what for what, _, _ in found] == [
            *intel_pki.PARTS,
            "certificate of 'Our SGX PCK Certificate'",
            "certificate of 'Our SGX PCK Platform CA'",
            "certificate of 'Our SGX TCB Signing'",
        ]
        assert {since for what, since, _ in found if what in intel_pki.PARTS} == {intel_pki.ISSUED}

    def test_periods_are_empty_where_nothing_can_be_read(self) -> None:
        document = EXHIBITS["our-sgx"]().evidence.document
        collateral = json.loads(EXHIBITS["our-sgx"]().evidence.endorsements)
        undated = json.dumps({**collateral, "tcb_info": "{}"}).encode()
        for vouching in (b"no collateral", undated):
            assert dcap.periods(Evidence(Kind.SGX, document, vouching)) == []
        assert dcap.periods(Evidence(Kind.SGX, b"no quote", json.dumps(collateral).encode())) == []


class TestTampering:
    def test_every_signed_byte_of_the_quote_counts(self, exhibit: Exhibit) -> None:
        document = exhibit.evidence.document
        signed = signed_part_of_quote(document, exhibit.kind)
        assert len(signed) > 2_000
        positions = some(signed)
        tampered = (exhibit.with_document(changed) for changed in flipped(document, positions))
        assert refused(tampered) == len(positions)

    def test_the_signed_bytes_of_the_collateral_count(self, exhibit: Exhibit) -> None:
        every = list(tampered_collateral(exhibit.evidence.endorsements))
        assert len(every) > 1_000
        collateral = some(every)
        tampered = (exhibit.with_endorsements(changed) for changed in collateral)
        assert refused(tampered) == len(collateral)

    def test_the_unsigned_rest_of_the_quote_changes_no_claim(self, exhibit: Exhibit) -> None:
        document = exhibit.evidence.document
        signed = set(signed_part_of_quote(document, exhibit.kind))
        rest = [position for position in range(len(document)) if position not in signed]
        assert same_or_refused(exhibit, flipped(document, some(rest)))

    @pytest.mark.parametrize("lie", [b"\xff" * 4, b"\0" * 4], ids=["longest", "empty"])
    def test_lengths_that_lie_change_no_claim(self, exhibit: Exhibit, lie: bytes) -> None:
        document = exhibit.evidence.document
        starts = some(range(0, 1_300, 2))  # up to the first certificate, wherever a length may be
        assert same_or_refused(exhibit, (document[:at] + lie + document[at + 4 :] for at in starts))

    def test_a_truncated_quote_is_refused(self, exhibit: Exhibit) -> None:
        document = exhibit.evidence.document
        end = max(signed_part_of_quote(document, exhibit.kind)) + 1
        lengths = some(range(0, end, 7))
        assert refused(exhibit.with_document(document[:n]) for n in lengths) == len(lengths)


class TestUnverified:
    def test_kind_is_told_by_the_form(self, exhibit: Exhibit) -> None:
        assert dcap.kind_of(exhibit.evidence.document) is exhibit.kind

    @pytest.mark.parametrize("document", [b"", b"\0" * 5_000, b"{}", b"\x03\0\x02\0" * 500])
    def test_what_is_no_quote_has_no_kind(self, document: bytes) -> None:
        assert dcap.kind_of(document) is None
        with pytest.raises(PeerError, match="not a quote of Intel SGX"):
            dcap.describe(document)

    def test_a_quote_is_described_without_what_intel_says(self, exhibit: Exhibit) -> None:
        without = msgspec.structs.replace(exhibit.verify(), tcb_level="", advisories=())
        assert dcap.describe(exhibit.evidence.document) == without

    def test_an_enclave_in_debug_mode_is_described_too(self) -> None:
        found = dcap.describe(intel().evidence(Kind.SGX, debug=True).document)
        assert found.registers["MRENCLAVE"] == intel_pki.ENCLAVE.hex()


class PanicException(BaseException):
    """A panic in Rust, as pyo3 names it: none came up in all our fuzzing of dcap-qvl."""


class TestLibrary:
    def panic(self, *_: object) -> None:
        raise PanicException("index out of bounds")

    def test_a_panic_while_verifying_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dcap_qvl, "verify_with_root_ca", self.panic)
        with pytest.raises(PeerError, match="does not verify"):
            EXHIBITS["our-sgx"]().verify()

    def test_a_panic_while_parsing_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dcap_qvl, "parse_quote", self.panic)
        assert dcap.kind_of(b"") is None

    def test_an_interrupt_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(dcap_qvl, "verify_with_root_ca", interrupt)
        with pytest.raises(KeyboardInterrupt):
            EXHIBITS["our-sgx"]().verify()

    def test_what_it_says_of_a_peers_text_stays_one_printable_line(self) -> None:
        exhibit = EXHIBITS["our-sgx"]()
        collateral = json.loads(exhibit.evidence.endorsements)
        collateral["tcb_info"] = collateral["tcb_info"].replace("UpToDate", "\x1b[2J" + "A" * 999)
        collateral["tcb_info"] = collateral["tcb_info"].replace("\x1b", "\\u001b")
        with pytest.raises(PeerError, match="does not verify") as refusal:
            exhibit.with_endorsements(json.dumps(collateral).encode()).verify()
        assert str(refusal.value).isprintable()
        assert len(str(refusal.value)) < 400
