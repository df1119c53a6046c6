"""Genuine evidence beside the repository, and what a forger would make of evidence."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from isthmus.core.errors import IsthmusError, PeerError

SHARED = Path(os.environ.get("ISTHMUS_DATA", Path(__file__).parents[4] / "shared" / "data"))
GENUINE = SHARED / "attestation"

needs_genuine = pytest.mark.skipif(
    not GENUINE.exists(), reason="genuine evidence is not beside the repository (ISTHMUS_DATA)"
)


def flips(data: bytes, signed: slice, count: int) -> Iterator[bytes]:
    """The data with one bit changed, for `count` bits spread over all of its signed part."""
    start, stop, _ = signed.indices(len(data))
    for number in range(count):
        changed = bytearray(data)
        changed[start + number * (stop - start) // count] ^= 1 << number % 8
        yield bytes(changed)


def survivors(forged: Iterator[bytes], verify: Callable[[bytes], object]) -> list[bytes]:
    """What got through of what had to be refused, with a sentence about the other side."""

    def passes(one: bytes) -> bool:
        try:
            verify(one)
        except PeerError:
            return False
        return True

    return [one for one in forged if passes(one)]


def refused_or_read(verify: Callable[[], object]) -> None:
    """Garbage may be refused by an error of ours, or be no garbage; nothing else may happen."""
    with suppress(IsthmusError):
        verify()
