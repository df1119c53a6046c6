"""Every figure of a report: readable, by people and by programs, and the same every time."""

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.seeds import generator
from isthmus.evaluation.classification import ks_curve, lift, roc
from isthmus.evaluation.pages.convergence import Convergence, convergence_figure
from isthmus.evaluation.pages.figures import (
    calibration_figure,
    ks_figure,
    lift_figure,
    roc_figure,
    timing_figure,
)
from isthmus.evaluation.pages.rounds_figures import (
    bars_figure,
    dots_figure,
    learning_figure,
    weights_figure,
)
from isthmus.evaluation.probabilities import calibration
from tests.unit.evaluation.pages.reading import SVG, parse, said

RANDOM = generator(7, "figures")
LABEL = (RANDOM.random(500) < 0.3).astype(np.int64)
LABELS: Floats = LABEL.astype(np.float64)
SCORE: Floats = LABEL + RANDOM.normal(size=500)
PROBABILITY: Floats = np.array(1 / (1 + np.exp(1 - SCORE)), np.float64)

ACCURACIES = {"party-000": 0.5, "party-001": 0.75}
WEIGHTS = {f"child-{child:02d}": {1: 1 / 30, 2: child / 500} for child in range(30)}

DRAW: dict[str, Callable[[], str]] = {
    "ROC curve": lambda: roc_figure({"joint": roc(LABEL, SCORE)}),
    "KS curve": lambda: ks_figure(ks_curve(LABEL, SCORE)),
    "Rate of positives by group of scores": lambda: lift_figure(lift(LABEL, SCORE)),
    "Calibration": lambda: calibration_figure(calibration(LABELS, PROBABILITY)),
    "Convergence": lambda: convergence_figure(Convergence([1, 2], [0.6, 0.5], [0.1, 0.001])),
    "Seconds by stage": lambda: timing_figure({"align": 6.25, "encrypt": 31.0}),
    "What each child counts for": lambda: weights_figure(2, WEIGHTS, {"child-00"}),
    "Training at the children": lambda: learning_figure(2, {"loss": [{1: 0.5, 2: 0.4}]}),
    "Accuracy by way of training": lambda: bars_figure(
        "Accuracy by way of training", {"actor_critic": 0.93, "fedavg": 0.71}, "actor_critic"
    ),
    "Accuracy at each party": lambda: dots_figure(
        "Accuracy at each party", {"shared": ACCURACIES, "alone": ACCURACIES}
    ),
}


@pytest.mark.parametrize(("title", "draw"), DRAW.items(), ids=list(DRAW))
class TestEveryFigure:
    def test_tells_a_screen_reader_what_it_shows(self, title: str, draw: Callable[[], str]) -> None:
        svg = parse(draw())
        assert (svg.get("role"), svg.get("aria-label")) == ("img", title)
        assert svg.findtext(f"{SVG}title") == title
        assert said(draw()).endswith(".")

    def test_is_the_same_every_time(self, title: str, draw: Callable[[], str]) -> None:
        assert draw() == draw(), title

    def test_fits_a_phone_with_letters_of_a_readable_size(
        self, title: str, draw: Callable[[], str]
    ) -> None:
        svg = parse(draw())
        width = float(svg.attrib["viewBox"].split()[2])
        assert width <= 340, title
        assert all("font-size: 11px" in text.get("style", "") for text in svg.iter(f"{SVG}text"))

    def test_leaves_the_settings_of_others_alone(self, title: str, draw: Callable[[], str]) -> None:
        before = dict(mpl.rcParams)
        draw()
        assert dict(mpl.rcParams) == before, title
