"""A process of a party that dies by SIGKILL at a moment that is given as a number.

Moments are: a message is about to leave and is in the ledger, a message has come, a file or folder
has been put in its place, and, where a message left right before it, is about to be put there. The
first moment has the number 1.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from isthmus.cli.main import execute
from isthmus.ledger.channel import RecordedChannel
from isthmus.ledger.policy import Policy
from isthmus.ledger.record import Ledger
from isthmus.store import atomic
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, MessageT


class Moments:
    """Counts the moments of this process, writes each down, and dies at one of them."""

    def __init__(self, log: Path, last: int | None) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._left = last
        self._sent = False
        self._lock = threading.Lock()

    def pass_one(self, name: str) -> None:
        """Note a moment, and die if it is the last one."""
        with self._lock:
            self._pass_one(name)

    def _pass_one(self, name: str) -> None:
        if name.startswith("write ") and not self._sent:
            return  # all is as it was at the moment before
        self._sent = name.startswith("send ")
        os.write(self._log, name.encode() + b"\n")
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class _Watched:
    """A line whose moments count; what else it can do is done by the line itself."""

    def __init__(self, line: Channel, moments: Moments) -> None:
        self._line = line
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)

    def send(self, message: Message) -> None:
        self._moments.pass_one(f"send {type(message).__name__}")
        self._line.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        message = self._line.receive(kind)
        self._moments.pass_one(f"receive {kind.__name__}")
        return message


def count(moments: Moments) -> None:
    """Let this process pass its moments."""
    opens, replacing, folders = (
        RecordedChannel.__init__,
        atomic.replacing,
        atomic.replacing_folder,
    )

    def open_watched(self: RecordedChannel, line: Channel, ledger: Ledger, policy: Policy) -> None:
        opens(self, _Watched(line, moments), ledger, policy)

    @contextmanager
    def replacing_watched(path: Path) -> Generator[IO[bytes]]:
        with replacing(path) as file:
            yield file
            moments.pass_one(f"write {path.name}")
        moments.pass_one(f"written {path.name}")

    @contextmanager
    def folder_watched(folder: Path) -> Generator[Path]:
        with folders(folder) as new:
            yield new
            moments.pass_one(f"write {folder.name}/")
        moments.pass_one(f"written {folder.name}/")

    RecordedChannel.__init__ = open_watched  # type: ignore[method-assign, assignment]
    atomic.replacing = replacing_watched
    atomic.replacing_folder = folder_watched


def play(arguments: Sequence[str], log: Path, last: int | None, output: Path) -> None:
    """Run a command in a process that was made for it, in a session of its own.

    Args:
        arguments: Of the command `isthmus`.
        log: Where moments are written down.
        last: Number of the moment to die at; None: none.
        output: What it prints.
    """
    os.setsid()
    with output.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    count(Moments(log, last))
    try:
        code = execute([*arguments, "--json"])
    except BaseException:
        traceback.print_exc()
        raise
    sys.exit(code)
