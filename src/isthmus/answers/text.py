"""Draws answers as text: tables without frames, which stay readable in a pipe."""

from collections.abc import Iterable, Sequence
from io import StringIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from isthmus.answers import parts

WIDTH = 140
"""Columns of a table that goes into a pipe, a file or a string."""


def draw(page: Iterable[parts.Part]) -> Group:
    """Draw a page.

    Args:
        page: What it shows, from top to bottom.

    Returns:
        The parts below each other.
    """
    return Group(*map(_drawn, page))


def plain(page: RenderableType) -> str:
    """Returns the page as lines of plain text, in a notebook too."""
    lines = StringIO()
    console = Console(file=lines, width=WIDTH, color_system=None, force_jupyter=False)
    console.print(page)
    return "\n".join(line.rstrip() for line in lines.getvalue().splitlines())


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Rows under headings; columns of numbers are the caller's to format.

    Args:
        headings: One per column; a heading that ends in `#` is a column of numbers.
        rows: Cells, printed as they are: brackets are not markup.

    Returns:
        The table.
    """
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        number = heading.endswith("#")
        found.add_column(
            heading.rstrip(" #"), justify="right" if number else "left", overflow="fold"
        )
    for row in rows:
        found.add_row(*(Text(str(cell)) for cell in row))
    return found


def facts(pairs: Iterable[tuple[str, object]]) -> Table:
    """Names and values in two columns.

    Args:
        pairs: Name and value of each line, printed as they are.

    Returns:
        The table.
    """
    found = Table.grid(padding=(0, 2))
    for name, value in pairs:
        found.add_row(Text(name, style="bold"), Text(str(value)))
    return found


def page(*parts: RenderableType) -> Group:
    """Parts below each other; text is printed as it is."""
    return Group(*(Text(part) if isinstance(part, str) else part for part in parts))


def indented(lines: Iterable[str]) -> Padding:
    """Lines set off from the left, such as commands to type."""
    return Padding(Text("\n".join(lines)), (0, 0, 0, 2))


def _drawn(part: parts.Part) -> RenderableType:
    match part:
        case parts.Table():
            return table(part.headings, part.lines)
        case parts.Facts():
            return facts(part.pairs)
        case parts.Steps():
            return indented(f"{number}. {each}" for number, each in enumerate(part.sentences, 1))
        case _:
            return Text(part)
