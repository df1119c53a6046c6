"""Cryptographic alignment: both roles over a line, honest and not."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.alignment.cryptographic.diffie_hellman.messages import BlindedRows
from isthmus.alignment.cryptographic.forecast import forecast
from isthmus.alignment.cryptographic.messages import (
    ComparedRows,
    RowCount,
    SharedCount,
    SharedRows,
)
from isthmus.alignment.cryptographic.receiver import receiver
from isthmus.alignment.cryptographic.rows import Terms
from isthmus.alignment.cryptographic.sender import sender
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.core.errors import ChannelError, JobError, PeerError, SpecError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.crypto.curve import BlindingKey
from isthmus.ledger.forecast import Sizes
from isthmus.transport.channel import Channel
from isthmus.transport.loopback import loopback
from tests.roles import Play, Role, play, run_together

CONTEXT = b"digest of the job"
SPEC = CryptographicAlignment(minimum_size=1)
CLINIC = [b"ada", b"bo", b"cy", b"dee"]
INSURER = [b"cy", b"eve", b"ada", b"fay", b"gus"]


def receiving(
    identifiers: Sequence[bytes],
    spec: CryptographicAlignment = SPEC,
    limit: int | None = None,
    context: bytes = CONTEXT,
) -> Role:
    terms = terms_of(spec, limit, context)
    return lambda line: receiver([line], identifiers, terms, Telemetry())


def sending(
    identifiers: Sequence[bytes],
    spec: CryptographicAlignment = SPEC,
    limit: int | None = None,
    context: bytes = CONTEXT,
) -> Role:
    terms = terms_of(spec, limit, context)
    return lambda line: sender(line, identifiers, terms, Telemetry())


def terms_of(
    spec: CryptographicAlignment = SPEC, limit: int | None = None, context: bytes = CONTEXT
) -> Terms:
    """The terms of both parties, with the same limit for either."""
    return Terms(spec, context, defaultdict(lambda: limit), ("diffie-hellman", "oblivious"))


def align(
    ours: Sequence[bytes], theirs: Sequence[bytes], spec: CryptographicAlignment = SPEC
) -> tuple[list[bytes], list[bytes]]:
    """The identifiers of the rows that each side found, in the common order."""
    indices = run_together(clinic=receiving(ours, spec), insurer=sending(theirs, spec))
    return (
        [ours[row] for row in indices["clinic"].rows],
        [theirs[row] for row in indices["insurer"].rows],
    )


class TestAlignment:
    def test_finds_the_rows_that_both_parties_hold(self) -> None:
        clinic, insurer = align(CLINIC, INSURER)
        assert sorted(clinic) == [b"ada", b"cy"]
        assert insurer == clinic

    @settings(max_examples=20)
    @given(
        st.sets(st.binary(max_size=3), min_size=1, max_size=12),
        st.sets(st.binary(max_size=3), min_size=1, max_size=12),
        st.integers(1, 13),
    )
    def test_agrees_with_plain_set_intersection(
        self, ours: set[bytes], theirs: set[bytes], batch_rows: int
    ) -> None:
        ours, theirs = ours | {b"both"}, theirs | {b"both"}
        spec = CryptographicAlignment(minimum_size=1, batch_rows=batch_rows)
        clinic, insurer = align(sorted(ours), sorted(theirs), spec)
        assert sorted(clinic) == sorted(ours & theirs)
        assert insurer == clinic

    @pytest.mark.parametrize(("ours", "theirs"), [(60, 25), (25, 60), (40, 40)])
    def test_works_in_blocks(self, ours: int, theirs: int) -> None:
        spec = CryptographicAlignment(minimum_size=1, batch_rows=8)
        clinic, insurer = align(people(0, ours), people(10, 10 + theirs), spec)
        assert sorted(clinic) == sorted(people(10, min(ours, 10 + theirs)))
        assert insurer == clinic

    def test_puts_the_shared_rows_into_a_random_order(self) -> None:
        everyone = people(0, 60)
        first, _ = align(everyone, everyone)
        second, _ = align(everyone, everyone)
        assert len({tuple(everyone), tuple(first), tuple(second)}) == 3

    def test_shows_how_far_it_is(self) -> None:
        events = list[Event]()
        spec = CryptographicAlignment(minimum_size=1, batch_rows=3)
        run_together(
            clinic=lambda line: receiver([line], CLINIC, terms_of(spec), Telemetry(events.append)),
            insurer=sending(INSURER, spec),
        )
        assert [(at.stage, at.done, at.total) for at in events] == [
            ("align", 6, 9),
            ("align", 9, 9),
        ]

    def test_sends_what_was_forecast(self) -> None:
        spec = CryptographicAlignment(minimum_size=1, batch_rows=8)
        outcome = play(active=receiving(people(0, 30), spec), passive=sending(people(10, 31), spec))
        expected = Sizes(
            rows={"active": 30, "passive": 21},
            shared=20,
            train=0,
            test=0,
            test_rows={},
            rounds=0,
        )
        assert {party: sum(sent) for party, sent in sizes(outcome).items()} == {
            role: sum(flow.bytes for flow in forecast(spec, expected) if flow.sender == role)
            for role in ("active", "passive")
        }

    def test_shares_nothing_between_jobs(self) -> None:
        outcome = play(
            clinic=receiving(CLINIC, context=b"one job"),
            insurer=sending(INSURER, context=b"another job"),
        )
        assert "found 0 shared rows" in str(outcome.raised["clinic"])


class TestTooFewRows:
    SPEC = CryptographicAlignment(minimum_size=3)

    def test_stop_both_parties_with_advice(self) -> None:
        outcome = play(clinic=receiving(CLINIC, self.SPEC), insurer=sending(INSURER, self.SPEC))
        assert_refused(outcome, "clinic", SpecError, "found 2 shared rows.*asks for 3.*normalise")
        assert_refused(outcome, "insurer", SpecError, "found too few.*asks for 3.*normalise")

    def test_are_not_counted_for_the_sender(self) -> None:
        none = play(
            clinic=receiving(CLINIC, self.SPEC), insurer=sending([b"x", b"y", b"z"], self.SPEC)
        )
        two = play(
            clinic=receiving(CLINIC, self.SPEC), insurer=sending([b"x", b"ada", b"cy"], self.SPEC)
        )
        assert sizes(none) == sizes(two)
        assert none.sent["clinic"][-1] == two.sent["clinic"][-1]

    def test_at_either_party_stop_both_before_any_point_crosses(self) -> None:
        outcome = play(clinic=receiving(CLINIC, self.SPEC), insurer=sending([b"ada"], self.SPEC))
        for party in ("clinic", "insurer"):
            assert_refused(outcome, party, JobError, "smaller party brings 1 rows.*asks for 3")
        assert all(len(sent) == 1 for sent in outcome.sent.values())


class TestTooManyRows:
    def test_of_the_sender_are_refused(self) -> None:
        outcome = play(clinic=receiving(CLINIC, limit=4), insurer=sending(INSURER))
        assert_refused(outcome, "clinic", PeerError, "'insurer' brings 5 rows.*allows it 4")

    def test_of_the_receiver_are_refused(self) -> None:
        outcome = play(clinic=receiving(CLINIC), insurer=sending(INSURER, limit=3))
        assert_refused(outcome, "insurer", PeerError, "'clinic' brings 4 rows.*allows it 3")


def dishonest_sender(
    points: bytes, twice: Callable[[bytes], bytes] = lambda points: points, rows: int = 2
) -> Role:
    """Announces `rows`, sends `points`, and returns what `twice` makes of the receiver's."""

    def role(receiver: Channel) -> None:
        receiver.receive(RowCount)
        receiver.send(RowCount(rows=rows))
        theirs = receiver.receive(BlindedRows).points
        receiver.send(BlindedRows(points=points))
        receiver.send(ComparedRows(values=twice(theirs)))
        receiver.receive(SharedCount)

    return role


