# matplotlib's own types leave out most of their parameters:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Figures of a joint model, of its training and of timings."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from isthmus.evaluation.classification import KsCurve, LiftRow, Roc
from isthmus.evaluation.pages.drawing import (
    BLUE,
    FAINT,
    INK,
    LINES,
    ORANGE,
    STYLE,
    canvas,
    hide_value_axis,
    svg,
)
from isthmus.evaluation.validation import CalibrationGroup, Validation


def score_figures(
    roc: Mapping[str, Roc],
    ks: KsCurve | None,
    lift: Sequence[LiftRow],
    validation: Validation | None,
) -> list[str]:
    """Draw what is known of scores whose labels are known.

    Args:
        roc: ROC curves by name of the model, if there are any.
        ks: The curve of the Kolmogorov-Smirnov measure, if there is one.
        lift: Groups of rows by falling score, if there are any.
        validation: The calibration is in it, if there is one.

    Returns:
        An `<svg>` element for each.
    """
    drawn: list[str] = []
    if roc:
        drawn.append(roc_figure(roc))
    if ks:
        drawn.append(ks_figure(ks))
    if lift:
        drawn.append(lift_figure(lift))
    if validation and validation.calibration:
        drawn.append(calibration_figure(validation.calibration))
    return drawn


@rc_context(STYLE)
def roc_figure(curves: Mapping[str, Roc]) -> str:
    """Draw ROC curves, and the diagonal of a random guess.

    Args:
        curves: Curves by name of the model; there are three different colours.

    Returns:
        An `<svg>` element.
    """
    figure, axes = canvas(height=3.9)
    axes.plot((0, 1), (0, 1), color=FAINT, linewidth=0.8)
    for (name, curve), (color, dashes) in zip(curves.items(), cycle(LINES), strict=False):
        x, y = curve.false_positive_rate, curve.true_positive_rate
        axes.plot(x, y, color=color, linestyle=dashes, label=name)
    _percent(axes, x="false positive rate", y="true positive rate")
    axes.set_aspect("equal")
    axes.legend(loc="lower right")
    return svg(
        figure,
        "ROC curve",
        f"True against false positive rate: {', '.join(curves)}.",
    )


@rc_context(STYLE)
def ks_figure(curve: KsCurve) -> str:
    """Draw the cumulative shares of positives and negatives, and their largest difference.

    Args:
        curve: The two cumulative shares.

    Returns:
        An `<svg>` element.
    """
    figure, axes = canvas(height=3.2)
    axes.plot(curve.share, curve.positives, color=BLUE, label="positives")
    axes.plot(curve.share, curve.negatives, color=ORANGE, linestyle="--", label="negatives")
    axes.vlines(curve.at, *_gap(curve), color=INK, linewidth=1.2, label=f"KS {curve.ks:.3f}")
    _percent(axes, x="share of rows, highest scores first", y="share found")
    axes.legend(loc="lower right")
    return svg(
        figure,
        "KS curve",
        f"Cumulative share of positives and of negatives by falling score. The widest gap is "
        f"{curve.ks:.3f}, at the top {curve.at:.0%} of the rows.",
    )


@rc_context(STYLE)
def lift_figure(rows: Sequence[LiftRow]) -> str:
    """Draw the rate of positives by group of scores.

    Args:
        rows: The groups, highest scores first.

    Returns:
        An `<svg>` element.
    """
    figure, axes = canvas(height=2.9)
    overall = sum(row.positives for row in rows) / sum(row.rows for row in rows)
    axes.bar([row.group for row in rows], [row.rate for row in rows], color=BLUE, width=0.75)
    axes.axhline(overall, color=INK, linewidth=1.2, linestyle="--")
    axes.annotate(
        f"all rows {overall:.1%}",
        (1, overall),
        xytext=(0, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        horizontalalignment="right",
    )
    axes.grid(visible=False, axis="x")
    axes.set_xticks([row.group for row in rows])
    axes.set_xlabel("group of rows, 1 = highest scores")
    axes.set_ylabel("rate of positives")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return svg(
        figure,
        "Rate of positives by group of scores",
        f"From {rows[0].rate:.1%} in the group with the highest scores to {rows[-1].rate:.1%} in "
        f"the one with the lowest; {overall:.1%} of all rows.",
    )


@rc_context(STYLE)
def timing_figure(seconds: Mapping[str, float]) -> str:
    """Draw the seconds of each stage.

    Args:
        seconds: Wall-clock seconds by stage, in the order of the figure.

    Returns:
        An `<svg>` element.
    """
    figure, axes = canvas(height=0.5 + 0.32 * len(seconds))
    bars = axes.barh(list(seconds), list(seconds.values()), color=BLUE, height=0.6)
    axes.bar_label(bars, [f"{value:,.2f} s" for value in seconds.values()], padding=3)
    axes.margins(x=0.2)  # room for the labels
    hide_value_axis(axes)
    stages = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    return svg(figure, "Seconds by stage", f"{stages}.")


@rc_context(STYLE)
def calibration_figure(groups: Sequence[CalibrationGroup]) -> str:
    """Draw what came of rows over what their scores promised.

    Args:
        groups: Groups of rows by rising score.

    Returns:
        An `<svg>` element.
    """
    figure, axes = canvas(height=3.9)
    expected, observed = [it.expected for it in groups], [it.observed for it in groups]
    most = min(1.0, 1.1 * max(*expected, *(it.high for it in groups)))
    axes.plot((0, most), (0, most), color=FAINT, linewidth=0.8)
    low = [it.observed - it.low for it in groups]
    high = [it.high - it.observed for it in groups]
    axes.errorbar(expected, observed, (low, high), fmt="o", color=BLUE, capsize=2, elinewidth=1)
    _percent(axes, x="mean score", y="rate of positives")
    axes.set(xlim=(0, most), ylim=(0, most))
    axes.set_aspect("equal")
    furthest = max(groups, key=lambda it: abs(it.observed - it.expected))
    return svg(
        figure,
        "Calibration",
        f"Rate of positives over mean score in {len(groups)} groups of rows, with 95% intervals. "
        f"Furthest from the diagonal: {furthest.observed:.1%} where {furthest.expected:.1%} was "
        "expected.",
    )


def _percent(axes: Axes, *, x: str, y: str) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=x, ylabel=y)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _gap(curve: KsCurve) -> tuple[float, float]:
    """Returns both ends of the largest difference."""
    widest = curve.share.index(curve.at)
    return curve.negatives[widest], curve.positives[widest]
