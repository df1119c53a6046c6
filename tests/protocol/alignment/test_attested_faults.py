"""Attested alignment where a party, or somebody on the line, does not keep to the protocol."""

import random
from collections.abc import Mapping

import pytest
from msgspec import structs

from isthmus.alignment.attested import enclave as enclave_module
from isthmus.alignment.attested.messages import (
    Challenge,
    EnclaveEvidence,
    EnclaveStart,
    EnclaveVerdict,
    PaddedRowCount,
)
from isthmus.alignment.attested.party import party
from isthmus.alignment.attested.terms import Terms
from isthmus.core.errors import ChannelError, PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.tee import handshake
from isthmus.tee.handshake import owned
from isthmus.tee.policy import EnclavePolicy
from isthmus.transport.framing import FramedChannel
from isthmus.transport.loopback import loopback
from isthmus.transport.message import Message, MessageT, decode
from tests.faulty_channel import Fault, FaultyChannel, corrupt, drop, replace, replay
from tests.star import Star, Wrap, align, certificate_of, in_a_thread, rows_of, terms, trust_of
from tests.transcripts import kinds

CLINIC = [b"person %d" % number for number in range(300)]
INSURER = [b"person %d" % number for number in range(200, 4_400)]
TWO = {"clinic": CLINIC, "insurer": INSURER}
SHARED = sorted(CLINIC[200:])

TO_INSURER, TO_CLINIC = ("clinic", "insurer"), ("insurer", "clinic")
MESSAGES = {
    TO_INSURER: 6,  # row count, challenge, evidence, key, verdict, positions
    TO_CLINIC: 6,  # row count, challenge, evidence, seed, two buckets
}
"""How many messages cross each way."""

every_message = pytest.mark.parametrize(
    ("way", "nth"), [(way, nth) for way, count in MESSAGES.items() for nth in range(1, count + 1)]
)


def at(nth: int, fault: Fault) -> Wrap:
    return lambda line: FaultyChannel(line, nth, fault)


class Swapping:
    """A line on which a message overtakes the one before it."""

    def __init__(self, line: FramedChannel, nth: int) -> None:
        self._line, self._until, self._held = line, nth, list[Message]()

    @property
    def peer(self) -> str:
        return self._line.peer

    def send(self, message: Message) -> None:
        self._until -= 1
        if self._until == 0:
            self._held.append(message)
            return
        self._line.send(message)
        while self._held:
            self._line.send(self._held.pop())

    def receive(self, kind: type[MessageT]) -> MessageT:
        return self._line.receive(kind)


def lose(_line: FramedChannel, _message: Message) -> None:
    """The message never arrives."""


def assert_harmless(star: Star) -> None:
    """Whoever has a result has the whole and right one."""
    for name, found in star.found.items():
        assert found.index is not None
        assert sorted(TWO[name][row] for row in found.index.rows) == SHARED


class TestFixture:
    def test_counts_the_messages(self) -> None:
        star = align(TWO)
        assert {way: len(sent) for way, sent in star.sent.items()} == MESSAGES
        assert sorted(rows_of(star, TWO)) == SHARED


class TestMeddling:
    @every_message
    def test_with_bits_is_found_out(self, way: tuple[str, str], nth: int) -> None:
        star = align(TWO, wrap={way: at(nth, corrupt)})
        victim = way[1]
        assert isinstance(star.raised[victim], PeerError)
        assert_harmless(star)

    @every_message
    def test_by_repeating_is_found_out_unless_nothing_follows(
        self, way: tuple[str, str], nth: int
    ) -> None:
        star = align(TWO, wrap={way: at(nth, replay)})
        if nth < MESSAGES[way]:
            assert isinstance(star.raised[way[1]], PeerError)
        assert_harmless(star)

    def test_with_the_order_is_found_out(self) -> None:
        star = align(TWO, wrap={TO_CLINIC: lambda line: Swapping(line, 5)})
        with pytest.raises(PeerError, match=r"frame 1 .* moved on its way"):
            raise star.raised["clinic"]
        assert not star.found

    @every_message
    def test_by_cutting_the_line_stops_both(self, way: tuple[str, str], nth: int) -> None:
        star = align(TWO, wrap={way: at(nth, drop)})
        assert isinstance(star.raised[way[1]], ChannelError)
        assert_harmless(star)

    @pytest.mark.parametrize("way", MESSAGES)
    @pytest.mark.parametrize("nth", [1, 3, 6])
    def test_by_losing_a_message_is_waited_for_no_longer_than_patience(
        self, way: tuple[str, str], nth: int
    ) -> None:
        star = align(TWO, wrap={way: at(nth, lose)}, patience=0.3)
        assert isinstance(star.raised[way[1]], ChannelError | PeerError)
        assert_harmless(star)

    def test_says_which_message_does_not_open(self) -> None:
        star = align(TWO, wrap={TO_CLINIC: at(6, corrupt)})
        with pytest.raises(
            PeerError, match=r"enclave of 'insurer' does not open: frame 2 .*changed, repeated"
        ):
            raise star.raised["clinic"]


