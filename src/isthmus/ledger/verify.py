"""Is a ledger as it was written, and is it whole?"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from isthmus.core.errors import LedgerError
from isthmus.ledger.record import GENESIS, Seal, read


class Verdict(msgspec.Struct, frozen=True):
    """What the check of an unbroken ledger found."""

    records: int
    sealed: bool
    signature_checked: bool
    head: str  # SHA-256 of the last record's line: two copies of one ledger have the same
    notice: str = ""  # what the records say that a reader must know

    def __str__(self) -> str:
        """The verdict in one sentence, and what a reader must know."""
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
        check_signature: Whether a message (first) has this signature (second) of the ledger's
            owner; `None` leaves the signature unchecked, and the verdict says so.

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
