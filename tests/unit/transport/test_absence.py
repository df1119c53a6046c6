"""How long a missing peer is waited for, and who is told."""

import pytest

from isthmus.core.errors import DiskError, IsthmusError
from isthmus.transport import absence
from isthmus.transport.absence import GONE, Absence, OnAbsence, nobody


class Line:
    """A line without a connection."""

    peer = "insurer"

    def __init__(self) -> None:
        self.over = False
        self.ended_by: IsthmusError | None = None

    def finish(self, error: IsthmusError | None = None) -> None:
        """End it."""
        self.over, self.ended_by = True, error


class Clock:
    """Seconds that a test lets pass."""

    now = 100.0

    def monotonic(self) -> float:
        """Returns the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(absence, "time", found)
    return found


def missing(on_absence: OnAbsence = nobody, patience: float = 600.0) -> tuple[Line, Absence]:
    line = Line()
    return line, Absence(line, patience, on_absence)


class TestAbsence:
    def test_goes_on_in_silence_until_patience_ends(self, clock: Clock) -> None:
        line, away = missing()
        for seconds, goes_on in ((0.0, True), (599.0, True), (1.0, False)):
            clock.now += seconds
            assert away.goes_on(closed=False) == goes_on
        assert line.over

    def test_goes_on_for_ten_seconds_where_a_machine_answers_that_nobody_listens(
        self, clock: Clock
    ) -> None:
        _, away = missing()
        clock.now += 100.0
        assert away.goes_on(closed=True)
        clock.now += GONE - 0.1
        assert away.goes_on(closed=True)
        assert away.goes_on(closed=False)  # silence again
        clock.now += 0.2
        assert away.goes_on(closed=True)
        clock.now += GONE
        assert not away.goes_on(closed=True)

    def test_is_told_once_and_so_is_its_end(self, clock: Clock) -> None:
        told = list[tuple[str, float]]()
        _, away = missing(lambda peer, left: told.append((peer, left)))
        for seconds in (1.0, 1.5, 1.0):
            clock.now += seconds
            away.goes_on(closed=False)
        away.end()
        assert told == [("insurer", 597.5), ("insurer", 0.0)]

    def test_of_a_moment_is_not_told(self, clock: Clock) -> None:
        told = list[str]()
        _, away = missing(lambda peer, _: told.append(peer))
        clock.now += 1.0
        away.goes_on(closed=False)
        away.end()
        assert told == []

    def test_that_cannot_be_told_ends_the_line_with_the_reason(self, clock: Clock) -> None:
        full = DiskError("the disk is full")

        def tell(_peer: str, _left: float) -> None:
            raise full

        line, away = missing(tell)
        clock.now += 5.0
        away.goes_on(closed=False)
        assert line.ended_by is full
