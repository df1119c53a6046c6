"""What an alignment lets the other party, or someone who records the line, see."""

import base64
import hashlib
from collections.abc import Callable, Sequence

import pytest

from isthmus.alignment.cryptographic import messages
from isthmus.alignment.cryptographic.receiver import receiver
from isthmus.alignment.cryptographic.sender import sender
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.core.telemetry import Telemetry
from isthmus.transport.message import Protection, protections
from tests.roles import Play, play
from tests.transcripts import kinds, of_kinds

CLINIC = [f"P-{number:08}".encode() for number in range(48_213_000, 48_213_030)]
INSURER = [f"P-{number:08}".encode() for number in range(48_213_010, 48_213_050)]
SHARED = set(CLINIC) & set(INSURER)
SPEC = CryptographicAlignment(minimum_size=1, batch_rows=16)
CONTEXT = b"digest of the job"


def align(clinic: Sequence[bytes] = CLINIC, insurer: Sequence[bytes] = INSURER) -> Play:
    outcome = play(
        clinic=lambda line: receiver(line, clinic, SPEC, CONTEXT, Telemetry()),
        insurer=lambda line: sender(line, insurer, SPEC, CONTEXT, Telemetry()),
    )
    assert not outcome.raised
    return outcome


class TestTranscript:
    def test_holds_only_what_the_contract_declares_for_each_direction(self) -> None:
        sent = align().sent
        assert set(kinds(sent["clinic"])) == {
            "RowCount",
            "BlindedRows",
            "SharedCount",
            "SharedRows",
        }
        assert set(kinds(sent["insurer"])) == {
            "RowCount",
            "BlindedRows",
            "DoublyBlindedRows",
        }

    def test_is_listed_in_the_contract_in_words(self) -> None:
        sent = align().sent
        for kind in {*kinds(sent["clinic"]), *kinds(sent["insurer"])}:
            assert f"| {kind} " in str(messages.__doc__)

    @pytest.mark.parametrize(
        "form",
        [
            bytes,
            lambda name: name.lower(),
            lambda name: name[2:],
            lambda name: int(name[2:]).to_bytes(4, "little"),
            lambda name: int(name[2:]).to_bytes(4, "big"),
            base64.b64encode,
            *(
                lambda name, make=make: make(name).digest()[:16]
                for make in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512)
            ),
            lambda name: hashlib.blake2b(name, digest_size=32).digest(),
            lambda name: hashlib.sha512(CONTEXT + name).digest()[:32],
        ],
    )
    def test_holds_no_identifier_and_no_plain_hash_of_one(
        self, form: Callable[[bytes], bytes]
    ) -> None:
        sent = align().sent
        recorded = b"".join((*sent["clinic"], *sent["insurer"]))
        assert not [name for name in (*CLINIC, *INSURER) if form(name) in recorded]

    def test_has_a_size_that_depends_on_counts_alone(self) -> None:
        others = [f"a quite long other identifier {number}".encode() for number in range(50)]
        first, second = align(), align(others[:30], others[10:])
        for party in ("clinic", "insurer"):
            assert [len(one) for one in first.sent[party]] == [
                len(one) for one in second.sent[party]
            ]

    def test_hides_every_value_but_counts_and_positions(self) -> None:
        clear = {
            (kind.__name__, name)
            for kind in (
                messages.RowCount,
                messages.BlindedRows,
                messages.DoublyBlindedRows,
                messages.SharedCount,
                messages.SharedRows,
            )
            for name, protection in protections(kind).items()
            if protection is Protection.CLEAR
        }
        assert clear == {("RowCount", "rows"), ("SharedCount", "rows"), ("SharedRows", "positions")}


class TestUnlinkability:
    def test_no_point_comes_twice_in_two_runs_over_the_same_rows(self) -> None:
        points = [point for _ in range(2) for point in points_of(align())]
        assert len(set(points)) == len(points)

    def test_the_points_of_two_parties_never_meet_under_single_keys(self) -> None:
        sent = align().sent
        clinic = blinded(sent["clinic"])
        insurer = blinded(sent["insurer"])
        assert not set(clinic) & set(insurer)

    def test_positions_are_those_of_a_secret_order(self) -> None:
        # The shared rows are the insurer's first twenty of forty: no one else can tell from this.
        assert set(positions_of(align())) != set(positions_of(align()))

    def test_the_insurer_is_told_its_shared_rows_and_no_others(self) -> None:
        outcome = align()
        assert len(positions_of(outcome)) == len(SHARED)
        assert {INSURER[row] for row in outcome.returned["insurer"].rows} == SHARED


def blinded(
    encoded: Sequence[bytes],
    kind: type[messages.BlindedRows | messages.DoublyBlindedRows] = messages.BlindedRows,
) -> list[bytes]:
    whole = b"".join(message.points for message in of_kinds(encoded, kind))
    return [whole[start : start + 32] for start in range(0, len(whole), 32)]


def points_of(outcome: Play) -> list[bytes]:
    return [
        *blinded(outcome.sent["clinic"]),
        *blinded(outcome.sent["insurer"]),
        *blinded(outcome.sent["insurer"], messages.DoublyBlindedRows),
    ]


def positions_of(outcome: Play) -> list[int]:
    blocks = of_kinds(outcome.sent["clinic"], messages.SharedRows)
    return [position for block in blocks for position in block.positions.tolist()]
