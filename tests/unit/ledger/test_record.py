"""What a ledger writes, and how it goes on after a crash."""

import hashlib
import stat
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import DiskError, LedgerError
from isthmus.ledger.record import GENESIS, Ledger, Record, is_sealed, records, reopen
from isthmus.transport.message import Encrypted, Message, Protection, Value, encode
from tests.disk import full_disk


class Shares(Message, frozen=True):
    purpose: ClassVar[str] = "predict"

    first_row: int
    values: Floats
    cover: Encrypted


SHARES = Shares(first_row=7, values=np.ones((3, 2)), cover=b"0123456789")


def write(path: Path, count: int) -> list[Record]:
    with Ledger(path) as ledger:
        return [ledger.append(SHARES, encode(SHARES), to="clinic") for _ in range(count)]


def unsigned(_message: bytes) -> bytes:
    return b"signature"


class TestAppend:
    def test_notes_everything_but_the_values(self, tmp_path: Path) -> None:
        [record] = write(tmp_path / "ledger.jsonl", 1)
        assert (record.to, record.message, record.purpose) == ("clinic", "Shares", "predict")
        assert record.values == [
            Value("first_row", "int", (), 1, Protection.CLEAR),
            Value("values", "float64", (3, 2), 48, Protection.CLEAR),
            Value("cover", "bytes", (10,), 10, Protection.ENCRYPTED),
        ]
        assert record.bytes == len(encode(SHARES))
        assert record.digest == hashlib.sha256(encode(SHARES)).hexdigest()

    def test_names_the_line_before(self, tmp_path: Path) -> None:
        first, second = write(tmp_path / "ledger.jsonl", 2)
        line = (tmp_path / "ledger.jsonl").read_bytes().splitlines()[0]
        assert first.previous == GENESIS
        assert second.previous == hashlib.sha256(line).hexdigest()

    def test_is_in_the_file_when_it_returns(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        with Ledger(path) as ledger:
            record = ledger.append(SHARES, encode(SHARES), to="clinic")
            assert records(path) == [record]

    def test_adds_up_bytes_by_peer_and_by_type(self, tmp_path: Path) -> None:
        with Ledger(tmp_path / "ledger.jsonl") as ledger:
            ledger.append(SHARES, b"12345", to="clinic")
            ledger.append(SHARES, b"123", to="bank")
            assert ledger.bytes_to == {"clinic": 5, "bank": 3}
            assert ledger.bytes_of == {"Shares": 8}
            assert ledger.total_bytes == 8

    def test_keeps_the_file_private(self, tmp_path: Path) -> None:
        write(tmp_path / "ledger.jsonl", 1)
        assert stat.S_IMODE((tmp_path / "ledger.jsonl").stat().st_mode) == 0o600

    def test_says_that_nothing_was_sent_when_it_cannot_write(self, tmp_path: Path) -> None:
        with pytest.raises(LedgerError, match="Nothing was sent"):
            Ledger(tmp_path / "no such folder" / "ledger.jsonl")

    @pytest.mark.parametrize("room", [0, 10])
    def test_a_full_disk_stops_the_message(self, tmp_path: Path, room: int) -> None:
        with (
            Ledger(tmp_path / "ledger.jsonl") as ledger,
            full_disk(room),
            pytest.raises(DiskError, match=r"ledger\.jsonl: no space left"),
        ):
            ledger.append(SHARES, encode(SHARES), to="clinic")
        assert write(tmp_path / "ledger.jsonl", 1) == records(tmp_path / "ledger.jsonl")

    def test_goes_on_after_the_disk_was_full(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        with Ledger(path) as ledger:
            with full_disk(10), pytest.raises(DiskError):
                ledger.append(SHARES, encode(SHARES), to="clinic")
            record = ledger.append(SHARES, encode(SHARES), to="clinic")
            assert (ledger.messages, records(path)) == (1, [record])

    def test_says_that_the_disk_is_full_when_it_cannot_sign(self, tmp_path: Path) -> None:
        with (
            Ledger(tmp_path / "ledger.jsonl") as ledger,
            full_disk(),
            pytest.raises(DiskError, match="no space left"),
        ):
            ledger.seal(unsigned)

    def test_refuses_to_write_behind_the_seal(self, tmp_path: Path) -> None:
        with Ledger(tmp_path / "ledger.jsonl") as ledger:
            ledger.seal(unsigned)
            with pytest.raises(LedgerError, match="is closed"):
                ledger.append(SHARES, encode(SHARES), to="clinic")


class TestResume:
    def test_continues_the_chain_and_the_totals(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        before = write(path, 2)
        with Ledger(path) as ledger:
            assert ledger.total_bytes == 2 * before[0].bytes
            after = ledger.append(SHARES, encode(SHARES), to="clinic")
        assert records(path) == [*before, after]

    def test_drops_a_line_that_a_crash_cut_short(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        [kept] = write(path, 1)
        path.write_bytes(path.read_bytes() + b'{"type":"record","seq')
        [added] = write(path, 1)
        assert records(path) == [kept, added]

    def test_goes_on_after_what_another_process_wrote_meanwhile(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        with Ledger(path) as ledger:
            before = ledger.append(SHARES, encode(SHARES), to="clinic")
            with ledger.lent():
                theirs = write(path, 2)
            assert (ledger.messages, ledger.total_bytes) == (3, 3 * before.bytes)
            after = ledger.append(SHARES, encode(SHARES), to="clinic")
        assert records(path) == [before, *theirs, after]

    def test_refuses_a_finished_run(self, tmp_path: Path) -> None:
        with Ledger(tmp_path / "ledger.jsonl") as ledger:
            ledger.seal(unsigned)
        with pytest.raises(LedgerError, match=r"its run has finished, .* then start a new run"):
            Ledger(tmp_path / "ledger.jsonl")

    def test_opens_a_sealed_ledger_again_for_a_run_that_goes_on_after_all(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "ledger.jsonl"
        with Ledger(path) as ledger:
            before = ledger.append(SHARES, encode(SHARES), to="clinic")
            ledger.seal(unsigned)
        assert is_sealed(path)
        reopen(path)
        assert not is_sealed(path)
        reopen(path)  # one that is open stays as it is
        with Ledger(path) as ledger:
            after = ledger.append(SHARES, encode(SHARES), to="clinic")
            ledger.seal(unsigned)
        assert records(path) == [before, after]
        assert is_sealed(path)

    def test_is_not_sealed_by_half_a_seal(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        with Ledger(path) as ledger:
            ledger.seal(unsigned)
        path.write_bytes(path.read_bytes()[:-9])
        assert not is_sealed(path)
        assert path.read_bytes() == b""