class TestEvidence:
    def test_of_another_run_is_refused(self) -> None:
        earlier = align(TWO).sent[TO_CLINIC][2]
        recorded = decode(earlier, EnclaveEvidence, "insurer")
        self.assert_not_about_this_session(at(3, replace(recorded)))

    def test_does_not_fit_another_number_of_rows(self) -> None:
        self.assert_not_about_this_session(at(1, replace(PaddedRowCount(rows=4_208))))

    def test_does_not_fit_another_challenge(self) -> None:
        nonce, key = random.randbytes(32), random.randbytes(32)
        said = owned(terms(*TWO).digest(), "insurer", handshake.Challenge(nonce, key))
        signature = trust_of("insurer").sign(said)  # of a party that cheats its own enclave
        other = Challenge(nonce=nonce, key=key, signature=signature)
        self.assert_not_about_this_session(at(2, replace(other)))

    def assert_not_about_this_session(self, wrap: Wrap) -> None:
        star = align(TWO, wrap={TO_CLINIC: wrap})
        with pytest.raises(PeerError, match="not about this session"):
            raise star.raised["clinic"]
        assert not star.found
        assert b"Sealed" not in b"".join(star.sent[TO_INSURER])

    def test_is_refused_under_other_terms(self) -> None:
        other = terms("clinic", "insurer", minimum_size=2)
        star = align(TWO, agreed={"insurer": other})
        assert any("or was given other terms" in str(each) for each in star.raised.values())
        assert set(star.raised) == set(TWO)

    def test_of_a_simulated_enclave_needs_the_partys_leave(self) -> None:
        strict = trust_of("insurer", policy=EnclavePolicy())
        star = align(TWO, trust={"insurer": strict})
        assert "allow_simulated" in str(star.raised["insurer"])
        assert not star.found
        assert b"Sealed" not in b"".join(star.sent[TO_CLINIC])


class TestFirstParty:
    """Of three; it cheats the insurer, who has no line to the shop."""

    ALL = TWO | {"shop": CLINIC}

    def plays_the_shop(self, agreed: Mapping[str, Terms] | None = None) -> Star:
        # It has enclaves and made-up identifiers like anybody else, but not the shop's key.
        return align(self.ALL, trust={"shop": trust_of("clinic")}, agreed=agreed)

    def test_gets_what_all_three_share_with_the_shop(self) -> None:
        assert sorted(rows_of(align(self.ALL), self.ALL)) == SHARED

    def test_cannot_play_another_party(self) -> None:
        star = self.plays_the_shop()
        with pytest.raises(PeerError, match="said to be of 'shop' is not signed by the key of"):
            raise star.raised["clinic"]
        assert not star.found
        assert "SealedIdentifiers" not in kinds(star.sent[TO_CLINIC])

    def test_cannot_name_its_own_key_as_that_of_another_party(self) -> None:
        others = certificate_of("clinic")
        told = terms(*self.ALL)
        false = structs.replace(told, certificates={**told.certificates, "shop": others})
        star = self.plays_the_shop({"clinic": false, "shop": false})
        assert isinstance(star.raised["insurer"], PeerError)
        assert not star.found
        assert "SealedIdentifiers" not in kinds(star.sent[TO_CLINIC])

    def test_cannot_have_the_shop_sign_for_an_enclave_of_its_own(self) -> None:
        other_job = structs.replace(terms(*self.ALL), job="digest of another job")
        star = align(self.ALL, agreed={"shop": other_job})
        with pytest.raises(PeerError, match="said to be of 'shop' is not signed by the key of"):
            raise star.raised["clinic"]


VERDICTS = {
    "more rows than we have": EnclaveVerdict(enough=True, size=4_201),
    "as many as no memory holds": EnclaveVerdict(enough=True, size=2**40),
    "fewer rows than the job asks for": EnclaveVerdict(enough=True, size=0),
    "no number though we get rows": EnclaveVerdict(enough=True, size=None),
    "a number though they are too few": EnclaveVerdict(enough=False, size=5),
}


class TestFirstEnclave:
    """Only one that is not genuine says such things."""

    @pytest.mark.parametrize("verdict", VERDICTS.values(), ids=list(VERDICTS))
    def test_that_finds_what_cannot_be_is_found_out(
        self, monkeypatch: pytest.MonkeyPatch, verdict: EnclaveVerdict
    ) -> None:
        genuine = enclave_module._verdict  # noqa: SLF001 - the enclave that a test spoils

        def spoilt(start: EnclaveStart, party: str, size: int) -> EnclaveVerdict:
            return verdict if party == "insurer" else genuine(start, party, size)

        monkeypatch.setattr(enclave_module, "_verdict", spoilt)
        star = align(TWO)
        with pytest.raises(
            PeerError, match=r"enclave of 'clinic' found a number of shared rows that cannot be"
        ):
            raise star.raised["insurer"]
        assert "insurer" not in star.found


class TestSilence:
    def test_is_waited_for_no_longer_than_patience(self) -> None:
        line, _ = loopback("clinic", "insurer", patience=0.2)
        agreed = terms("clinic", "insurer")
        with (
            pytest.raises(ChannelError, match=r"waited 0.2 s for PaddedRowCount from 'insurer'"),
            in_a_thread("clinic") as enclave,
        ):
            party(
                "clinic",
                {"insurer": line},
                CLINIC,
                agreed,
                enclave,
                trust_of("clinic"),
                Telemetry(),
                {},
            )
