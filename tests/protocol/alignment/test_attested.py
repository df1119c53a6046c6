"""Attested alignment of honest parties: who learns which rows, in which order."""

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.alignment.attested import enclave
from isthmus.alignment.attested.forecast import forecast
from isthmus.alignment.attested.spec import AttestedAlignment, Share
from isthmus.core.errors import JobError, PeerError, SpecError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.ledger.forecast import Sizes
from isthmus.tee.evidence import Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from tests.star import Star, align, rows_of, trust_of

CLINIC = [b"ada", b"bo", b"cy", b"dee"]
INSURER = [b"cy", b"eve", b"ada", b"fay", b"gus"]
TWO = {"clinic": CLINIC, "insurer": INSURER}
NAMES = ("clinic", "insurer", "bank", "shop", "school")


def people(start: int, stop: int) -> list[bytes]:
    return [b"person %d" % number for number in range(start, stop)]


def shuffled(identifiers: Sequence[bytes]) -> list[bytes]:
    return random.sample(identifiers, len(identifiers))


class TestAlignment:
    def test_finds_the_rows_that_both_parties_hold(self) -> None:
        assert sorted(rows_of(align(TWO), TWO)) == [b"ada", b"cy"]

    @settings(max_examples=25)
    @given(
        st.lists(st.sets(st.binary(max_size=2), max_size=12), min_size=2, max_size=5),
        st.integers(1, 9),
    )
    def test_agrees_with_plain_set_intersection(
        self, sets: Sequence[set[bytes]], rows_step: int
    ) -> None:
        brought = [shuffled(sorted(one | {b"all"})) for one in sets]
        identifiers = dict(zip(NAMES, brought, strict=False))
        found = rows_of(align(identifiers, rows_step=rows_step), identifiers)
        assert sorted(found) == sorted(set.intersection(*map(set, brought)))

    @pytest.mark.parametrize("sizes", [(9_000, 9_000), (9_000, 50), (50, 9_000), (5_000, 9_000)])
    def test_works_in_buckets(self, sizes: tuple[int, int]) -> None:
        first, second = sizes
        identifiers = {
            "clinic": shuffled(people(0, first)),
            "insurer": shuffled(people(first - 40, first - 40 + second)),
        }
        assert sorted(rows_of(align(identifiers), identifiers)) == sorted(people(first - 40, first))

    def test_takes_identifiers_of_every_length(self) -> None:
        long = [b"x" * length for length in (0, 1, 15, 16, 17, 255, 256, 257, 5_000, 2**20)]
        identifiers = {"clinic": [*long, b"ada"], "insurer": [b"bo", *reversed(long)]}
        assert sorted(rows_of(align(identifiers), identifiers)) == long

    def test_refuses_identifiers_that_cannot_be_meant(self) -> None:
        raised = align({"clinic": [b"ada", b"x" * (2**22 + 1)], "insurer": INSURER}).raised
        with pytest.raises(SpecError, match=r"identifier of row 1 has 4194305 bytes"):
            raise raised["clinic"]

    def test_shows_how_far_it_is(self) -> None:
        events = list[Event]()
        identifiers = {"clinic": people(0, 9), "insurer": people(0, 9_000)}
        align(identifiers, telemetry=Telemetry(events.append))
        assert [(at.stage, at.done, at.total) for at in events] == [
            ("align", 1, 3),
            ("align", 2, 3),
            ("align", 3, 3),
        ]

    def test_tells_what_the_enclaves_showed(self) -> None:
        star = align({"clinic": CLINIC, "insurer": INSURER, "bank": CLINIC})
        assert {name: set(found.claims) for name, found in star.found.items()} == {
            "clinic": {"insurer", "bank"},
            "insurer": {"clinic"},
            "bank": {"clinic"},
        }
        claims = star.found["insurer"].claims["clinic"]
        assert (claims.kind, claims.protects) == (Kind.SIMULATED, False)

    def test_lets_its_party_see_evidence_before_it_is_judged(self) -> None:
        seen = dict[str, Evidence]()
        strict = trust_of("clinic", policy=EnclavePolicy(), shown=seen.__setitem__)
        star = align({"clinic": CLINIC, "insurer": INSURER}, trust={"clinic": strict})
        assert "clinic" in star.raised
        assert seen.keys() == {"clinic", "insurer"}
        assert all(evidence.kind is Kind.SIMULATED for evidence in seen.values())

    @pytest.mark.parametrize("share", ["rows", "size", "nothing"])
    def test_sends_what_was_forecast(self, share: Share) -> None:
        identifiers = {"clinic": people(0, 9_000), "insurer": people(10, 20_000)}
        star = align(identifiers, results={"insurer": share}, rows_step=1_024)
        spec = AttestedAlignment(results={"passive": share})
        rows = {"active": 9_000, "passive": 19_990}
        sizes = Sizes(rows, shared=8_990, train=0, test=0, test_rows={}, rounds=0)
        for role, way in (("active", ("clinic", "insurer")), ("passive", ("insurer", "clinic"))):
            expected = [flow for flow in forecast(spec, sizes) if flow.sender == role]
            assert len(star.sent[way]) == sum(flow.count for flow in expected)
            assert sum(map(len, star.sent[way])) == pytest.approx(
                sum(flow.bytes for flow in expected), rel=0.05
            )


