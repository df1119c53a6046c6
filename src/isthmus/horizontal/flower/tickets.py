"""How a ServerApp finds the files of who started the run, and says how it ended.

A run's configuration reaches every SuperNode, so no path may be in it. It holds the random number
of a ticket: a file in Flower's own folder, which only the user of both processes can read. No
path from a run's configuration is ever opened.
"""

import os
import re
import secrets
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from isthmus.core.errors import SpecError
from isthmus.store import atomic

Settings = dict[str, str]
"""Where a party's files lie on its own machine; the keys are up to who plays the role."""


class Ticket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a ServerApp needs; in a simulation, what every ClientApp needs too."""

    master: Settings
    children: dict[str, Settings] = {}
    """By name, for a simulation: one for each of its nodes. On a federation they have their own."""


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a run ended; no error means well."""

    error: Annotated[str, Meta(max_length=100)] = ""
    """Class of the error."""

    text: str = ""


class Desk:
    """Where one ticket lies, and what comes of it."""

    def __init__(self, number: str) -> None:
        """Find the place of a ticket.

        Args:
            number: As `issue` made it; a stranger's text.

        Raises:
            SpecError: It is no such number.
        """
        if not _NUMBER.fullmatch(number):
            raise SpecError(
                "the run's configuration has no ticket of isthmus: start it with `isthmus run`, "
                "not with `flwr run`."
            )
        self.number = number
        self._ticket = _folder() / f"{number}.json"
        self._ending = _folder() / f"{number}.ending.json"

    @classmethod
    def issue(cls, ticket: Ticket) -> "Desk":
        """Put a ticket where a process of the same user finds it."""
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        desk = cls(secrets.token_hex(16))
        atomic.write(desk._ticket, msgspec.json.encode(ticket))
        return desk

    def ticket(self) -> Ticket:
        """Read the ticket.

        Returns:
            The ticket.

        Raises:
            SpecError: It does not lie here.
        """
        try:
            return msgspec.json.decode(self._ticket.read_bytes(), type=Ticket)
        except OSError:
            raise SpecError(
                "the ticket of this run does not lie on this machine: start `isthmus run` where "
                "the SuperLink runs, as the same user and with the same FLWR_HOME; a SuperNode "
                "names its files in `--node-config`."
            ) from None

    def end(self, ending: Ending) -> None:
        """Say how the run ended."""
        atomic.write(self._ending, msgspec.json.encode(ending))

    def ending(self) -> Ending | None:
        """How the run ended, if it has."""
        if not self._ending.exists():
            return None
        return msgspec.json.decode(self._ending.read_bytes(), type=Ending)

    def clear(self) -> None:
        """Take the ticket away: nobody can come with it any more."""
        self._ticket.unlink(missing_ok=True)
        self._ending.unlink(missing_ok=True)


_NUMBER = re.compile(r"[0-9a-f]{32}")


def _folder() -> Path:
    home = os.environ.get("FLWR_HOME")
    return (Path(home) if home else Path.home() / ".flwr") / "isthmus"
