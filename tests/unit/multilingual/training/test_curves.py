"""Losses as TensorBoard reads them."""

from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from isthmus.core.telemetry import Event, Telemetry
from isthmus.multilingual.training import curves


def told(run: Path, *steps: int, loss: float = 1.0) -> list[Event]:
    """Tell of training; returns what the sink was told."""
    events = list[Event]()
    telemetry = Telemetry(events.append)
    with curves.drawn(run, telemetry) as both:
        both.progress("vocabulary")
        for step in steps:
            both.progress("train", step, 9, loss_pairs=loss, tokens_per_s=5.0)
        with both.timed("train"):
            pass
    assert "train" in telemetry.seconds
    return events


def read(run: Path) -> Any:
    found = EventAccumulator(str(run / curves.FOLDER))
    found.Reload()
    return found


class TestDrawn:
    def test_are_a_curve_for_each_metric(self, tmp_path: Path) -> None:
        events = told(tmp_path, 3, 6)
        assert [event.done for event in events] == [0, 3, 6]
        found = read(tmp_path)
        assert set(found.Tags()["scalars"]) == {"loss/pairs", "tokens_per_s"}
        assert [(it.step, it.value) for it in found.Scalars("loss/pairs")] == [(3, 1.0), (6, 1.0)]

    def test_have_no_points_of_an_earlier_start_behind_the_checkpoint(self, tmp_path: Path) -> None:
        told(tmp_path, 3, 6, 9)
        told(tmp_path, 6, 9, loss=2.0)
        points = [(it.step, it.value) for it in read(tmp_path).Scalars("loss/pairs")]
        assert points == [(3, 1.0), (6, 2.0), (9, 2.0)]

    def test_are_not_there_without_tensorboard(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(curves, "find_spec", lambda _: None)
        assert len(told(tmp_path, 3)) == 2
        assert not (tmp_path / curves.FOLDER).exists()
