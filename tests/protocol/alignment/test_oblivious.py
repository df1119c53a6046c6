"""The oblivious protocol of a cryptographic alignment: both roles over a line, honest and not."""

from collections import defaultdict
from collections.abc import Sequence

import pytest

from isthmus.alignment.cryptographic.forecast import forecast
from isthmus.alignment.cryptographic.messages import ComparedRows, RowCount
from isthmus.alignment.cryptographic.oblivious.messages import (
    Corrections,
    CorrectionsChallenge,
    CorrectionsProof,
    GrownTrees,
    Nonce,
    TransferChoices,
)
from isthmus.alignment.cryptographic.receiver import receiver
from isthmus.alignment.cryptographic.rows import Terms
from isthmus.alignment.cryptographic.sender import sender
from isthmus.alignment.cryptographic.spec import CryptographicAlignment, Protocol
from isthmus.core.errors import ChannelError, PeerError, PolicyError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.crypto.oblivious.vole import BLOCK
from isthmus.ledger.forecast import Sizes
from isthmus.transport.loopback import loopback
from isthmus.transport.message import Message
from tests.roles import Play, Role, gather, play
from tests.tampering import Change, Tampering

SPEC = CryptographicAlignment(minimum_size=1, protocol="oblivious")
BOTH: tuple[Protocol, ...] = ("diffie-hellman", "oblivious")
PEOPLE = [f"person-{number}".encode() for number in range(300_000)]


def terms(spec: CryptographicAlignment = SPEC, accepted: Sequence[Protocol] = BOTH) -> Terms:
    return Terms(spec, b"digest of the job", defaultdict(lambda: None), accepted)


def receiving(rows: Sequence[bytes], said: Terms, telemetry: Telemetry | None = None) -> Role:
    return lambda line: receiver([line], rows, said, telemetry or Telemetry())


def sending(rows: Sequence[bytes], said: Terms) -> Role:
    return lambda line: sender(line, rows, said, Telemetry())


def align(ours: Sequence[bytes], theirs: Sequence[bytes]) -> Play:
    return play(clinic=receiving(ours, terms()), insurer=sending(theirs, terms()))


class TestOblivious:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            pytest.param(slice(0, 1), slice(0, 1), id="one each, the same"),
            pytest.param(slice(0, 1), slice(0, 5_000), id="one among many"),
            pytest.param(slice(0, 5_000), slice(4_999, 5_000), id="many, one of them"),
            pytest.param(slice(0, 777), slice(0, 777), id="all"),
            pytest.param(slice(0, 3), slice(1, 20_000), id="three among very many"),
            pytest.param(slice(0, 6_553), slice(3_001, 9_007), id="odd sizes"),
        ],
    )
    def test_agrees_with_plain_set_intersection(self, ours: slice, theirs: slice) -> None:
        clinic, insurer = PEOPLE[ours], PEOPLE[theirs][::-1]
        outcome = align(clinic, insurer)
        assert not outcome.raised
        found = [clinic[row] for row in outcome.returned["clinic"].rows]
        assert found == [insurer[row] for row in outcome.returned["insurer"].rows]
        assert sorted(found) == sorted(set(clinic) & set(insurer))

    def test_finds_nothing_where_nothing_is_shared(self) -> None:
        outcome = align(PEOPLE[:50], PEOPLE[50:100])
        assert "found 0 shared rows" in str(outcome.raised["clinic"])
        assert "found too few" in str(outcome.raised["insurer"])

    @pytest.mark.long
    @pytest.mark.parametrize(("ours", "theirs"), [(3, 200_000), (200_000, 3), (65_537, 30_011)])
    def test_agrees_with_it_at_any_size(self, ours: int, theirs: int) -> None:
        shared = min(ours, theirs) // 2 + 1
        clinic, insurer = PEOPLE[:ours], PEOPLE[ours - shared : ours - shared + theirs]
        outcome = align(clinic, insurer)
        found = [clinic[row] for row in outcome.returned["clinic"].rows]
        assert found == [insurer[row] for row in outcome.returned["insurer"].rows]
        assert sorted(found) == sorted(set(clinic) & set(insurer))

    def test_shares_nothing_between_jobs(self) -> None:
        other = Terms(SPEC, b"digest of another job", defaultdict(lambda: None), BOTH)
        outcome = play(clinic=receiving(PEOPLE[:50], terms()), insurer=sending(PEOPLE[:50], other))
        assert "failed a check" in str(outcome.raised["insurer"])
        assert not outcome.returned

    def test_works_in_blocks(self) -> None:
        rows = BLOCK + 1_000
        outcome = align(PEOPLE[:rows], PEOPLE[10 : rows + 10])
        assert len(outcome.returned["clinic"]) == rows - 10
        assert sum(b"Corrections" in sent[:40] for sent in outcome.sent["clinic"]) > 2

    def test_sends_what_was_forecast(self) -> None:
        outcome = play(
            active=receiving(PEOPLE[:3_000], terms()), passive=sending(PEOPLE[500:2_900], terms())
        )
        rows = {"active": 3_000, "passive": 2_400}
        sizes = Sizes(rows=rows, shared=2_400, train=0, test=0, test_rows={}, rounds=0)
        assert {party: sum(map(len, sent)) for party, sent in outcome.sent.items()} == {
            role: sum(flow.bytes for flow in forecast(SPEC, sizes) if flow.sender == role)
            for role in ("active", "passive")
        }

    def test_shows_how_far_it_is(self) -> None:
        events = list[Event]()
        play(
            clinic=receiving(PEOPLE[:100], terms(), Telemetry(events.append)),
            insurer=sending(PEOPLE[:50], terms()),
        )
        assert [event.stage for event in events] == ["align", "align"]
        assert events[-1].done == events[-1].total

    def test_is_what_auto_means_for_many_rows(self) -> None:
        auto = terms(CryptographicAlignment(minimum_size=1))
        few = play(clinic=receiving(PEOPLE[:9], auto), insurer=sending(PEOPLE[:9], auto))
        many = play(clinic=receiving(PEOPLE[:9], auto), insurer=sending(PEOPLE[:2_000], auto))
        for outcome, sent in ((few, b"BlindedRows"), (many, b"Corrections")):
            assert len(outcome.returned["clinic"]) == 9
            assert any(sent in each[:40] for each in outcome.sent["clinic"])

    def test_is_not_used_where_a_party_insists_on_diffie_hellman(self) -> None:
        outcome = play(
            clinic=receiving(PEOPLE[:9], terms()),
            insurer=sending(PEOPLE[:9], terms(accepted=["diffie-hellman"])),
        )
        with pytest.raises(PolicyError, match=r"oblivious protocol.*`policy.alignment_protocols`"):
            raise outcome.raised["insurer"]


