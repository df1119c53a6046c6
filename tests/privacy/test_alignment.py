"""What an alignment lets the other party, or someone who records the line, see."""

import base64
import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from isthmus.alignment.cryptographic import messages
from isthmus.alignment.cryptographic.diffie_hellman import messages as diffie_hellman
from isthmus.alignment.cryptographic.diffie_hellman.messages import BlindedRows
from isthmus.alignment.cryptographic.oblivious import messages as oblivious
from isthmus.alignment.cryptographic.oblivious.messages import Corrections
from isthmus.alignment.cryptographic.receiver import receiver
from isthmus.alignment.cryptographic.rows import Terms
from isthmus.alignment.cryptographic.sender import sender
from isthmus.alignment.cryptographic.spec import CryptographicAlignment, Protocol
from isthmus.core.telemetry import Telemetry
from isthmus.transport.message import Protection, protections
from tests.roles import Play, play
from tests.transcripts import declared, kinds, of_kinds

CLINIC = [f"P-{number:08}".encode() for number in range(48_213_000, 48_213_030)]
INSURER = [f"P-{number:08}".encode() for number in range(48_213_010, 48_213_050)]
SHARED = set(CLINIC) & set(INSURER)
CONTEXT = b"digest of the job"
BOTH: tuple[Protocol, ...] = ("diffie-hellman", "oblivious")


def align(
    clinic: Sequence[bytes] = CLINIC,
    insurer: Sequence[bytes] = INSURER,
    protocol: Protocol = "diffie-hellman",
) -> Play:
    spec = CryptographicAlignment(minimum_size=1, batch_rows=16, protocol=protocol)
    terms = Terms(spec, CONTEXT, {"clinic": None, "insurer": None}, BOTH)
    outcome = play(
        clinic=lambda line: receiver([line], clinic, terms, Telemetry()),
        insurer=lambda line: sender(line, insurer, terms, Telemetry()),
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
            "ComparedRows",
        }

    def test_of_the_oblivious_protocol_holds_only_what_its_contract_declares(self) -> None:
        sent = align(protocol="oblivious").sent
        assert kinds(sent["clinic"]) == [
            "RowCount",
            "Nonce",
            "GrownTrees",
            "Corrections",
            "CorrectionsProof",
            "SharedCount",
            "SharedRows",
            "SharedRows",
        ]
        assert kinds(sent["insurer"]) == [
            "RowCount",
            "Nonce",
            "TransferChoices",
            "CorrectionsChallenge",
            "ComparedRows",
        ]

    @pytest.mark.parametrize("protocol", BOTH)
    def test_is_listed_in_the_contract_in_words(self, protocol: Protocol) -> None:
        sent = align(protocol=protocol).sent
        contract = "".join(str(each.__doc__) for each in (messages, diffie_hellman, oblivious))
        for kind in {*kinds(sent["clinic"]), *kinds(sent["insurer"])}:
            assert f"| {kind} " in contract

    @pytest.mark.parametrize("protocol", BOTH)
    def test_holds_no_identifier_and_no_plain_hash_of_one(self, protocol: Protocol) -> None:
        sent = align(protocol=protocol).sent
        recorded = b"".join((*sent["clinic"], *sent["insurer"]))
        found = [
            (form, name) for form in FORMS for name in (*CLINIC, *INSURER) if form(name) in recorded
        ]
        assert not found

    @pytest.mark.parametrize("protocol", BOTH)
    def test_has_a_size_that_depends_on_counts_alone(self, protocol: Protocol) -> None:
        others = [f"a quite long other identifier {number}".encode() for number in range(50)]
        first = align(protocol=protocol)
        second = align(others[:30], others[10:], protocol)
        for party in ("clinic", "insurer"):
            assert [len(one) for one in first.sent[party]] == [
                len(one) for one in second.sent[party]
            ]

    def test_hides_every_value_but_counts_positions_and_random_bytes(self) -> None:
        clear = {
            (kind.__name__, name)
            for module in (messages, diffie_hellman, oblivious)
            for kind in declared(module).values()
            for name, protection in protections(kind).items()
            if protection is Protection.CLEAR
        }
        assert clear == {
            ("RowCount", "rows"),
            ("SharedCount", "rows"),
            ("SharedRows", "positions"),
            ("Nonce", "value"),
            ("CorrectionsChallenge", "value"),
        }

    def test_of_the_oblivious_protocol_has_bytes_that_look_uniform(self) -> None:
        sent = align(people(0, 3000), people(2000, 5000), "oblivious").sent
        for party, kind in (("clinic", Corrections), ("insurer", messages.ComparedRows)):
            field = "slots" if kind is Corrections else "values"
            data = b"".join(getattr(each, field) for each in of_kinds(sent[party], kind))
            counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
            # Of 256 equal places, 310 (99%) of this statistic lie below: 400 is some 1 in 10^8.
            expected = len(data) / 256
            assert ((counts - expected) ** 2 / expected).sum() < 400


FORMS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    lambda name: name.lower(),
    lambda name: name[2:],
    lambda name: int(name[2:]).to_bytes(8, "little"),
    lambda name: int(name[2:]).to_bytes(8, "big"),
    base64.b64encode,
    *(
        lambda name, make=make: make(name).digest()[:16]
        for make in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512)
    ),
    lambda name: hashlib.blake2b(name, digest_size=32).digest(),
    lambda name: hashlib.sha512(CONTEXT + name).digest()[:32],
)


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
    kind: type[BlindedRows | messages.ComparedRows] = BlindedRows,
) -> list[bytes]:
    whole = b"".join(
        message.points if isinstance(message, BlindedRows) else message.values
        for message in of_kinds(encoded, kind)
    )
    return [whole[start : start + 32] for start in range(0, len(whole), 32)]


def points_of(outcome: Play) -> list[bytes]:
    return [
        *blinded(outcome.sent["clinic"]),
        *blinded(outcome.sent["insurer"]),
        *blinded(outcome.sent["insurer"], messages.ComparedRows),
    ]


def positions_of(outcome: Play) -> list[int]:
    blocks = of_kinds(outcome.sent["clinic"], messages.SharedRows)
    return [position for block in blocks for position in block.positions.tolist()]


def people(start: int, stop: int) -> list[bytes]:
    return [f"person-{number}".encode() for number in range(start, stop)]
