"""The ledger tells everything about what left, except what it said."""

import hashlib
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.ledger.channel import RecordedChannel
from isthmus.ledger.policy import Policy
from isthmus.ledger.record import Ledger, Record, records
from isthmus.transport.loopback import loopback
from isthmus.transport.message import Encrypted, Message

NAME = "ada-lovelace"
WEIGHT = 0.123456789


class Leaky(Message, frozen=True):
    """Holds one value of every kind, each easy to find again."""

    purpose: ClassVar[str] = "test"

    name: str
    names: list[str]
    secret: bytes
    cover: Encrypted
    weights: Floats
    count: int


LEAKY = Leaky(
    name=NAME,
    names=[NAME, NAME],
    secret=NAME.encode(),
    cover=NAME.encode(),
    weights=np.array([WEIGHT, WEIGHT]),
    count=987654321,
)


@pytest.fixture
def sent_and_ledger(tmp_path: Path) -> tuple[list[bytes], Path]:
    to_insurer, insurer = loopback("clinic", "insurer", patience=5)
    path = tmp_path / "ledger.jsonl"
    with to_insurer, insurer, Ledger(path) as ledger:
        for _ in range(3):
            RecordedChannel(to_insurer, ledger, Policy()).send(LEAKY)
        ledger.seal(lambda _: b"signature")
    return to_insurer.sent, path


class TestLedger:
    def test_holds_no_value_that_was_sent(self, sent_and_ledger: tuple[list[bytes], Path]) -> None:
        sent, path = sent_and_ledger
        assert all(NAME.encode() in message for message in sent)  # the search below would find it
        text = path.read_bytes()
        for value in (NAME, str(WEIGHT), str(LEAKY.count)):
            assert value.encode() not in text
        for encoding in (NAME.encode().hex(), LEAKY.weights.tobytes().hex()):
            assert encoding.encode() not in text

    def test_has_one_record_for_each_message_that_left(
        self, sent_and_ledger: tuple[list[bytes], Path]
    ) -> None:
        sent, path = sent_and_ledger
        assert [record.digest for record in records(path)] == [
            hashlib.sha256(message).hexdigest() for message in sent
        ]
        assert [record.bytes for record in records(path)] == [len(message) for message in sent]

    def test_has_these_keys_and_no_others(self, sent_and_ledger: tuple[list[bytes], Path]) -> None:
        _, path = sent_and_ledger
        *lines, seal = map(json.loads, path.read_text().splitlines())
        for line in lines:
            assert {"notice"} | set(line) == {"type", *Record.__struct_fields__}
            for value in line["values"]:
                assert set(value) == {"name", "kind", "shape", "bytes", "protection"}
        assert set(seal) == {"type", "records", "time", "previous", "signature"}
