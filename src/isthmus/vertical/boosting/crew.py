"""Who computes on ciphertexts at one party: this process, or workers that it starts."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.crypto.encryption import Encryption
from isthmus.crypto.scheme import PublicKey
from isthmus.vertical.boosting.encrypted import EncryptedRows, RowSums, encrypted_blocks
from isthmus.vertical.boosting.packing import Packing
from isthmus.vertical.boosting.workers import workers


@dataclass(frozen=True)
class Crew:
    """Encrypts and adds up rows."""

    key: PublicKey
    """What all of it is under."""

    encrypted_blocks: Callable[[Packing, Integers, int], Iterator[bytes]]
    """The gradients of a tree's rows in blocks of so many: see `encrypted`."""

    rows: Callable[[Bins, Bools, int], RowSums]
    """What adds up the rows of a tree: bins, groups of the root, rows of a block."""


@contextmanager
def crew(count: int, encryption: Encryption, key: PublicKey) -> Generator[Crew]:
    """Find who computes, and let them go after the block.

    Args:
        count: Worker processes; with one, this process does the work itself.
        encryption: What the job says.
        key: What all work is under.

    Yields:
        The crew.
    """
    if count == 1:
        yield Crew(key, partial(encrypted_blocks, key), partial(_alone, key))
        return
    scheme, engine, bits = encryption.scheme, encryption.engine, encryption.key_bits
    with workers(count, scheme, engine, bits, key) as found:
        yield Crew(key, found.encrypted_blocks, found.rows)


def _alone(key: PublicKey, bins: Bins, starts: Bools, _block_rows: int) -> RowSums:
    return EncryptedRows(key, bins, starts)
