"""One tree of errors; each class says who has to act, and is an exit code of the command line."""

from collections.abc import Generator
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


@contextmanager
def about(path: Path) -> Generator[None]:
    """Let an error in the block name the file: who reads bytes does not know where they are from.

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
        raise SpecError(f"{path}: {error}") from None
