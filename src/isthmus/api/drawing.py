"""Draws answers for people: as text where somebody prints them, as HTML in a notebook."""

from collections.abc import Iterable, Sequence
from html import escape

from isthmus.cli import layout
from isthmus.jobs.shown import Facts, Part, Steps, Table


class Drawn:
    """An answer that shows itself as a page."""

    def _page(self) -> Iterable[Part]:
        """Returns what to show, from top to bottom."""
        raise NotImplementedError

    def __str__(self) -> str:
        return layout.plain(layout.draw(self._page()))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html(self._page())


def html(parts: Iterable[Part]) -> str:
    """Draw a page.

    Args:
        parts: What it shows, from top to bottom.

    Returns:
        HTML; nothing in it is taken for markup that is not ours.
    """
    return "\n".join(_drawn(part) for part in parts if part)


def _drawn(part: Part) -> str:
    match part:
        case Table():
            return _table(part)
        case Facts():
            lines = (f"<tr><th{_LEFT}>{_safe(n)}</th>{_cell(v)}</tr>" for n, v in part.pairs)
            return f"<table>{''.join(lines)}</table>"
        case Steps():
            return f"<ol>{''.join(f'<li>{_safe(each)}</li>' for each in part.sentences)}</ol>"
        case _:
            return f"<p>{_safe(part)}</p>"


def _table(table: Table) -> str:
    sides = [_RIGHT if heading.endswith("#") else _LEFT for heading in table.headings]
    headings = (
        f"<th{side}>{_safe(heading.rstrip(' #'))}</th>"
        for heading, side in zip(table.headings, sides, strict=True)
    )
    lines = (_line(line, sides) for line in table.lines)
    return (
        f"<table><thead><tr>{''.join(headings)}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )


def _line(cells: Sequence[str], sides: Sequence[str]) -> str:
    return f"<tr>{''.join(map(_cell, cells, sides))}</tr>"


def _cell(text: object, side: str = ' style="text-align: left"') -> str:
    return f"<td{side}>{_safe(text)}</td>"


def _safe(text: object) -> str:
    return escape(str(text))


_LEFT = ' style="text-align: left"'
_RIGHT = ' style="text-align: right"'
