"""How rows are shuffled and cut into blocks, and what the limits of the job and of messages are."""

from typing import Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.alignment.cryptographic import messages
from isthmus.alignment.cryptographic.diffie_hellman.messages import BlindedRows
from isthmus.alignment.cryptographic.diffie_hellman.points import blocks
from isthmus.alignment.cryptographic.oblivious import messages as oblivious
from isthmus.alignment.cryptographic.rows import secret_order
from isthmus.alignment.cryptographic.spec import (
    MAX_BATCH_ROWS,
    OBLIVIOUS_FROM,
    OBLIVIOUS_MOST,
    CryptographicAlignment,
    Protocol,
)
from isthmus.crypto.oblivious.corrections import PROOF_BYTES
from isthmus.crypto.oblivious.trees import GROWN_BYTES, TRANSFERS
from isthmus.crypto.oblivious.vole import BLOCK
from isthmus.transport.message import Message, encode

counts = st.integers(0, 50)


class TestSecretOrder:
    @given(counts)
    def test_holds_every_row_once(self, rows: int) -> None:
        assert sorted(secret_order(rows).tolist()) == list(range(rows))

    def test_is_another_one_each_time(self) -> None:
        assert secret_order(60).tolist() != secret_order(60).tolist()


class TestBlocks:
    @given(counts, counts, st.integers(1, 60))
    def test_cover_the_rows_of_both_parties(self, ours: int, theirs: int, size: int) -> None:
        rounds = list(blocks(ours, theirs, size))
        covered = [row for block in rounds for row in range(ours)[block.ours]]
        assert covered == list(range(ours))
        assert sum(block.theirs for block in rounds) == theirs
        assert all(block.theirs <= size for block in rounds)

    @given(counts, counts, st.integers(1, 60))
    def test_look_the_same_from_the_other_side(self, ours: int, theirs: int, size: int) -> None:
        here, there = blocks(ours, theirs, size), blocks(theirs, ours, size)
        for block, mirrored in zip(here, there, strict=True):
            assert len(range(ours)[block.ours]) == mirrored.theirs
            assert block.done == mirrored.done


class TestSpec:
    @pytest.mark.parametrize("line", ["minimum_size = 0", "batch_rows = 0", "batch_rows = 262_145"])
    def test_refuses_sizes_that_cannot_work(self, line: str) -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.toml.decode(line, type=CryptographicAlignment)

    @pytest.mark.parametrize(
        ("said", "rows", "protocol"),
        [
            ("auto", OBLIVIOUS_FROM - 1, "diffie-hellman"),
            ("auto", OBLIVIOUS_FROM, "oblivious"),
            ("auto", OBLIVIOUS_MOST, "oblivious"),
            ("auto", OBLIVIOUS_MOST + 1, "diffie-hellman"),
            ("diffie-hellman", OBLIVIOUS_FROM, "diffie-hellman"),
            ("oblivious", 1, "oblivious"),
        ],
    )
    def test_chooses_the_protocol_by_the_rows_of_the_larger_party(
        self, said: Protocol | Literal["auto"], rows: int, protocol: Protocol
    ) -> None:
        spec = CryptographicAlignment(protocol=said)
        assert spec.protocol_for(rows, 1) == spec.protocol_for(1, rows) == protocol

    def test_says_what_every_key_means(self) -> None:
        schema = msgspec.json.schema(CryptographicAlignment)["$defs"]["CryptographicAlignment"]
        keys = {name: key for name, key in schema["properties"].items() if name != "method"}
        assert all(key.get("description") for key in keys.values())


class TestMessages:
    @pytest.mark.parametrize(
        "message",
        [
            messages.RowCount(rows=2**32 - 1),
            BlindedRows(points=bytes(MAX_BATCH_ROWS * 32)),
            messages.ComparedRows(values=bytes(MAX_BATCH_ROWS * 32)),
            oblivious.TransferChoices(points=bytes(TRANSFERS * 64)),
            oblivious.GrownTrees(answer=bytes(32), keys=bytes(GROWN_BYTES)),
            oblivious.Corrections(slots=bytes(BLOCK * 16)),
            oblivious.CorrectionsProof(tags=bytes(PROOF_BYTES)),
            messages.SharedCount(rows=2**40),
            messages.SharedRows(positions=np.zeros(MAX_BATCH_ROWS, np.uint32)),
        ],
        ids=lambda message: type(message).__name__,
    )
    def test_have_room_for_the_largest_block(self, message: Message) -> None:
        assert len(encode(message)) <= message.max_bytes
