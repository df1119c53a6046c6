"""Draws answers as text: tables without frames, and prose that is never wider than 80 columns."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from isthmus.answers import parts

WIDTH = 1000
"""Columns of what goes into a pipe, a file or a string: as good as no limit for a table."""

PROSE = 80
"""Most columns of sentences."""


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
    console.print(page, crop=False)
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
        case parts.Entries():
            return Group(*map(_entry, part.entries))
        case parts.Table():
            return table(part.headings, part.lines)
        case parts.Facts():
            return facts(part.pairs)
        case parts.Steps():
            numbered = enumerate(part.sentences, 1)
            return Group(*(_Prose(each, f"  {number}. ") for number, each in numbered))
        case _:
            return _Prose(part)


def _entry(entry: parts.Entry) -> RenderableType:
    title = Text.assemble((entry.title, "bold"), "  " if entry.beside else "", entry.beside)
    return Group(title, *(_Prose(line, " " * 4) for line in entry.lines))


@dataclass(frozen=True)
class _Prose:
    """A sentence in lines between words: what is longer than a line stays in one piece."""

    text: str
    before: str = ""
    """Stands before the first line; the others are indented as far."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = textwrap.wrap(
            self.text,
            min(PROSE, options.max_width),
            initial_indent=self.before,
            subsequent_indent=" " * len(self.before),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines or [""]:
            yield Text(line, no_wrap=True, overflow="ignore")
