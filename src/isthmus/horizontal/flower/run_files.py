"""Files through which a ServerApp finds the party that started it, and reports how it ended.

A run's configuration reaches every SuperNode, so no path may be in it. It holds a random number:
the name of a file in Flower's own folder, which only the user of both processes can read, and in
which the paths are. No path from a run's configuration is ever opened.
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
"""Paths of a party's files on its own machine; the keys are chosen by who plays the role."""


class RunFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The files that a ServerApp needs, and in a simulation those of every ClientApp."""

    master: Settings
    children: dict[str, Settings] = {}
    """By name, one for each node of a simulation. On a federation each node names its own files."""


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a run ended; without an error, it succeeded."""

    error: Annotated[str, Meta(max_length=100)] = ""
    """Name of the class of the error."""

    text: str = ""


class RunFilesStore:
    """The file with the run files of one run, and the file that says how the run ended."""

    def __init__(self, number: str) -> None:
        """Locate the files of a run.

        Args:
            number: From the run's configuration, which anybody may have written.

        Raises:
            SpecError: It is not a number that `create` made.
        """
        if not _NUMBER.fullmatch(number):
            raise SpecError(
                "the run's configuration names no files of isthmus: start it with `isthmus run`, "
                "not with `flwr run`."
            )
        self.number = number
        self._file = _folder() / f"{number}.json"
        self._ending = _folder() / f"{number}.ending.json"

    @classmethod
    def create(cls, files: RunFiles) -> "RunFilesStore":
        """Write run files where a process of the same user finds them."""
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        store = cls(secrets.token_hex(16))
        atomic.write(store._file, msgspec.json.encode(files))
        return store

    def read(self) -> RunFiles:
        """Read the run files.

        Returns:
            The run files.

        Raises:
            SpecError: They are not on this machine.
        """
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=RunFiles)
        except OSError:
            raise SpecError(
                "the files of this run are not named on this machine: start `isthmus run` where "
                "the SuperLink runs, as the same user and with the same FLWR_HOME; a SuperNode "
                "names its files in `--node-config`."
            ) from None

    def end(self, ending: Ending) -> None:
        """Write how the run ended."""
        atomic.write(self._ending, msgspec.json.encode(ending))

    def ending(self) -> Ending | None:
        """Returns how the run ended, or nothing if it has not."""
        if not self._ending.exists():
            return None
        return msgspec.json.decode(self._ending.read_bytes(), type=Ending)

    def clear(self) -> None:
        """Delete both files."""
        self._file.unlink(missing_ok=True)
        self._ending.unlink(missing_ok=True)


_NUMBER = re.compile(r"[0-9a-f]{32}")


def _folder() -> Path:
    home = os.environ.get("FLWR_HOME")
    return (Path(home) if home else Path.home() / ".flwr") / "isthmus"
