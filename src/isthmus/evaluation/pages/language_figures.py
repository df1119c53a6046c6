# matplotlib's own types leave out most of their parameters:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Figures of retrieval between languages."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from isthmus.evaluation.pages.drawing import BLUE, INK, STYLE, canvas, svg

Values = Mapping[tuple[str, str], float]
"""Percent by pair of languages, each in the order of the alphabet."""

_PALE = LinearSegmentedColormap.from_list("pale", ["#ffffff", BLUE])
_DARK = 65.0  # from this percentage on, the colour is too dark for black letters
_INCHES = 0.42  # of a cell


@rc_context(STYLE)
def matrix_figure(title: str, above: tuple[str, Values], below: tuple[str, Values]) -> str:
    """Draw how well texts find their translations, for each pair of languages.

    Args:
        title: Title of the figure.
        above: What the cells above the diagonal are about, and their values.
        below: Likewise for those below it.

    Returns:
        An `<svg>` element.
    """
    languages = sorted({language for pair in (*above[1], *below[1]) for language in pair})
    cells = np.full((len(languages), len(languages)), np.nan)
    for (left, right), value in above[1].items():
        cells[languages.index(left), languages.index(right)] = value
    for (left, right), value in below[1].items():
        cells[languages.index(right), languages.index(left)] = value
    figure, axes = canvas(max(1.6, _INCHES * (len(languages) + 2)))
    axes.set_xlim(-0.5, len(languages) - 0.5)
    axes.set_ylim(len(languages) - 0.5, -0.5)
    for row, column in np.argwhere(np.isfinite(cells)):
        value = cells[row, column]
        # An image would be a file of its own, which a page that loads nothing does not show.
        corner = (column - 0.48, row - 0.48)
        axes.add_patch(Rectangle(corner, 0.96, 0.96, color=_PALE(value / 100), linewidth=0))
        color = "#ffffff" if value >= _DARK else INK
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(languages)), languages)
    axes.set_yticks(range(len(languages)), languages)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel(f"above the diagonal: {above[0]}\nbelow: {below[0]}")
    return svg(figure, title, _in_words(above, below))


def _in_words(*parts: tuple[str, Values]) -> str:
    said = list[str]()
    for name, values in parts:
        if values:
            (worst, least), (best, most) = _extremes(values)
            said.append(
                f"{name}: from {least:.1f}% for {'-'.join(worst)} to {most:.1f}% for "
                f"{'-'.join(best)}"
            )
    return f"Texts that find their translation. {'; '.join(said)}."


def _extremes(values: Values) -> Sequence[tuple[tuple[str, str], float]]:
    ordered = sorted(values.items(), key=lambda item: item[1])
    return ordered[0], ordered[-1]