def changed(name: str, at: int = 0) -> Change:
    """Flips the bits of a byte: columns of eight numbers, of which some are not 0."""

    def change(message: Message, _seen: dict[str, object]) -> Message:
        data = bytearray(getattr(message, name))
        data[at] ^= 0xFF
        return replaced(message, name, bytes(data))

    return change


def shortened(name: str) -> Change:
    return lambda message, _seen: replaced(message, name, getattr(message, name)[:-1])


def filled(name: str, byte: int) -> Change:
    def change(message: Message, _seen: dict[str, object]) -> Message:
        return replaced(message, name, bytes([byte]) * len(getattr(message, name)))

    return change


def replaced(message: Message, name: str, data: bytes) -> Message:
    fields = {each: getattr(message, each) for each in message.__struct_fields__}
    return type(message)(**(fields | {name: data}))


def repeated(message: ComparedRows, _seen: dict[str, object]) -> ComparedRows:
    return ComparedRows(values=message.values[:9] * 60)


def both_sides(message: GrownTrees, _seen: dict[str, object]) -> GrownTrees:
    """A guess at a number: one of the sums is the one that the sender uses."""
    keys = bytearray(message.keys)
    keys[0] ^= 1
    keys[16] ^= 1
    return GrownTrees(answer=message.answer, keys=bytes(keys))


def other_columns(message: Corrections, _seen: dict[str, object]) -> Corrections:
    """The same columns changed in all slots, as an attack on the sender's numbers has it."""
    slots = bytearray(message.slots)
    for start in range(0, len(slots), 16):
        slots[start + 7] ^= 0xFF
    return Corrections(slots=bytes(slots))


def cheating(kind: type[Message], change: Change) -> Role:
    return lambda line: receiver([Tampering(line, kind, change)], PEOPLE[:60], terms(), Telemetry())


class TestDishonestReceiver:
    @pytest.mark.parametrize(
        ("kind", "change", "sentence"),
        [
            (Nonce, shortened("value"), "sent 31 bytes of a nonce where 32"),
            (GrownTrees, shortened("keys"), "bytes of keys where"),
            (GrownTrees, shortened("answer"), "sent 31 bytes of a point where 32"),
            (GrownTrees, filled("answer", 255), "not points of ristretto255"),
            (GrownTrees, filled("answer", 0), "not points of ristretto255"),
            (GrownTrees, changed("keys", -1), "failed a check of the alignment"),
            (GrownTrees, both_sides, "failed a check of the alignment"),
            (Corrections, shortened("slots"), "bytes of corrections where"),
            (Corrections, changed("slots"), "failed a check of the alignment"),
            (Corrections, other_columns, "failed a check of the alignment"),
            (CorrectionsProof, shortened("tags"), "bytes of a proof where"),
            (CorrectionsProof, changed("tags", 5), "failed a check of the alignment"),
            (CorrectionsProof, changed("tags", -1), "failed a check of the alignment"),
        ],
    )
    def test_is_found_out(self, kind: type[Message], change: Change, sentence: str) -> None:
        outcome = play(clinic=cheating(kind, change), insurer=sending(PEOPLE[:60], terms()))
        with pytest.raises(PeerError, match=f"'clinic' .*{sentence}"):
            raise outcome.raised["insurer"]
        assert not any(b"ComparedRows" in each[:40] for each in outcome.sent["insurer"])

    def test_is_told_no_more_than_that_a_check_failed(self) -> None:
        sentences = {
            str(play(clinic=role, insurer=sending(PEOPLE[:60], terms())).raised["insurer"])
            for role in (
                cheating(Corrections, other_columns),
                cheating(GrownTrees, both_sides),
                cheating(CorrectionsProof, changed("tags", -1)),
            )
        }
        assert len(sentences) == 1


