"""Worker processes of a party on its own machine: starting them, talking to them, ending them."""

import multiprocessing
import multiprocessing.connection
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from isthmus.core.errors import ChannelError

_GRACE = 3.0  # seconds for a worker to end after its pipe is closed


class WorkerDiedError(ChannelError):
    """A worker process has ended before it was done."""

    def __init__(self) -> None:
        super().__init__(
            "a worker process of ours ended before it was done. Run the same command again on all "
            "sides; if it ends again, look for a lack of memory, or of room for temporary files."
        )


class Pipe:
    """The worker's end: bytes in, bytes out."""

    def __init__(self, pipe: "multiprocessing.connection.Connection[bytes, bytes]") -> None:
        self._pipe = pipe

    def receive(self) -> bytes:
        """Wait for the next bytes; EOFError when the party has closed the pipe."""
        return self._pipe.recv_bytes()

    def send(self, data: bytes) -> None:
        """Send bytes to the party."""
        self._pipe.send_bytes(data)


class WorkerProcess:
    """A worker process, and our end of the pipe to it."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        """Start a process.

        Args:
            work: A function of a module, called with the `Pipe` and the arguments.
            *arguments: Numbers or text.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(work, theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """Number of the process."""
        return self._process.pid

    def send(self, data: bytes) -> None:
        """Send bytes.

        Args:
            data: The bytes.

        Raises:
            WorkerDiedError: The process has ended.
        """
        try:
            self._pipe.send_bytes(data)
        except OSError:
            raise WorkerDiedError from None

    def receive(self) -> bytes:
        """Wait for bytes.

        Returns:
            The bytes.

        Raises:
            WorkerDiedError: The process has ended.
        """
        try:
            return self._pipe.recv_bytes()
        except (OSError, EOFError):
            raise WorkerDiedError from None

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(_GRACE)
        self._process.kill()
        self._process.join()


def _run(
    work: Callable[..., None],
    pipe: "multiprocessing.connection.Connection[bytes, bytes]",
    *arguments: Any,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the party, which then ends us
    with suppress(OSError, EOFError):
        work(Pipe(pipe), *arguments)