def dishonest_receiver(
    points: bytes, shared: int | None = 1, positions: Sequence[int] = (0,), rows: int = 2
) -> Role:
    """Announces `rows`, sends `points`, then claims `shared` rows at `positions`."""

    def role(sender: Channel) -> None:
        sender.send(RowCount(rows=rows))
        sender.receive(RowCount)
        sender.send(BlindedRows(points=points))
        sender.receive(BlindedRows)
        sender.receive(ComparedRows)
        sender.send(SharedCount(rows=shared))
        sender.send(SharedRows(positions=np.array(positions, np.uint32)))
        sender.receive(RowCount)  # waits until the sender hangs up

    return role


def points_of(*identifiers: bytes) -> bytes:
    return BlindingKey().blind_identifiers(identifiers, CONTEXT)


TWO = points_of(b"x", b"y")
SAME = TWO[:32] * 2
INVALID = TWO[:32] + b"\xff" * 32


class TestDishonestSender:
    @pytest.mark.parametrize(
        ("role", "sentence"),
        [
            (dishonest_sender(TWO + TWO), "128 bytes of points where 2 rows were due"),
            (dishonest_sender(TWO[:32]), "32 bytes of points where 2 rows were due"),
            (dishonest_sender(TWO[:-1]), "63 bytes of points"),
            (dishonest_sender(TWO, rows=3), "64 bytes of points where 3 rows were due"),
            (dishonest_sender(SAME), "2 points of which only 1 differ"),
            (dishonest_sender(INVALID), "bytes that are not points of ristretto255"),
            (dishonest_sender(TWO, twice=lambda points: points[32:]), "96 bytes .* where 4 rows"),
            (dishonest_sender(TWO, twice=lambda points: points * 2), "256 bytes .* where 4 rows"),
            (
                dishonest_sender(TWO, twice=lambda points: points[:32] * 4),
                "4 points of which only 1 differ",
            ),
        ],
        ids=[
            "extra points",
            "lacking points",
            "half a point",
            "more rows announced",
            "points twice",
            "invalid point",
            "lacking answers",
            "extra answers",
            "answers twice",
        ],
    )
    def test_is_found_out(self, role: Role, sentence: str) -> None:
        outcome = play(clinic=receiving(CLINIC), insurer=role)
        assert_refused(outcome, "clinic", PeerError, f"'insurer' sent {sentence}")

    def test_learns_nothing_of_the_shared_rows_once_found_out(self) -> None:
        outcome = play(clinic=receiving(CLINIC), insurer=dishonest_sender(SAME))
        assert b"Shared" not in b"".join(outcome.sent["clinic"])

    def test_that_is_silent_is_waited_for_no_longer_than_patience(self) -> None:
        line, _ = loopback("clinic", "insurer", patience=0.1)
        with pytest.raises(ChannelError, match=r"waited 0.1 s for RowCount from 'insurer'"):
            receiving(CLINIC)(line)


