# matplotlib's own types leave out most of their parameters:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Figures of numbers over the samples of a run."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from isthmus.core.arrays import Floats
from isthmus.evaluation.pages.drawing import FAINT, LINES, STYLE, TITLE, WIDTH, svg

Series = Mapping[str, Sequence[float]]
"""Numbers by name, each as many as there are points of time; NaN where one is not known."""

_POINTS = 200  # of a line at most: more cannot be told apart, and make the page slow


@rc_context(STYLE)
def stream_figure(
    title: str, samples: Sequence[int], panels: Mapping[str, Series], unit: str = "samples"
) -> str:
    """Draw numbers over the samples that were trained on, in panels one below the other.

    Args:
        title: Title of the figure.
        samples: Samples trained on at each point of time, rising.
        panels: Lines of each panel by the name of its axis; a single line has no legend.
        unit: What is counted in place of samples.

    Returns:
        An `<svg>` element.
    """
    figure = Figure(figsize=(WIDTH, TITLE + 0.6 + 1.6 * len(panels)), layout="constrained")
    drawn = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    places = _binned(samples)
    for axes, (name, series) in zip(drawn, panels.items(), strict=True):
        for number, (label, values) in enumerate(series.items()):
            color, dashes = LINES[number] if number < len(LINES) else (FAINT, "-")
            line = _binned(values)
            known = np.isfinite(line)
            axes.plot(places[known], line[known], color=color, linestyle=dashes, label=label)
        axes.set_ylabel(name)
        axes.yaxis.set_major_formatter(_SHORT)
        whole = _are_whole(series)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=whole))
        if whole:
            axes.set_ylim(bottom=0)
        if len(series) > 1:
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(series), borderpad=0)
    drawn[-1].set_xlabel(f"{unit} trained on" if unit == "samples" else unit)
    drawn[-1].xaxis.set_major_formatter(_SHORT)
    lines = (
        _in_words(name if label == name else f"{name} of {label}", values)
        for name, series in panels.items()
        for label, values in series.items()
    )
    return svg(figure, title, f"Over {samples[-1]:,} {unit}: {'; '.join(lines)}.")


def _shortened(value: float, _place: int | None = None) -> str:
    """Returns a number as on an axis, such as 250k."""
    for unit, name in _UNITS.items():
        if abs(value) >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


_UNITS = {1e9: "G", 1e6: "M", 1e3: "k"}
_SHORT = FuncFormatter(_shortened)


def _are_whole(series: Series) -> bool:
    return all(value.is_integer() for values in series.values() for value in map(float, values))


def _binned(values: Sequence[float]) -> Floats:
    """Returns the mean of the known values at each place on the axis; NaN where there are none."""
    padded = np.array(values, np.float64)
    width = -(-len(padded) // _POINTS)
    padded = np.pad(padded, (0, -len(padded) % width), constant_values=np.nan)
    groups = padded.reshape(-1, width)
    known = np.isfinite(groups)
    means = np.full(len(groups), np.nan)
    np.divide(np.where(known, groups, 0).sum(1), known.sum(1), out=means, where=known.any(1))
    return means


def _in_words(name: str, values: Sequence[float]) -> str:
    known = [value for value in values if np.isfinite(value)]
    return f"{name} from {known[0]:.4g} to {known[-1]:.4g}" if known else f"{name} not known"
