"""How much memory an enclave will need, known before it takes in a single identifier."""

import resource
from pathlib import Path

from isthmus.alignment.attested.buckets import padded
from isthmus.alignment.attested.messages import EnclaveStart
from isthmus.core.errors import JobError

_ROW_BYTES = 48
"""Most bytes per row at one time: once digests are sorted, 16 for each as it came, 16 for it in
order and 8 for its row, and some to spare; before and after it is less."""

_PEER_ROW_BYTES = 5
"""Bytes per row and peer in the first enclave: the peer's slot, and whether it has the row."""

_WORK_BYTES = 64 * 2**20
"""For messages, blocks of identifiers that are being hashed, evidence, and threads."""


def check(start: EnclaveStart) -> None:
    """Refuse an alignment for which this process has too little memory.

    Args:
        start: What the enclave was told.

    Raises:
        JobError: The job's limit is too low.
    """
    limit = start.terms.memory_mib
    need = -(-(needed(start) + _taken()) // 2**20)
    if need > limit:
        raise JobError(
            f"the enclave of {start.us!r} needs {need} MiB of memory for its identifiers, but "
            f"`alignment.memory_mib` is {limit}. Agree on {need} or more."
        )


def needed(start: EnclaveStart) -> int:
    """Most bytes that the alignment takes at one time, beside those of the program itself."""
    rows = padded(start.rows, start.terms.rows_step)
    peers = len(start.terms.others) if start.us == start.terms.first else 1
    return _WORK_BYTES + rows * (_ROW_BYTES + peers * _PEER_ROW_BYTES)


def _taken() -> int:
    """Bytes of address space that this process has already: what the limit counts."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
