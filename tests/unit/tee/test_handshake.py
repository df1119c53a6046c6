"""Two handshakes against each other, with evidence of simulated enclaves."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import pytest

from isthmus.core.errors import PeerError, PolicyError
from isthmus.crypto.sealing import Session, SessionKey
from isthmus.tee import code, handshake, simulated
from isthmus.tee.evidence import Evidence, Kind
from isthmus.tee.handshake import Challenge, Handshake
from isthmus.tee.policy import EnclavePolicy

TERMS = b"digest of the terms"
POLICY = EnclavePolicy(allow_simulated=True)
NOT_THIS_SESSION = "evidence of the enclave of '(clinic|insurer)' is not about this session"


def now() -> datetime:
    return datetime.now(UTC)


def clinic(peer: str = "insurer", context: bytes = TERMS) -> Handshake:
    return Handshake("clinic", peer, context, Kind.SIMULATED)


def insurer(us: str = "insurer", peer: str = "clinic", context: bytes = TERMS) -> Handshake:
    return Handshake(us, peer, context, Kind.SIMULATED)


class Met(NamedTuple):
    """What both ends have once they have answered each other's challenge."""

    for_clinic: Evidence
    for_insurer: Evidence


def answer(ours: Handshake, theirs: Handshake) -> Met:
    return Met(theirs.evidence(ours.challenge), ours.evidence(theirs.challenge))


def session(end: Handshake, evidence: Evidence) -> Session:
    return end.complete(evidence, POLICY, now())[0]


class TestHandshake:
    def test_leads_both_to_one_sealed_line(self) -> None:
        ours, theirs = clinic(), insurer()
        met = answer(ours, theirs)
        to_insurer, to_clinic = session(ours, met.for_clinic), session(theirs, met.for_insurer)
        assert to_clinic.open(to_insurer.seal(b"ping")).startswith(b"ping")
        assert to_insurer.open(to_clinic.seal(b"pong")).startswith(b"pong")

    def test_tells_what_the_other_end_is(self) -> None:
        ours, theirs = clinic(), insurer()
        _, claims = ours.complete(answer(ours, theirs).for_clinic, POLICY, now())
        assert claims.kind is Kind.SIMULATED
        assert claims.registers == {"CODE": code.code_digest().hex()}
        assert len(claims.report_data) == 64

    def test_challenges_are_fresh(self) -> None:
        challenges = [clinic().challenge for _ in range(3)]
        assert len({each.nonce for each in challenges}) == 3
        assert len({each.key for each in challenges}) == 3

    def test_has_an_order(self) -> None:
        ours, theirs = clinic(), insurer()
        evidence = theirs.evidence(ours.challenge)
        with pytest.raises(ValueError, match="answer a challenge first"):
            ours.complete(evidence, POLICY, now())

    def test_happens_once(self) -> None:
        ours, theirs = clinic(), insurer()
        evidence = answer(ours, theirs).for_clinic
        ours.complete(evidence, POLICY, now())
        with pytest.raises(ValueError, match="each is good for one session"):
            ours.complete(evidence, POLICY, now())

    def test_asks_our_policy(self) -> None:
        ours, theirs = clinic(), insurer()
        evidence = answer(ours, theirs).for_clinic
        with pytest.raises(PolicyError, match="allow_simulated"):
            ours.complete(evidence, EnclavePolicy(), now())


