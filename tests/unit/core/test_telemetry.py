"""Progress for one's own side."""

import pytest

from isthmus.core.telemetry import Event, Telemetry


class TestProgress:
    def test_reaches_the_sink_with_its_metrics(self) -> None:
        events: list[Event] = []
        Telemetry(events.append).progress("train", 2, 5, note="goes on", loss=0.5)
        (event,) = events
        assert (event.stage, event.done, event.total, event.note) == ("train", 2, 5, "goes on")
        assert event.metrics == {"loss": 0.5}
        assert event.time > 0

    def test_needs_nobody_who_watches(self) -> None:
        Telemetry().progress("align")


class TestTimed:
    def test_adds_seconds_up_by_name(self) -> None:
        telemetry = Telemetry()
        with telemetry.timed("align"):
            pass
        once = telemetry.seconds["align"]
        with telemetry.timed("align"):
            pass
        assert 0 < once < telemetry.seconds["align"]

    def test_counts_a_block_that_failed(self) -> None:
        telemetry = Telemetry()
        with pytest.raises(ValueError, match="broken"), telemetry.timed("align"):
            raise ValueError("broken")
        assert telemetry.seconds["align"] > 0
