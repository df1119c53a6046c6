"""Genuine evidence beside the repository, and what a forger would make of evidence."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from isthmus.core.errors import IsthmusError, PeerError
from tests import real_data
from tests.thoroughness import some

GENUINE = real_data.BESIDE / "attestation"

needs_genuine = real_data.needs(GENUINE)


def flips(data: bytes, signed: slice, count: int) -> Iterator[bytes]:
    """The data with one bit changed, for `some` of `count` bits spread over its signed part."""
    start, stop, _ = signed.indices(len(data))
    for number in some(range(count)):
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
