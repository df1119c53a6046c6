"""Every change of a ledger is found, and the first bad line is named."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import LedgerError
from isthmus.ledger.record import Ledger
from isthmus.ledger.verify import Verdict, verify
from isthmus.transport.message import Message, encode


class Progress(Message, frozen=True):
    round: int


KEY = Ed25519PrivateKey.generate()


def is_signed_by_owner(message: bytes, signature: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, message)
    except InvalidSignature:
        return False
    return True


def ledger(rounds: int, *, sealed: bool = True) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        with Ledger(path) as open_ledger:
            for number in range(rounds):
                message = Progress(round=number)
                open_ledger.append(message, encode(message), to="clinic")
            if sealed:
                open_ledger.seal(KEY.sign)
        return path.read_bytes()


LEDGER = ledger(4)
LINES = LEDGER.splitlines(keepends=True)


def check(content: bytes) -> Verdict:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        path.write_bytes(content)
        return verify(path, is_signed_by_owner)


def is_found(content: bytes) -> bool:
    """Cutting off the seal leaves a ledger of a run that did not finish: the verdict says so."""
    try:
        return not check(content).sealed
    except LedgerError:
        return True


class TestWhole:
    def test_a_finished_run(self) -> None:
        assert str(check(LEDGER)) == "4 records, chain unbroken, sealed, signature valid."

    def test_a_run_that_did_not_finish(self) -> None:
        verdict = check(ledger(1, sealed=False))
        assert not verdict.sealed
        assert str(verdict) == (
            "1 record, chain unbroken, not sealed: the run did not finish, "
            "so its end may be missing."
        )

    def test_says_that_nobody_checked_the_signature(self, tmp_path: Path) -> None:
        (tmp_path / "ledger.jsonl").write_bytes(LEDGER)
        assert "the signature was not checked" in str(verify(tmp_path / "ledger.jsonl"))

    def test_equal_ledgers_have_equal_heads(self) -> None:
        assert check(LEDGER).head == check(b"".join(LINES[:-1])).head
        assert check(LEDGER).head != check(b"".join(LINES[:-2])).head


class TestTampered:
    @given(st.integers(0, len(LEDGER) - 1), st.integers(0, 255))
    def test_any_changed_byte_is_found(self, position: int, value: int) -> None:
        changed = LEDGER[:position] + bytes([value]) + LEDGER[position + 1 :]
        assert changed == LEDGER or is_found(changed)

    @given(st.integers(0, len(LEDGER) - 1))
    def test_any_cut_tail_is_found(self, length: int) -> None:
        assert is_found(LEDGER[:length])

    @given(st.sets(st.integers(0, len(LINES) - 1), min_size=1))
    def test_any_deleted_lines_are_found(self, deleted: set[int]) -> None:
        assert is_found(b"".join(line for n, line in enumerate(LINES) if n not in deleted))

    @given(st.permutations(LINES))
    def test_any_other_order_is_found(self, lines: list[bytes]) -> None:
        assert lines == LINES or is_found(b"".join(lines))

    def test_a_seal_by_another_key_is_found(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        path.write_bytes(b"".join(LINES[:-1]))
        with Ledger(path) as forged:
            forged.seal(Ed25519PrivateKey.generate().sign)
        with pytest.raises(LedgerError, match="signature of the seal is not its owner's"):
            verify(path, is_signed_by_owner)


def edited(line: int, edit: Callable[[bytes], bytes]) -> bytes:
    return b"".join([*LINES[:line], edit(LINES[line]), *LINES[line + 1 :]])


class TestAdvice:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (edited(1, lambda line: line.replace(b"clinic", b"bank")), "line 3 does not continue"),
            (edited(1, lambda line: line.replace(b":", b": ", 1)), "line 2 was changed after"),
            (edited(1, lambda _: b"hello\n"), "line 2 is not a record"),
            (edited(1, lambda _: b""), "line 2: record 1 should stand before it"),
            (b"".join([LINES[0], *LINES[3:]]), "line 2: records 1-2 should stand before it"),
            (edited(1, lambda line: line + line), "line 3 is repeated or out of order"),
            (LEDGER[:-1], "line 5 is cut off in the middle"),
            (LEDGER + LINES[-1], "line 6 comes after the seal"),
        ],
    )
    def test_names_the_first_bad_line(self, content: bytes, sentence: str) -> None:
        with pytest.raises(LedgerError, match=f"{sentence}.*ask its owner for the original"):
            check(content)

    def test_names_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(LedgerError, match=r"ledger\.jsonl: cannot be read: No such file"):
            verify(tmp_path / "ledger.jsonl")
