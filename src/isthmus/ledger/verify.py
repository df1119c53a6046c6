"""Verification of a ledger: is it unchanged, and is it complete?"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from isthmus.core.errors import LedgerError
from isthmus.ledger.record import GENESIS, Seal, read


class Verdict(msgspec.Struct, frozen=True):
    """The result of verifying a ledger whose chain is unbroken."""

    records: int
    sealed: bool
    signature_checked: bool
    head: str  # SHA-256 of the last record's line: equal in all copies of a ledger
    notice: str = ""  # the warning in the records, if there is one

    def __str__(self) -> str:
        """The verdict in one sentence, and the notice of the records."""
        return f"{self._found()} {self.notice}".rstrip()

    def _found(self) -> str:
        chain = f"{self.records:,} record{'' if self.records == 1 else 's'}, chain unbroken"
        if not self.sealed:
            return f"{chain}, not sealed: the run did not finish, so its end may be missing."
        if not self.signature_checked:
            return f"{chain}, sealed; the signature was not checked."
        return f"{chain}, sealed, signature valid."


def verify(path: Path, check_signature: Callable[[bytes, bytes], bool] | None = None) -> Verdict:
    """Check every line of a ledger, and its seal if it has one.

    Args:
        path: The file.
        check_signature: Returns whether a message (first argument) has this signature of the
            ledger's owner (second). None: the signature is not checked, and the verdict says so.

    Returns:
        The verdict.

    Raises:
        LedgerError: A line was changed, removed, moved or cut off, or the signature is not the
            owner's; the first bad line is named.
    """
    count, head, notice = 0, GENESIS, ""
    seal: Seal | None = None
    for entry, digest in read(path):
        if isinstance(entry, Seal):
            seal = entry
        else:
            count, head, notice = count + 1, digest, notice or entry.notice
    if seal and check_signature and not check_signature(seal.signed(), seal.signature):
        raise LedgerError(
            f"{path}: the signature of the seal is not its owner's. "
            "Check it with the owner's certificate, and ask the owner for the original."
        )
    checked = seal is not None and check_signature is not None
    return Verdict(count, seal is not None, checked, head, notice)
