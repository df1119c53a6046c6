"""The errors of this package. Each class has an exit code, and says who has to act."""

import errno
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar


class IsthmusError(Exception):
    """A failure that the reader can act on: what happened, where, and what to do next."""

    exit_code: ClassVar[int] = 1


class SpecError(IsthmusError):
    """Your job file, party file or data is wrong; nothing was sent."""

    exit_code = 2


class JobError(SpecError):
    """The job asks for more than the parties' data allow together; its text is sent to the peers.

    So it may hold counts that all parties know, and nothing of one party's files.
    """


class DataError(SpecError):
    """A data set is not what is asked of it; its text has a line for each problem, if several."""


class FileError(SpecError):
    """A job file or a party file has several problems; its text has a line for each."""


class ContradictionError(SpecError, ValueError):
    """Keys of one table contradict each other.

    It is a ValueError too: msgspec, which reads files, adds the file and the table to those.
    """


class DiskError(SpecError):
    """This machine has no room for a file; what was written before is whole."""


class OutOfMemoryError(SpecError):
    """This machine has too little memory, or gives this process too little of it."""


class PeerError(IsthmusError):
    """The other side broke the protocol, or found a fault of its own: look at the other side."""

    exit_code = 3


class ChannelError(IsthmusError):
    """The line failed or stayed silent, or the peer was cut short: run the same command again."""

    exit_code = 4


class LedgerError(IsthmusError):
    """A ledger was changed after it was written, or cannot be read."""

    exit_code = 5


class PolicyError(IsthmusError):
    """Your own policy forbids what the job asks for; it was not sent."""

    exit_code = 6


def of_exit_code(code: int) -> type[IsthmusError]:
    """Returns the class with this exit code, or IsthmusError if there is none."""
    known = (kind for kind in IsthmusError.__subclasses__() if kind.exit_code == code)
    return next(known, IsthmusError)


def of_name(name: str) -> type[IsthmusError] | None:
    """Returns the class with this name, or None if there is none."""
    return next((kind for kind in _tree(IsthmusError) if kind.__name__ == name), None)


def one_line(message: str) -> str:
    """No line breaks, and no control characters: what a peer wrote must not steer the terminal."""
    words = " ".join(message.splitlines())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in words)


def told(error: BaseException) -> str:
    """Returns what a terminal shows of an error: one line, or one for each problem of a file."""
    ours = isinstance(error, DataError | FileError)  # what a peer wrote stays in one line
    lines = str(error).splitlines() if ours else [str(error)]
    return "\n".join(one_line(line) for line in lines)


def _tree(kind: type[IsthmusError]) -> Iterator[type[IsthmusError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


@contextmanager
def naming_file(path: Path) -> Generator[None]:
    """Put the path of a file before the message of a SpecError that the block raises.

    An error of a more special kind knows what it is about, and stays as it is.

    Args:
        path: The file that the block reads.

    Yields:
        Nothing.

    Raises:
        SpecError: The error of the block, with the path before its message.
    """
    try:
        yield
    except SpecError as error:
        if type(error) is not SpecError:
            raise
        raise SpecError(f"{path}: {error}") from None


@contextmanager
def disk_full_is_error(path: Path) -> Generator[None]:
    """Turn the OSError of a full disk into a DiskError, in a block that writes a file.

    Args:
        path: The file, or the folder of several files.

    Yields:
        Nothing.

    Raises:
        DiskError: The disk is full.
        OSError: The file could not be written for another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskError(
            f"{path}: no space left to write it ({os.strerror(error.errno)}). Make room on that "
            "disk, and start the same command again: nothing that was written before is lost."
        ) from None


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk, a quota, the largest file allowed
