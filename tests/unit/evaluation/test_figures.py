"""Figures that can be read, by people and by programs."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from isthmus.core.seeds import generator
from isthmus.evaluation.classification import ks_curve, lift, roc
from isthmus.evaluation.figures import (
    convergence_figure,
    ks_figure,
    lift_figure,
    roc_figure,
    timing_figure,
)

SVG = "{http://www.w3.org/2000/svg}"
RANDOM = generator(7, "figures")
LABEL = (RANDOM.random(500) < 0.3).astype(np.int64)
SCORE = LABEL + RANDOM.normal(size=500)

DRAW: dict[str, Callable[[], str]] = {
    "ROC curve": lambda: roc_figure({"joint": roc(LABEL, SCORE)}),
    "KS curve": lambda: ks_figure(ks_curve(LABEL, SCORE)),
    "Rate of positives by group of scores": lambda: lift_figure(lift(LABEL, SCORE)),
    "Convergence": lambda: convergence_figure([1, 2], [0.6, 0.5], [0.1, 0.001]),
    "Seconds by stage": lambda: timing_figure({"align": 6.25, "encrypt": 31.0}),
}


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 (we drew it ourselves)


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in parse(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(("title", "draw"), DRAW.items(), ids=list(DRAW))
class TestEveryFigure:
    def test_tells_a_screen_reader_what_it_shows(self, title: str, draw: Callable[[], str]) -> None:
        svg = parse(draw())
        assert (svg.get("role"), svg.get("aria-label")) == ("img", title)
        assert svg.findtext(f"{SVG}title") == title
        assert svg.findtext(f"{SVG}desc", "").endswith(".")

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


class TestConvergence:
    def test_leaves_out_what_a_party_does_not_know(self) -> None:
        shown = texts(convergence_figure([1, 2], [], [0.1, 0.001]))
        assert "gradient norm" in shown
        assert "loss" not in shown


class TestTiming:
    def test_writes_the_seconds_beside_each_stage(self) -> None:
        assert {"align", "6.25 s", "encrypt", "31.00 s"} <= set(texts(DRAW["Seconds by stage"]()))


class TestNames:
    def test_are_shown_as_they_are(self) -> None:
        svg = timing_figure({"<b>&$x^2$": 1.0})
        assert "<b>&$x^2$" in texts(svg)