class TestDishonestReceiver:
    @pytest.mark.parametrize(
        ("role", "sentence"),
        [
            (dishonest_receiver(TWO + TWO), "sent 128 bytes of points where 2 rows were due"),
            (dishonest_receiver(TWO[:32]), "sent 32 bytes of points where 2 rows were due"),
            (dishonest_receiver(TWO, rows=3), "sent 64 bytes of points where 3 rows were due"),
            (dishonest_receiver(SAME), "sent 2 points of which only 1 differ"),
            (dishonest_receiver(INVALID), "sent bytes that are not points"),
            (dishonest_receiver(TWO, shared=0), "says that 0 rows are shared.* cannot be"),
            (
                dishonest_receiver(TWO, shared=3),
                "says that 3 rows are shared.* smaller party has 2",
            ),
            (dishonest_receiver(TWO, shared=2), "sent positions of shape .1,. where 2"),
            (dishonest_receiver(TWO, positions=[0, 1]), "sent positions of shape .2,. where 1"),
            (dishonest_receiver(TWO, positions=[5]), "repeat, or that are not rows of ours"),
            (
                dishonest_receiver(TWO, shared=2, positions=[1, 1]),
                "repeat, or that are not rows of ours",
            ),
        ],
        ids=[
            "extra points",
            "lacking points",
            "more rows announced",
            "points twice",
            "invalid point",
            "no shared row",
            "too many shared rows",
            "lacking positions",
            "extra positions",
            "position out of range",
            "position twice",
        ],
    )
    def test_is_found_out(self, role: Role, sentence: str) -> None:
        outcome = play(clinic=role, insurer=sending(INSURER))
        assert_refused(outcome, "insurer", PeerError, f"'clinic' .*{sentence}")

    def test_that_is_silent_is_waited_for_no_longer_than_patience(self) -> None:
        _, line = loopback("clinic", "insurer", patience=0.1)
        with pytest.raises(ChannelError, match=r"waited 0.1 s for RowCount from 'clinic'"):
            sending(INSURER)(line)


def people(start: int, stop: int) -> list[bytes]:
    return [f"person-{number}".encode() for number in range(start, stop)]


def sizes(outcome: Play) -> dict[str, list[int]]:
    return {party: [len(message) for message in sent] for party, sent in outcome.sent.items()}


def assert_refused(outcome: Play, party: str, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        raise outcome.raised[party]
