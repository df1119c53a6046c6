# matplotlib's own types leave out most of their parameters:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Figures of training in rounds, readable with three children and with hundreds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from isthmus.core.arrays import Floats
from isthmus.evaluation.comparison import heading, in_words
from isthmus.evaluation.pages.drawing import (
    BLUE,
    FAINT,
    GREEN,
    LINES,
    ORANGE,
    PALE,
    PURPLE,
    STYLE,
    TITLE,
    WIDTH,
    canvas,
    hide_value_axis,
    svg,
)

Numbers = Mapping[int, float]
"""Numbers by round, from 1."""

_POINTS = 200  # of a line at most: more are indistinguishable, and make the page slow
_LINES = 20  # with more children, those that are not suspects are drawn as bands
_ROWS = 20  # with more parties, they share one row of dots
_LETTERS = 24  # of a name at most
_UNSUSPECTED = ((BLUE, "-"), (GREEN, "--"), (FAINT, ":"))  # orange is for those who attack
_MARKS = {
    "shared_head": ("s", BLUE),
    "shared": ("o", BLUE),
    "alone": ("D", ORANGE),
    "pooled": ("|", GREEN),
}
_OTHER_MARK = ("^", FAINT)


@rc_context(STYLE)
def weights_figure(
    rounds: int,
    weights: Mapping[str, Numbers],
    suspects: Collection[str] = (),
    attackers: Collection[str] = (),
) -> str:
    """Draw the weight of every child by round.

    Args:
        rounds: Number of rounds.
        weights: Weights by child.
        suspects: Children that stand out, which need not be ill will.
        attackers: Children that attack in a simulation: they alone are drawn as such.

    Returns:
        An `<svg>` element.
    """
    figure, axes = canvas(height=3.8)
    named = sorted({*suspects, *attackers}) or _extremes(weights)
    others = [_binned(rounds, weights[child]) for child in weights if child not in named]
    _draw_others(axes, _places(rounds), others)
    for child, (label, color, dashes) in _line_styles(named, suspects, attackers).items():
        line = _binned(rounds, weights[child])
        _draw_line(axes, _places(rounds), line, color=color, linestyle=dashes, label=label)
    axes.set(xlabel="round", ylabel="weight", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower left", alignment="left")
    return svg(figure, "What each child counts for", _weights_in_words(rounds, weights, named))


@rc_context(STYLE)
def learning_figure(rounds: int, measures: Mapping[str, Sequence[Numbers]]) -> str:
    """Draw measures that children report of their training: median and middle half of all children.

    A child may report anything: median and quartiles do not depend on a few extreme values.

    Args:
        rounds: Number of rounds.
        measures: By name of the measure, the numbers of each child; at least one.

    Returns:
        An `<svg>` element.
    """
    figure = Figure(figsize=(WIDTH, TITLE + 0.9 + 1.7 * len(measures)), layout="constrained")
    panels = figure.subplots(len(measures), sharex=True, squeeze=False)[:, 0]
    ends = list[str]()
    for axes, (name, children) in zip(panels, measures.items(), strict=True):
        low, middle, high = _quartiles([_binned(rounds, child) for child in children])
        axes.fill_between(
            _places(rounds), low, high, color=BLUE, alpha=0.2, linewidth=0, label="middle half"
        )
        _draw_line(axes, _places(rounds), middle, color=BLUE, label="median of the children")
        axes.set_ylabel(name)
        known = middle[np.isfinite(middle)]
        ends.append(f"the median {name} goes from {known[0]:.4g} to {known[-1]:.4g}")
    panels[-1].set_xlabel("round")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower left", ncols=2)
    return svg(figure, "Training at the children", f"In {rounds} rounds {'; '.join(ends)}.")


@rc_context(STYLE)
def bars_figure(title: str, values: Mapping[str, float], own: str) -> str:
    """Draw one measure of a few parties, or of a few ways of training.

    Args:
        title: Title of the figure.
        values: Values by name of the party or of the way of training.
        own: The name that is drawn in another colour.

    Returns:
        An `<svg>` element.
    """
    figure, axes = canvas(height=0.4 + 0.32 * len(values))
    colors = [BLUE if name == own else PALE for name in values]
    labels = [_short(name) for name in values]
    bars = axes.barh(range(len(values)), list(values.values()), color=colors, height=0.6)
    axes.bar_label(bars, [f"{value:.3f}" for value in values.values()], padding=3)
    axes.set_yticks(range(len(values)), labels)
    axes.margins(x=0.15)  # room for the labels
    hide_value_axis(axes)
    said = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
    return svg(figure, title, f"{said}.")


@rc_context(STYLE)
def dots_figure(title: str, models: Mapping[str, Mapping[str, float]]) -> str:
    """Draw one measure of several models at each party.

    Args:
        title: Title of the figure.
        models: Values by model, then by party; at least one model.

    Returns:
        An `<svg>` element.
    """
    parties = sorted({party for values in models.values() for party in values})
    in_rows = len(parties) <= _ROWS
    lines = [_short(name) for name in (parties if in_rows else map(heading, models))]
    figure, axes = canvas(height=0.9 + 0.3 * len(lines) + (0.25 * len(models) if in_rows else 0))
    for row, (model, values) in enumerate(models.items()):
        mark, color = _MARKS.get(model, _OTHER_MARK)
        at = [parties.index(party) for party in values] if in_rows else [row] * len(values)
        axes.scatter(
            list(values.values()),
            at,
            marker=mark,
            s=80 if mark == "|" else 34,
            linewidths=2 if mark == "|" else 0,
            color=color,
            alpha=1.0 if in_rows else 0.4,
            label=in_words(model),
        )
    axes.set_yticks(range(len(lines)), lines)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.grid(visible=not in_rows, axis="y")
    if in_rows:
        figure.legend(loc="outside lower left", alignment="left")
    means = (
        f"{in_words(model)} {np.mean(list(values.values())):.3f}"
        for model, values in models.items()
    )
    return svg(figure, title, f"Of {len(parties)} parties. On average {', '.join(means)}.")


def _binned(rounds: int, values: Numbers) -> Floats:
    """Returns the mean of the values at each place on the axis; NaN where there are none."""
    width = _width(rounds)
    sums, counts = np.zeros(-(-rounds // width)), np.zeros(-(-rounds // width))
    for number, value in values.items():
        sums[(number - 1) // width] += value
        counts[(number - 1) // width] += 1
    means = np.full(len(sums), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _places(rounds: int) -> Floats:
    """Returns the round at each place on the axis, or the middle of several rounds."""
    width = _width(rounds)
    return np.arange(0, rounds, width, dtype=np.float64) + (1 + width) / 2


def _width(rounds: int) -> int:
    """Returns how many rounds share one place on the axis."""
    return -(-rounds // _POINTS)


def _extremes(weights: Mapping[str, Numbers]) -> list[str]:
    """Returns all children if they are few, else those with the largest and the least weight."""
    if len(weights) <= len(LINES):
        return sorted(weights)
    by_weight = sorted(weights, key=lambda child: _mean(weights[child]))
    return [by_weight[-1], by_weight[0]]


def _line_styles(
    named: Sequence[str], suspects: Collection[str], attackers: Collection[str]
) -> dict[str, tuple[str | None, str, str]]:
    """Returns label, colour and dashes of each line."""
    if not suspects and not attackers:
        return {
            child: (_short(child), color, dashes)
            for child, (color, dashes) in zip(named, _UNSUSPECTED, strict=False)
        }
    kinds = {child: ORANGE if child in attackers else PURPLE for child in named}
    if len(named) <= len(LINES):
        of_lines = zip(named, LINES, strict=False)
        return {child: (_short(child), kinds[child], dashes) for child, (_, dashes) in of_lines}
    colors, found = list(kinds.values()), dict[str, tuple[str | None, str, str]]()
    for child, color in kinds.items():
        first = color not in {each for _, each, _ in found.values()}
        what = "attack in this simulation" if color == ORANGE else "stand out"
        label = f"{colors.count(color)} that {what}" if first else None
        found[child] = (label, color, "-")
    return found


def _draw_others(axes: Axes, places: Floats, lines: Sequence[Floats]) -> None:
    label = f"{len(lines)} other{'' if len(lines) == 1 else 's'}"
    if len(lines) > _LINES:
        low, middle, high = _quartiles(lines)
        least, _, most = _quartiles(lines, (0.0, 0.5, 1.0))
        axes.fill_between(places, least, most, color=PALE, alpha=0.25, linewidth=0, label=label)
        axes.fill_between(
            places, low, high, color=PALE, alpha=0.6, linewidth=0, label="the middle half of them"
        )
        _draw_line(axes, places, middle, color=FAINT, linewidth=0.9)
        return
    for number, line in enumerate(lines):
        _draw_line(axes, places, line, color=PALE, linewidth=0.9, label=None if number else label)


def _draw_line(axes: Axes, places: Floats, line: Floats, **look: Any) -> None:
    known = np.pad(np.isfinite(line), 1)
    isolated = known[1:-1] & ~known[:-2] & ~known[2:]  # a single point has no line: draw a dot
    axes.plot(places, line, **look)
    axes.plot(places[isolated], line[isolated], "o", markersize=3, color=look["color"])


def _quartiles(
    lines: Sequence[Floats], levels: tuple[float, float, float] = (0.25, 0.5, 0.75)
) -> tuple[Floats, Floats, Floats]:
    found = np.full((3, len(lines[0])), np.nan)
    for place, column in enumerate(np.stack(lines, axis=1)):
        known = column[np.isfinite(column)]
        if len(known):
            found[:, place] = np.quantile(known, levels)
    return found[0], found[1], found[2]


def _weights_in_words(rounds: int, weights: Mapping[str, Numbers], named: Sequence[str]) -> str:
    means = {child: _mean(values) for child, values in weights.items()}
    least, most = min(means.values()), max(means.values())
    those = ", ".join(f"{child} {means[child]:.3f}" for child in named[:_ROWS])
    return (
        f"Weights of {len(weights)} children in {rounds} rounds. On average the least is "
        f"{least:.3f}, the most {most:.3f}; {those}."
    )


def _mean(values: Numbers) -> float:
    return float(np.mean(list(values.values()))) if values else 0.0


def _short(name: str) -> str:
    plain = name.replace("_", " ")
    return plain if len(plain) <= _LETTERS else f"{plain[: _LETTERS - 1]}…"
