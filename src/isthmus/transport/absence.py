"""The time in which a peer is missing: who is told, and when it was long enough."""

import time
from collections.abc import Callable
from typing import Protocol

from isthmus.core.errors import IsthmusError

OnAbsence = Callable[[str, float], None]
"""Told who is missing and for how many seconds we still try; 0 once it is back."""

GONE = 10.0
"""Seconds after which a process is taken to have ended whose machine closed the connection."""

_TOLD = 2.0  # seconds without a connection; keepalive has waited for 8 before it gives one up


def nobody(_peer: str, _left: float) -> None:
    """Tell nobody about an absence."""


class Line(Protocol):
    """The line that lost its connection."""

    @property
    def peer(self) -> str:
        """Name of the party at the other end."""
        ...

    @property
    def over(self) -> bool:
        """Whether the line has ended for good."""
        ...

    def finish(self, error: IsthmusError | None = None) -> None:
        """End the line for good, for this reason or because the peer is gone."""
        ...


class Absence:
    """The time in which a peer is missing: tells about it, and says when it was long enough."""

    def __init__(self, line: Line, patience: float, on_absence: OnAbsence) -> None:
        """Begin now.

        Args:
            line: The line that lost its connection.
            patience: Seconds to wait at most.
            on_absence: Told who is missing, and who is back.
        """
        self._line = line
        self._patience = patience
        self._on_absence = on_absence
        self._began = time.monotonic()
        self._closed_since: float | None = None
        self._told = False

    def goes_on(self, *, closed: bool) -> bool:
        """Whether to wait on; tells who is missing when it is time to.

        Args:
            closed: Whether the peer's machine answers that nobody holds the line.

        Returns:
            False once the line has ended, also because this ends it.
        """
        now = time.monotonic()
        away = now - self._began
        if not closed:
            self._closed_since = None
        elif self._closed_since is None:
            self._closed_since = now
        closed_for = now - self._closed_since if self._closed_since is not None else 0.0
        if away >= self._patience or closed_for >= GONE:
            self._line.finish()
        if self._line.over:
            return False
        if away >= _TOLD and not self._told:
            self._told = True
            self._tell(self._patience - away)
        return True

    def end(self) -> None:
        """Tell that the peer is back, if it was told to be missing."""
        if self._told and not self._line.over:
            self._tell(0.0)

    def _tell(self, left: float) -> None:
        try:
            self._on_absence(self._line.peer, left)
        except IsthmusError as error:  # such as a full disk: the role hears of it
            self._line.finish(error)
