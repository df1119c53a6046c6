"""Draws answers as HTML, for a notebook."""

from collections.abc import Iterable, Sequence
from html import escape

from isthmus.answers.parts import Entries, Entry, Facts, Part, Steps, Table


def draw(page: Iterable[Part]) -> str:
    """Draw a page.

    Args:
        page: What it shows, from top to bottom.

    Returns:
        HTML; nothing in it is taken for markup that is not ours.
    """
    return "\n".join(_drawn(part) for part in page if part)


def _drawn(part: Part) -> str:
    match part:
        case Table():
            return _table(part)
        case Facts():
            lines = (_line(pair, (_LEFT, _LEFT)) for pair in part.pairs)
            return f"<table>{''.join(lines)}</table>"
        case Entries():
            return f"<dl>{''.join(map(_entry, part.entries))}</dl>"
        case Steps():
            return f"<ol>{''.join(f'<li>{_safe(each)}</li>' for each in part.sentences)}</ol>"
        case _:
            return f"<p>{_safe(part)}</p>"


def _entry(entry: Entry) -> str:
    title = f"<dt{_LEFT}><b>{_safe(entry.title)}</b> {_safe(entry.beside)}</dt>"
    return title + "".join(f"<dd{_LEFT}>{_safe(line)}</dd>" for line in entry.lines)


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


def _cell(text: str, side: str) -> str:
    return f"<td{side}>{_safe(text)}</td>"


def _safe(text: str) -> str:
    return escape(str(text))


_LEFT = ' style="text-align: left"'
_RIGHT = ' style="text-align: right"'
