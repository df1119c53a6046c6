"""The memory that an enclave will need, computed before it receives identifiers."""

import resource
from pathlib import Path

from isthmus.alignment.attested.buckets import padded
from isthmus.alignment.attested.messages import EnclaveStart
from isthmus.core.errors import JobError

_ROW_BYTES = 48
"""Most bytes per row at one time, after sorting: 16 for the digest, 16 for the sorted digest, 8 for
its row, and a reserve."""

_PEER_ROW_BYTES = 5
"""Bytes per row and peer in the first enclave: the peer's slot, and a flag."""

_WORK_BYTES = 64 * 2**20
"""Bytes for messages, blocks of identifiers, evidence, and threads."""


def check(start: EnclaveStart) -> None:
    """Refuse an alignment for which this process has too little memory.

    Args:
        start: The message that the enclave was started with.

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
    """Returns the most bytes that the alignment needs at one time, without the program itself."""
    rows = padded(start.rows, start.terms.rows_step)
    peers = len(start.terms.others) if start.us == start.terms.first else 1
    return _WORK_BYTES + rows * (_ROW_BYTES + peers * _PEER_ROW_BYTES)


def _taken() -> int:
    """Returns the bytes of address space of this process, which the limit includes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
