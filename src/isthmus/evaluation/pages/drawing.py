# matplotlib's own types leave out most of their parameters:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""What all figures have in common: they are legible on a phone, in print, in grey and aloud."""

import re
from html import escape
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, FAINT, GRID = "#1f2933", "#5b6770", "#e3e6e8"
BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"  # Okabe and Ito, safe for the colour-blind
LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))  # dashes too, for print in grey

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
    """An empty figure.

    Args:
        height: Of what is below the title, in inches.

    Returns:
        The figure, and its only axes.
    """
    figure = Figure(figsize=(WIDTH, TITLE + height), layout="constrained")
    return figure, figure.add_subplot()


def as_list(axes: Axes) -> None:
    """Let level bars with numbers at their ends read from top to bottom, without an axis."""
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False, labelcolor=INK)


def svg(figure: Figure, title: str, description: str) -> str:
    """Write a figure.

    Args:
        figure: What is drawn, without its title.
        title: Of no other figure on the page.
        description: What it shows, for those who do not see it.

    Returns:
        An `<svg>` element.
    """
    figure.suptitle(title, fontsize="medium", fontweight="bold")
    text = StringIO()
    unsaid = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    # Equal figures are equal bytes, and two figures on one page share no identifier.
    with rc_context({"svg.hashsalt": title}):
        figure.savefig(text, format="svg", transparent=True, metadata=unsaid)
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]  # a page has no place for the XML declaration
    drawn = re.sub(
        r'<g id="[^"]*"', "<g", drawn
    )  # the same in every figure, and nobody refers to it
    head, body = drawn.split(">", 1)
    head = head.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
    return f"{head}><title>{escape(title)}</title><desc>{escape(description)}</desc>{body}"
