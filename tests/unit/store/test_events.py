"""The event log of a run."""

import math
import stat
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import DiskError, SpecError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.store.events import EventLog, follow
from tests.disk import full_disk


class TestEventLog:
    def test_events_come_back_in_order(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        with EventLog(path) as log:
            telemetry = Telemetry(log)
            telemetry.progress("align", 1, 2, note="halfway")
            telemetry.progress("train", 1, loss=float(np.float64(0.5)))
        align, train = follow(path)
        assert (align.stage, align.done, align.total, align.note) == ("align", 1, 2, "halfway")
        assert train.metrics == {"loss": 0.5}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_takes_numbers_of_numpy_and_leaves_out_what_json_cannot_say(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "events.jsonl"
        with EventLog(path) as log:
            log(Event("train", metrics={"loss": math.nan, "norm": np.float64(2.0)}))
        [event] = follow(path)
        assert event.metrics == {"norm": 2.0}

    def test_a_resumed_run_goes_on_in_the_same_file(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        for stage in ("align", "train"):
            with EventLog(path) as log:
                log(Event(stage))
        assert [event.stage for event in follow(path)] == ["align", "train"]

    def test_stays_whole_on_a_full_disk(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        with EventLog(path) as log:
            log(Event("align"))
            with full_disk(path.stat().st_size + 10), pytest.raises(DiskError):
                log(Event("train"))
            log(Event("score"))
        assert [event.stage for event in follow(path)] == ["align", "score"]


class TestFollow:
    def test_waits_for_what_is_yet_to_come(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        looks = iter(["align", "train"])

        def finished() -> bool:
            stage = next(looks, None)
            if stage is not None:
                with EventLog(path) as log:
                    log(Event(stage))
            return stage is None

        stages = [event.stage for event in follow(path, finished, pause=0)]
        assert stages == ["align", "train"]

    def test_a_run_that_has_not_started_has_no_events(self, tmp_path: Path) -> None:
        assert list(follow(tmp_path / "events.jsonl")) == []

    def test_leaves_a_line_that_is_still_being_written(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        path.write_text('{"stage":"align"}\n{"sta')
        assert [event.stage for event in follow(path)] == ["align"]

    def test_names_a_file_that_is_no_event_log(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        path.write_text("hello\n")
        with pytest.raises(SpecError, match=r"events\.jsonl: is not an event log"):
            list(follow(path))
