"""What enclaves must agree on, what fits a message, and how much memory is asked for."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from isthmus.alignment.attested import memory, messages
from isthmus.alignment.attested.messages import BLOCK_BYTES, BLOCK_ROWS, EnclaveStart
from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.alignment.attested.terms import Terms
from isthmus.core.errors import JobError, PeerError
from isthmus.crypto.sealing import FRAME_BYTES
from isthmus.tee.evidence import Kind
from isthmus.tee.policy import EnclavePolicy
from isthmus.transport.message import Message, decode, encode

TERMS = Terms(
    job="digest",
    dataset="people",
    parties=("clinic", "insurer", "bank"),
    certificates={"clinic": b"one", "insurer": b"two", "bank": b"three"},
    minimum_size=100,
    rows_step=1_024,
    results={"insurer": "size"},
    memory_mib=2_048,
)


def start(us: str = "clinic", rows: int = 1_000, **changes: Any) -> EnclaveStart:
    return EnclaveStart(
        terms=msgspec.structs.replace(TERMS, **changes),
        us=us,
        rows=rows,
        kind=Kind.SIMULATED,
        endorsements=b"",
        policy=EnclavePolicy(),
        at_time=datetime(2026, 1, 1, tzinfo=UTC),
    )


class TestTerms:
    def test_say_where_identifiers_meet_and_what_each_party_gets(self) -> None:
        assert (TERMS.first, TERMS.others) == ("clinic", ("insurer", "bank"))
        assert [TERMS.share(name) for name in TERMS.parties] == ["rows", "size", "rows"]

    def test_have_a_digest_that_every_one_of_them_changes(self) -> None:
        others = {
            "job": "another digest",
            "dataset": "others",
            "parties": ("insurer", "clinic", "bank"),
            "certificates": {},
            "minimum_size": 99,
            "rows_step": 1_023,
            "results": {},
            "memory_mib": 2_047,
        }
        assert set(others) == set(Terms.__struct_fields__)
        changed = [
            msgspec.structs.replace(TERMS, **{name: value}) for name, value in others.items()
        ]
        digests = {terms.digest() for terms in (TERMS, *changed)}
        assert len(digests) == 1 + len(others)

    def test_are_equal_whatever_the_order_of_results(self) -> None:
        one = msgspec.structs.replace(TERMS, results={"bank": "size", "insurer": "size"})
        two = msgspec.structs.replace(TERMS, results={"insurer": "size", "bank": "size"})
        assert one.digest() == two.digest()


class TestMessages:
    @pytest.mark.parametrize(
        "message",
        [
            *(
                kind(frame=bytes(FRAME_BYTES))
                for kind in (
                    messages.SealedSeed,
                    messages.SealedKey,
                    messages.SealedIdentifiers,
                    messages.SealedVerdict,
                    messages.SealedPositions,
                )
            ),
            messages.IdentifierBlock(
                offsets=np.zeros(BLOCK_ROWS + 1, np.int64), octets=np.zeros(BLOCK_BYTES, np.uint8)
            ),
            messages.SharedBlock(rows=np.zeros(BLOCK_ROWS, np.int64)),
            messages.EnclaveVerdict(enough=True, size=2**40),
            start(),
        ],
        ids=lambda message: type(message).__name__,
    )
    def test_have_room_for_the_largest_block(self, message: Message) -> None:
        assert len(encode(message)) <= message.max_bytes

    @pytest.mark.parametrize("size", [FRAME_BYTES - 1, FRAME_BYTES + 1])
    def test_carry_frames_of_one_size_only(self, size: int) -> None:
        encoded = encode(messages.SealedSeed(frame=bytes(size)))
        with pytest.raises(PeerError, match=r"'insurer' sent something that is not a SealedSeed"):
            decode(encoded, messages.SealedSeed, "insurer")

    def test_bring_the_start_of_an_enclave_inside(self) -> None:
        assert decode(encode(start()), EnclaveStart, "our party") == start()


class TestMemory:
    def test_is_asked_for_by_rows_and_at_the_first_party_by_peers(self) -> None:
        few, many = memory.needed(start("insurer", 1_024)), memory.needed(start("insurer", 10_240))
        assert 9_216 * 48 <= many - few <= 9_216 * 64
        assert memory.needed(start("clinic", 10_240)) > many

    def test_of_ten_million_rows_is_far_below_four_gibibytes(self) -> None:
        assert memory.needed(start("clinic", 10_000_000)) < 2**30

    def test_that_is_too_little_is_named_with_what_is_enough(self) -> None:
        with pytest.raises(JobError, match=r"'clinic' needs \d+ MiB .*`alignment.memory_mib` is 9"):
            memory.check(start(memory_mib=9))
        memory.check(start(memory_mib=2**20))


class TestSpec:
    @pytest.mark.parametrize(
        "line",
        [
            "minimum_size = 0",
            "rows_step = 0",
            "memory_mib = 255",
            'results = { clinic = "all" }',
        ],
    )
    def test_refuses_what_cannot_work(self, line: str) -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.toml.decode(line, type=AttestedAlignment)

    def test_says_what_every_key_means(self) -> None:
        schema = msgspec.json.schema(AttestedAlignment)["$defs"]["AttestedAlignment"]
        keys = {name: key for name, key in schema["properties"].items() if name != "method"}
        assert all(key.get("description") for key in keys.values())
