"""What an attested alignment lets the relaying parties, or someone on the line, see."""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from isthmus.alignment.attested import buckets, messages
from isthmus.alignment.attested import enclave as inside
from isthmus.alignment.attested.messages import (
    SealedIdentifiers,
    SealedKey,
    SealedPositions,
    SealedSeed,
    SealedVerdict,
)
from isthmus.crypto.column_mac import column_mac
from isthmus.crypto.sealing import FRAME_BYTES
from isthmus.transport.message import Message, Protection, protections
from tests.star import Star, align
from tests.transcripts import kinds, of_kinds

CLINIC = [f"P-{number:08}".encode() for number in range(48_213_000, 48_213_300)]
INSURER = [f"P-{number:08}".encode() for number in range(48_213_200, 48_222_200)]
TO_INSURER, TO_CLINIC = ("clinic", "insurer"), ("insurer", "clinic")

SEALED: tuple[type[Message], ...] = (
    SealedSeed,
    SealedKey,
    SealedIdentifiers,
    SealedVerdict,
    SealedPositions,
)


def honest(clinic: Sequence[bytes] = CLINIC, insurer: Sequence[bytes] = INSURER) -> Star:
    star = align({"clinic": clinic, "insurer": insurer})
    assert not star.raised
    return star


def shape(star: Star) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Messages and their sizes in order, each way; but certificates in evidence vary in length."""
    return {
        way: [
            (kind, len(one))
            for kind, one in zip(kinds(sent), sent, strict=True)
            if kind != "EnclaveEvidence"
        ]
        for way, sent in star.sent.items()
    }


def frames(star: Star) -> list[bytes]:
    return [
        message.frame  # type: ignore[attr-defined] # all have one
        for sent in star.sent.values()
        for message in of_kinds(sent, *SEALED)
    ]


class TestTranscript:
    def test_holds_only_what_the_contract_declares_for_each_direction(self) -> None:
        sent = {way: Counter(kinds(one)) for way, one in honest().sent.items()}
        meeting = {"PaddedRowCount": 1, "Challenge": 1, "EnclaveEvidence": 1}
        assert sent[TO_INSURER] == meeting | {
            "SealedKey": 1,
            "SealedVerdict": 1,
            "SealedPositions": 1,
        }
        assert sent[TO_CLINIC] == meeting | {"SealedSeed": 1, "SealedIdentifiers": 3}

    def test_is_listed_in_the_contract_in_words(self) -> None:
        for kind in {kind for sent in honest().sent.values() for kind in kinds(sent)}:
            assert f"| {kind} " in str(messages.__doc__)

    def test_looks_the_same_for_sets_of_equal_sizes_and_equal_intersection(self) -> None:
        others = [f"a quite long other identifier {number}".encode() for number in range(9_200)]
        assert shape(honest()) == shape(honest(others[:300], others[200:]))

    def test_looks_the_same_whatever_the_intersection(self) -> None:
        others = [b"%d" % number for number in range(9_000)]
        assert shape(honest()) == shape(honest(others[:300], others))

    def test_looks_the_same_for_sets_that_differ_less_than_the_step(self) -> None:
        assert shape(honest()) == shape(honest(CLINIC[1:], INSURER[:-7]))

    def test_hides_every_value_but_sizes_and_evidence(self) -> None:
        for kind in SEALED:
            assert protections(kind) == {"frame": Protection.ENCRYPTED}

    def test_names_what_must_be_agreed_to(self) -> None:
        assert [kind.__name__ for kind in SEALED if kind.discloses] == [
            "SealedIdentifiers",
            "SealedPositions",
        ]


class TestIdentifiers:
    @pytest.mark.parametrize(
        "form",
        [
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
            lambda name: hashlib.blake2b(name, digest_size=16).digest(),
        ],
    )
    def test_do_not_cross_nor_any_plain_hash_of_one(self, form: Callable[[bytes], bytes]) -> None:
        star = honest(CLINIC, INSURER[:200])
        recorded = b"".join(one for sent in star.sent.values() for one in sent)
        assert not [name for name in (*CLINIC, *INSURER[:200]) if form(name) in recorded]

    def test_do_not_cross_as_the_digests_that_the_enclaves_compare(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = list[bytes]()

        def watched(*arguments: object) -> buckets.Words:
            digests: buckets.Words = column_mac(*arguments)  # type: ignore[arg-type] # passed on
            made.append(digests.astype("<u8").tobytes() + digests.astype(">u8").tobytes())
            return digests

        monkeypatch.setattr(inside, "column_mac", watched)
        recorded = b"".join(one for sent in honest().sent.values() for one in sent)
        digests = [one[i : i + 16] for one in made for i in range(0, len(one), 16)]
        assert len(digests) == 2 * (len(CLINIC) + len(INSURER))
        assert not [digest for digest in digests[::7] if digest in recorded]


class TestFrames:
    def test_are_all_of_one_size(self) -> None:
        assert {len(frame) for frame in frames(honest())} == {FRAME_BYTES}

    def test_differ_between_runs_with_equal_input(self) -> None:
        chunks = [
            frame[i : i + 16]
            for star in (honest(), honest())
            for frame in frames(star)
            for i in range(0, FRAME_BYTES, 16)
        ]
        assert len(set(chunks)) == len(chunks)


@pytest.fixture(scope="module", name="stream")
def make_stream() -> NDArray[np.uint8]:
    """All that crosses sealed in one run, in which most payloads are zeros and repetitions."""
    return np.frombuffer(b"".join(frames(honest())), np.uint8)


class TestRandomness:
    """A relaying party sees bytes that look random; thresholds are far out in the tails."""

    def test_of_bytes(self, stream: NDArray[np.uint8]) -> None:
        expected = stream.size / 256
        chi_square = ((np.bincount(stream, minlength=256) - expected) ** 2 / expected).sum()
        # 255 degrees of freedom: outside of this with probability 1e-9.
        assert 140 < chi_square < 419

    def test_of_bits(self, stream: NDArray[np.uint8]) -> None:
        ones, bits = int(np.unpackbits(stream).sum()), 8 * stream.size
        assert abs(ones - bits / 2) < 6.2 * (bits / 4) ** 0.5  # standard deviations: 6e-10

    @pytest.mark.parametrize("lag", [1, 2, 4, 8, 16, FRAME_BYTES])
    def test_of_neighbours(self, stream: NDArray[np.uint8], lag: int) -> None:
        first, second = stream[:-lag].astype(float), stream[lag:].astype(float)
        correlation = np.corrcoef(first, second)[0, 1]
        assert abs(correlation) < 6.2 / (stream.size - lag) ** 0.5

    def test_is_tested_sharply_enough_to_see_a_payload(self) -> None:
        plain = np.frombuffer(b"".join(CLINIC), np.uint8)
        with pytest.raises(AssertionError):
            self.test_of_bytes(plain)