class TestSilence:
    def test_of_either_party_is_waited_for_no_longer_than_patience(self) -> None:
        ours, theirs = loopback("clinic", "insurer", patience=0.2)
        theirs.send(RowCount(rows=50))
        with pytest.raises(ChannelError, match=r"waited 0.2 s for Nonce from 'insurer'"):
            receiving(PEOPLE[:50], terms())(ours)
        ours, theirs = loopback("clinic", "insurer", patience=0.2)
        ours.send(RowCount(rows=50))
        with pytest.raises(ChannelError, match=r"waited 0.2 s for Nonce from 'clinic'"):
            sending(PEOPLE[:50], terms())(theirs)


class TestDishonestSender:
    @pytest.mark.parametrize(
        ("kind", "change", "sentence"),
        [
            (Nonce, shortened("value"), "sent 31 bytes of a nonce where 32"),
            (TransferChoices, shortened("points"), "bytes of choices where"),
            (TransferChoices, filled("points", 255), "not points of ristretto255"),
            (CorrectionsChallenge, shortened("value"), "sent 31 bytes of a challenge where 32"),
            (ComparedRows, shortened("values"), "bytes of values of rows where"),
            (
                ComparedRows,
                repeated,
                "failed a check of the alignment",
            ),
        ],
    )
    def test_is_found_out(self, kind: type[Message], change: Change, sentence: str) -> None:
        outcome = play(
            clinic=receiving(PEOPLE[:60], terms()),
            insurer=lambda line: sender(
                Tampering(line, kind, change), PEOPLE[:60], terms(), Telemetry()
            ),
        )
        with pytest.raises(PeerError, match=f"'insurer' .*{sentence}"):
            raise outcome.raised["clinic"]
        assert not any(b"Shared" in each[:40] for each in outcome.sent["clinic"])


class TestSeveralSenders:
    @pytest.mark.parametrize("protocol", BOTH)
    def test_find_the_rows_that_all_hold_in_one_order(self, protocol: Protocol) -> None:
        said = terms(CryptographicAlignment(minimum_size=1, protocol=protocol))
        rows = {"hub": PEOPLE[:60], "insurer": PEOPLE[20:80][::-1], "shop": PEOPLE[10:50]}
        outcome = gather(
            lambda lines: receiver(list(lines.values()), rows["hub"], said, Telemetry()),
            {name: sending(rows[name], said) for name in ("insurer", "shop")},
        )
        assert not outcome.raised
        found = {name: [rows[name][row] for row in outcome.returned[name].rows] for name in rows}
        assert found["hub"] == found["insurer"] == found["shop"]
        assert sorted(found["hub"]) == sorted(PEOPLE[20:50])

    def test_are_not_told_of_rows_that_another_one_lacks(self) -> None:
        said = terms(CryptographicAlignment(minimum_size=1))
        told = dict[int, list[int]]()
        for others in (20, 40):  # rows of the shop, all of them shared by the insurer and the hub
            outcome = gather(
                lambda lines: receiver(list(lines.values()), PEOPLE[:60], said, Telemetry()),
                {
                    "insurer": sending(PEOPLE[:60], said),
                    "shop": sending(PEOPLE[:others], said),
                },
            )
            insurer = outcome.returned["insurer"].rows.tolist()
            told[others] = sorted(insurer)
        assert told == {20: list(range(20)), 40: list(range(40))}

    def test_all_stop_where_too_few_rows_are_held_by_all(self) -> None:
        said = terms(CryptographicAlignment(minimum_size=10))
        outcome = gather(
            lambda lines: receiver(list(lines.values()), PEOPLE[:60], said, Telemetry()),
            {"insurer": sending(PEOPLE[:30], said), "shop": sending(PEOPLE[25:60], said)},
        )
        assert "found 5 shared rows" in str(outcome.raised["hub"])
        for name in ("insurer", "shop"):
            assert "found too few" in str(outcome.raised[name])