class TestOrder:
    def test_is_another_one_in_every_run(self) -> None:
        identifiers = {"clinic": people(0, 60), "insurer": people(0, 60)}
        orders = {tuple(rows_of(align(identifiers), identifiers)) for _ in range(2)}
        assert len(orders | {tuple(people(0, 60))}) == 3

    def test_does_not_depend_on_the_order_of_the_input(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(enclave, "mixed", lambda _, purpose: purpose.encode().ljust(32))
        clinic, insurer = people(0, 60), people(20, 90)
        inputs: list[Mapping[str, Sequence[bytes]]] = [
            {"clinic": clinic, "insurer": insurer},
            {"clinic": clinic[::-1], "insurer": shuffled(insurer)},
        ]
        first, second = (rows_of(align(each), each) for each in inputs)
        assert first == second


class TestResults:
    def told(self, **results: str) -> dict[str, tuple[bool, int | None]]:
        star = align({"clinic": CLINIC, "insurer": INSURER, "bank": CLINIC}, results=results)
        assert not star.raised
        return {name: (found.index is not None, found.size) for name, found in star.found.items()}

    def test_are_rows_where_the_job_says_nothing(self) -> None:
        assert self.told() == dict.fromkeys(("clinic", "insurer", "bank"), (True, 2))

    def test_are_what_the_job_gives_to_each_party(self) -> None:
        assert self.told(clinic="nothing", insurer="rows", bank="size") == {
            "clinic": (False, None),
            "insurer": (True, 2),
            "bank": (False, 2),
        }

    def test_may_go_to_the_first_party_alone(self) -> None:
        told = self.told(insurer="nothing", bank="nothing")
        assert told == {"clinic": (True, 2), "insurer": (False, None), "bank": (False, None)}

    def test_that_others_do_not_get_do_not_cross(self) -> None:
        star = align(TWO, results={"insurer": "size"})
        assert b"SealedPositions" not in b"".join(star.sent["clinic", "insurer"])


class TestTooFewRows:
    def sentences(self, star: Star) -> set[str]:
        assert not star.found
        assert all(type(error) is JobError for error in star.raised.values())
        return {str(error) for error in star.raised.values()}

    def test_stop_all_parties_with_the_same_sentence(self) -> None:
        star = align({"clinic": CLINIC, "insurer": INSURER, "bank": CLINIC}, minimum_size=3)
        (sentence,) = self.sentences(star)
        assert sentence.startswith("the alignment found too few shared rows: the job asks for 3.")
        assert len(star.raised) == 3

    def test_are_not_counted_for_anybody(self) -> None:
        nobody = align({"clinic": CLINIC, "insurer": [b"x", b"y"]}, minimum_size=3)
        two = align({"clinic": CLINIC, "insurer": [b"ada", b"bo"]}, minimum_size=3)
        assert self.sentences(nobody) == self.sentences(two)
        for way in nobody.sent:
            assert list(map(len, nobody.sent[way])) == list(map(len, two.sent[way]))

    @pytest.mark.parametrize("empty", ["clinic", "insurer"])
    def test_are_what_a_party_without_rows_makes(self, empty: str) -> None:
        assert self.sentences(align(TWO | {empty: []}))


class TestLimits:
    def test_refuse_a_party_that_brings_too_many_rows(self) -> None:
        star = align(TWO | {"insurer": people(0, 17)}, limits={"insurer": 16})
        with pytest.raises(PeerError, match=r"'insurer' brings up to 24 rows.*allows it 16"):
            raise star.raised["clinic"]
        assert star.sent["clinic", "insurer"][1:] == []  # but for the number of rows

    def test_refuse_the_first_party_too(self) -> None:
        star = align(TWO | {"clinic": people(0, 17)}, limits={"clinic": 16})
        with pytest.raises(PeerError, match=r"'clinic' brings up to 24 rows"):
            raise star.raised["insurer"]

    def test_are_rounded_as_the_numbers_are(self) -> None:
        assert not align(TWO, limits={"insurer": 5, "clinic": 4}).raised


class TestDuplicates:
    @pytest.mark.parametrize("party", ["clinic", "insurer"])
    def test_are_refused_by_the_partys_own_enclave(self, party: str) -> None:
        star = align(TWO | {party: [b"ada", b"bo", b"ada"]})
        with pytest.raises(PeerError, match="an identifier occurs twice among our own rows"):
            raise star.raised[party]
        assert not star.found
