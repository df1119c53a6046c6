"""Figures of a run over columns."""

from isthmus.evaluation.pages.convergence import Convergence, convergence_figure
from isthmus.evaluation.pages.figures import timing_figure
from tests.unit.evaluation.pages.reading import said, texts


class TestConvergence:
    def test_leaves_out_what_a_party_does_not_know(self) -> None:
        shown = texts(convergence_figure(Convergence([1, 2], [], [0.1, 0.001])))
        assert "gradient norm" in shown
        assert "loss" not in shown

    def test_marks_that_training_stopped_before_it_converged(self) -> None:
        curve = Convergence([1, 2], [0.6, 0.5], [0.1, 0.01], kept=2, converged=False)
        assert "stopped, not converged" in texts(convergence_figure(curve))
        assert "Stopped, not converged." in said(convergence_figure(curve))

    def test_marks_the_round_with_the_lowest_loss_of_held_out_rows(self) -> None:
        curve = Convergence([1, 2, 3], [0.6, 0.5, 0.4], [], [0.6, 0.55, 0.7], kept=2)
        shown = texts(convergence_figure(curve))
        assert {"training rows", "held-out rows", "kept 2 of 3"} <= set(shown)
        assert "validation loss from 0.6 to 0.7" in said(convergence_figure(curve))


class TestTiming:
    def test_writes_the_seconds_beside_each_stage(self) -> None:
        shown = texts(timing_figure({"align": 6.25, "encrypt": 31.0}))
        assert {"align", "6.25 s", "encrypt", "31.00 s"} <= set(shown)


class TestNames:
    def test_are_shown_as_they_are(self) -> None:
        svg = timing_figure({"<b>&$x^2$": 1.0})
        assert "<b>&$x^2$" in texts(svg)