class TestMeddling:
    """Whatever a party between two enclaves does, both refuse in one sentence."""

    def refuses(self, ours: Handshake, evidence: Evidence) -> None:
        with pytest.raises(PeerError, match=NOT_THIS_SESSION) as caught:
            ours.complete(evidence, POLICY, now())
        assert "\n" not in str(caught.value)

    def test_evidence_for_an_earlier_nonce_is_refused(self) -> None:
        ours, theirs = clinic(), insurer()
        replayed = theirs.evidence(ours.challenge._replace(nonce=bytes(32)))
        ours.evidence(theirs.challenge)
        self.refuses(ours, replayed)

    def test_evidence_of_another_session_is_refused(self) -> None:
        earlier = answer(clinic(), insurer())
        ours, theirs = clinic(), insurer()
        answer(ours, theirs)
        self.refuses(ours, earlier.for_clinic)
        self.refuses(theirs, earlier.for_insurer)

    def test_a_swapped_key_is_refused_by_both(self) -> None:
        ours, theirs, between = clinic(), insurer(), SessionKey()
        for_clinic = theirs.evidence(ours.challenge._replace(key=between.public))
        for_insurer = ours.evidence(theirs.challenge._replace(key=between.public))
        self.refuses(ours, for_clinic)
        self.refuses(theirs, for_insurer)

    def test_other_terms_are_refused_by_both(self) -> None:
        ours, theirs = clinic(), insurer(context=b"other terms")
        met = answer(ours, theirs)
        self.refuses(ours, met.for_clinic)
        self.refuses(theirs, met.for_insurer)

    @pytest.mark.parametrize("names", [("broker", "clinic"), ("insurer", "broker")])
    def test_another_party_is_refused(self, names: tuple[str, str]) -> None:
        ours, theirs = clinic(), insurer(*names)
        self.refuses(ours, answer(ours, theirs).for_clinic)

    def test_names_that_run_into_each_other_are_different(self) -> None:
        ours, theirs = Handshake("ab", "c", TERMS, Kind.SIMULATED), insurer("c", "ab")
        other = insurer("bc", "a")
        evidence = other.evidence(ours.challenge)
        ours.evidence(theirs.challenge)
        with pytest.raises(PeerError, match="is not about this session"):
            ours.complete(evidence, POLICY, now())

    def test_another_program_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ours, theirs = clinic(), insurer()
        ours.evidence(theirs.challenge)
        with monkeypatch.context() as there:
            there.setattr(handshake, "code_digest", lambda: bytes(32))
            evidence = theirs.evidence(ours.challenge)
        self.refuses(ours, evidence)

    def test_our_own_evidence_is_refused(self) -> None:
        ours, theirs = clinic(), insurer()
        self.refuses(ours, ours.evidence(theirs.challenge))

    def test_evidence_that_binds_something_else_is_refused(self) -> None:
        ours, theirs = clinic(), insurer()
        ours.evidence(theirs.challenge)
        for report_data in (b"", bytes(64)):
            self.refuses(ours, simulated.attest(report_data))

    def test_evidence_that_was_changed_is_refused(self) -> None:
        ours, theirs = clinic(), insurer()
        evidence = answer(ours, theirs).for_clinic
        document = evidence.document.replace(b"a", b"b")
        with pytest.raises(PeerError):
            ours.complete(msgspec.structs.replace(evidence, document=document), POLICY, now())

    @pytest.mark.parametrize("part", ["nonce", "key"])
    def test_our_own_challenge_is_refused(self, part: str) -> None:
        ours, theirs = clinic(), insurer()
        reflected = theirs.challenge._replace(**{part: getattr(ours.challenge, part)})
        with pytest.raises(PeerError, match="'insurer' sent our own challenge back"):
            ours.evidence(reflected)

    @pytest.mark.parametrize("sizes", [(0, 32), (31, 32), (32, 33)])
    def test_what_is_no_challenge_is_refused(self, sizes: tuple[int, int]) -> None:
        nonce, key = map(bytes, sizes)
        with pytest.raises(PeerError, match="a challenge of another size"):
            clinic().evidence(Challenge(nonce, key))

    def test_a_key_that_gives_no_secret_is_refused(self) -> None:
        ours, theirs = clinic(), insurer()
        weak = theirs.challenge._replace(key=bytes(32))
        theirs.challenge = weak
        met = answer(ours, theirs)
        with pytest.raises(PeerError, match="a key that gives no secret"):
            ours.complete(met.for_clinic, POLICY, now())
