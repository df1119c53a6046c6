# matplotlib's own types leave out most of their parameters:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""The style of all figures: legible on a phone, in print, in grey, and to screen readers."""

import re
from html import escape
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, FAINT, GRID, PALE = "#1f2933", "#5b6770", "#e3e6e8", "#9aa5ad"
BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"  # Okabe and Ito, safe for the colour-blind
PURPLE = "#8a5fa8"
_NAMES = {
    INK: "ink",
    FAINT: "faint",
    GRID: "grid",
    PALE: "pale",
    BLUE: "blue",
    ORANGE: "orange",
    GREEN: "green",
    PURPLE: "purple",
}
"""Colours that the page names, so that it can have others in the dark."""

LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))  # dashes, for prints in grey

WIDTH = 4.6  # inches: 331 units, so a unit is about a pixel on a phone
TITLE = 0.3  # inches
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's font
    "text.parse_math": False,
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}


def canvas(height: float) -> tuple[Figure, Axes]:
    """Make an empty figure.

    Args:
        height: Inches below the title.

    Returns:
        The figure, and its only axes.
    """
    figure = Figure(figsize=(WIDTH, TITLE + height), layout="constrained")
    return figure, figure.add_subplot()


def hide_value_axis(axes: Axes) -> None:
    """Style horizontal bars that have their numbers at the end: top to bottom, without an axis."""
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False, labelcolor=INK)


def svg(figure: Figure, title: str, description: str) -> str:
    """Convert a figure to SVG.

    Args:
        figure: The figure without its title.
        title: The title, different from those of other figures on the page.
        description: A text for people who cannot see the figure.

    Returns:
        An `<svg>` element.
    """
    figure.suptitle(title, fontsize="medium", fontweight="bold")
    text = StringIO()
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    # The salt makes equal figures equal bytes, and keeps ids of figures on one page different.
    with rc_context({"svg.hashsalt": title}):
        figure.savefig(text, format="svg", transparent=True, metadata=no_metadata)
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]  # without the XML declaration
    # These ids are the same in every figure, and nothing refers to them.
    drawn = re.sub(r'<g id="[^"]*"', "<g", drawn)
    drawn = re.sub("#[0-9a-f]{6}", lambda found: _by_name(found[0]), drawn)
    head, body = drawn.split(">", 1)
    head = head.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
    return f"{head}><title>{escape(title)}</title><desc>{escape(description)}</desc>{body}"


def _by_name(color: str) -> str:
    """Returns a colour as the page names it, with the colour itself for where nobody does."""
    return f"var(--{_NAMES[color]}, {color})" if color in _NAMES else color
