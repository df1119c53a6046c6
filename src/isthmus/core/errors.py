"""One tree of errors; each class says who has to act, and is an exit code of the command line."""

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


class DiskError(SpecError):
    """This machine has no room for a file; what was written before is whole."""


class PeerError(IsthmusError):
    """The other side broke the protocol: stop, and look at the other side."""

    exit_code = 3


class ChannelError(IsthmusError):
    """The line to the other side failed or stayed silent: run the same command again."""

    exit_code = 4


class LedgerError(IsthmusError):
    """A ledger was changed after it was written, or cannot be read."""

    exit_code = 5


class PolicyError(IsthmusError):
    """Your own policy forbids what the job asks for; it was not sent."""

    exit_code = 6


def of_exit_code(code: int) -> type[IsthmusError]:
    """The class whose error ends a process with this code."""
    known = (kind for kind in IsthmusError.__subclasses__() if kind.exit_code == code)
    return next(known, IsthmusError)


def of_name(name: str) -> type[IsthmusError] | None:
    """The class with this name, or None where there is none."""
    return next((kind for kind in _tree(IsthmusError) if kind.__name__ == name), None)


def _tree(kind: type[IsthmusError]) -> Iterator[type[IsthmusError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


@contextmanager
def naming_file(path: Path) -> Generator[None]:
    """Let an error in the block name the file: who reads bytes does not know where they are from.

    An error of a more special kind knows what it is about, and stays as it is.

    Args:
        path: The file that the block is about.

    Yields:
        Nothing.

    Raises:
        SpecError: What the block raised, with the path before it.
    """
    try:
        yield
    except SpecError as error:
        if type(error) is not SpecError:
            raise
        raise SpecError(f"{path}: {error}") from None


@contextmanager
def disk_full_is_error(path: Path) -> Generator[None]:
    """Let a full disk say so in the block that writes a file.

    Args:
        path: The file, or the folder of several.

    Yields:
        Nothing.

    Raises:
        DiskError: There was no room for it.
        OSError: It could not be written for another reason.
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
