from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress

from isthmus.cli.progress import SECONDS_BETWEEN_LINES, Bars, Lines, live, state
from isthmus.core.telemetry import Event


class TestState:
    def test_says_how_far_a_stage_is(self) -> None:
        event = Event("train", 3, 50, metrics={"loss": 0.58791, "gradient_norm": 0.0049})
        assert state(event) == "3 of 50, loss 0.5879, gradient norm 0.0049"

    def test_is_the_note_where_nothing_is_counted(self) -> None:
        assert state(Event("train", note="making a key")) == "making a key"


class TestLines:
    @pytest.fixture
    def lines(self) -> Lines:
        return Lines()

    def test_a_new_stage_is_a_line(self, lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
        lines("clinic", Event("align", 1, 9, time=0))
        lines("clinic", Event("train", 0, 50, time=0))
        assert capsys.readouterr().err == "clinic: align 1 of 9\nclinic: train 0 of 50\n"

    def test_steps_in_between_are_not(
        self, lines: Lines, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for step in range(1, 9):
            lines("", Event("align", step, 9, time=0))
        assert capsys.readouterr().err == "align 1 of 9\n"

    def test_unless_the_last_line_is_old(
        self, lines: Lines, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines("", Event("align", 1, 9, time=0))
        lines("", Event("align", 2, 9, time=SECONDS_BETWEEN_LINES))
        assert capsys.readouterr().err == "align 1 of 9\nalign 2 of 9\n"

    def test_the_end_of_a_stage_is_a_line(
        self, lines: Lines, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines("", Event("align", 8, 9, time=0))
        lines("", Event("align", 9, 9, time=0))
        assert capsys.readouterr().err.endswith("align 9 of 9\n")

    def test_parties_do_not_hide_each_other(
        self, lines: Lines, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines("clinic", Event("align", 1, 9, time=0))
        lines("insurer", Event("align", 1, 9, time=0))
        assert capsys.readouterr().err == "clinic: align 1 of 9\ninsurer: align 1 of 9\n"

    def test_are_what_a_pipe_gets(self, capsys: pytest.CaptureFixture[str]) -> None:
        with live() as watch:
            watch("clinic", Event("align", 1, 9))
        assert capsys.readouterr().err == "clinic: align 1 of 9\n"


class TestBars:
    def test_are_one_per_party(self) -> None:
        progress = Progress(console=Console(file=StringIO()))
        bars = Bars(progress)
        bars("clinic", Event("align", 1, 9))
        bars("insurer", Event("align", 2, 9))
        bars("clinic", Event("train", note="making a key"))
        clinic, insurer = progress.tasks
        assert (clinic.description, clinic.fields["state"]) == ("train", "making a key")
        assert (insurer.description, insurer.fields["state"]) == ("align", "2 of 9")
        assert clinic.percentage == 0
        assert insurer.percentage == pytest.approx(200 / 9)
