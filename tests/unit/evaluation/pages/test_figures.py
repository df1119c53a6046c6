"""Figures of a run over columns."""

from isthmus.evaluation.pages.figures import convergence_figure, timing_figure
from tests.unit.evaluation.pages.reading import texts


class TestConvergence:
    def test_leaves_out_what_a_party_does_not_know(self) -> None:
        shown = texts(convergence_figure([1, 2], [], [0.1, 0.001]))
        assert "gradient norm" in shown
        assert "loss" not in shown


class TestTiming:
    def test_writes_the_seconds_beside_each_stage(self) -> None:
        shown = texts(timing_figure({"align": 6.25, "encrypt": 31.0}))
        assert {"align", "6.25 s", "encrypt", "31.00 s"} <= set(shown)


class TestNames:
    def test_are_shown_as_they_are(self) -> None:
        svg = timing_figure({"<b>&$x^2$": 1.0})
        assert "<b>&$x^2$" in texts(svg)
