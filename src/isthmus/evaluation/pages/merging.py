"""Merging of table rows that are the same for many children into one row."""

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from isthmus.evaluation.description import Learned
from isthmus.evaluation.pages.page import Sent, count, names

_ARROW = " → "
_LETTERS = 30  # that fit in a cell


def merged_learned(rows: Sequence[Learned], party: str) -> list[Learned]:
    """Merge rows that differ only in the other party.

    Args:
        rows: One for each message, direction and other party.
        party: Name of this party.

    Returns:
        One for each message and direction.
    """
    groups = defaultdict[tuple[str, ...], list[Learned]](list)
    for row in rows:
        ours = row.direction.startswith(party + _ARROW)
        groups[str(ours), row.message, row.learns, row.protection].append(row)
    return [
        replace(
            group[0],
            direction=_direction([row.direction for row in group]),
            count=sum(row.count for row in group),
            bytes=sum(row.bytes for row in group),
        )
        for group in groups.values()
    ]


def merged_sent(rows: Sequence[Sent]) -> list[Sent]:
    """Merge rows of the same message to several parties.

    Args:
        rows: One for each message and receiving party.

    Returns:
        One for each message and shape of its content.
    """
    groups = defaultdict[tuple[str, ...], list[Sent]](list)
    for row in rows:
        groups[row.message, row.purpose, row.content, row.protection].append(row)
    return [
        replace(
            group[0],
            to=_named([row.to for row in group]),
            count=sum(row.count for row in group),
            bytes=sum(row.bytes for row in group),
            first=min(row.first for row in group),
            last=max(row.last for row in group),
        )
        for group in groups.values()
    ]


def _direction(found: Sequence[str]) -> str:
    senders, readers = zip(*(it.split(_ARROW, 1) for it in found), strict=True)
    return f"{_named(senders)}{_ARROW}{_named(readers)}"


def _named(found: Sequence[str]) -> str:
    different = sorted(set(found))
    said = names(different)
    if len(different) == 1 or len(said) <= _LETTERS:
        return said
    return f"{count(len(different))} children"
