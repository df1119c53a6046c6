# matplotlib's own types leave out most of their parameters:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Figures of retrieval between languages."""

from collections.abc import Mapping

from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from isthmus.evaluation.pages.drawing import BLUE, STYLE, canvas, svg

Values = Mapping[tuple[str, str], float]
"""Percent by the language of the texts that look, and the one of those that they look for."""

_PALE = LinearSegmentedColormap.from_list("pale", ["#ffffff", BLUE])
_ON_PALE = "#16202a"  # in the dark too, as the cells keep their colours
_DARK = 65.0  # from this percentage on, the colour is too dark for black letters
_INCHES = 0.42  # of a cell


@rc_context(STYLE)
def matrix_figure(title: str, values: Values) -> str:
    """Draw how well texts find their translations, from each language to each other.

    Args:
        title: Title of the figure.
        values: The percentages.

    Returns:
        An `<svg>` element.
    """
    languages = sorted({language for pair in values for language in pair})
    figure, axes = canvas(max(1.6, _INCHES * (len(languages) + 2)))
    axes.set_xlim(-0.5, len(languages) - 0.5)
    axes.set_ylim(len(languages) - 0.5, -0.5)
    for (left, right), value in values.items():
        row, column = languages.index(left), languages.index(right)
        # An image would be a file of its own, which a page that loads nothing does not show.
        corner = (column - 0.48, row - 0.48)
        axes.add_patch(Rectangle(corner, 0.96, 0.96, color=_PALE(value / 100), linewidth=0))
        color = "#ffffff" if value >= _DARK else _ON_PALE
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(languages)), languages)
    axes.set_yticks(range(len(languages)), languages)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel("texts in the language of the row\nlook for those in that of the column")
    return svg(figure, title, _in_words(values))


def _in_words(values: Values) -> str:
    (worst, least), *_, (best, most) = sorted(values.items(), key=lambda item: item[1])
    return (
        f"Texts that find their translation: from {least:.1f}% of {worst[0]} in {worst[1]} to "
        f"{most:.1f}% of {best[0]} in {best[1]}."
    )
