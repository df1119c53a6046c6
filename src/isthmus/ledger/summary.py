"""Summary of a ledger for people: one row per message type and peer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from isthmus.ledger.record import Record
from isthmus.transport.message import Value, listed


class Row(msgspec.Struct, frozen=True):
    """All messages of one type to one peer."""

    message: str
    to: str
    purpose: str
    count: int
    bytes: int
    content: str  # name, kind and shape of each value
    protection: str
    first: float  # seconds since 1970
    last: float


def summarise(records: Iterable[Record]) -> list[Row]:
    """Group records by peer and message type, in the order in which they first left.

    Args:
        records: The records of one ledger.

    Returns:
        One row per group.
    """
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.to, record.message].append(record)
    return [_row(group) for group in groups.values()]


def _row(group: list[Record]) -> Row:
    return Row(
        message=group[0].message,
        to=group[0].to,
        purpose=group[0].purpose,
        count=len(group),
        bytes=sum(record.bytes for record in group),
        content=content(record.values for record in group),
        protection=listed(value.protection for record in group for value in record.values),
        first=group[0].time,
        last=group[-1].time,
    )


def content(messages: Iterable[Sequence[Value]]) -> str:
    """Name, kind and shape of each field of messages of one type, for example `values float64[9]`.

    Args:
        messages: The described fields of each message.

    Returns:
        The fields, separated by commas; sizes that differ become ranges.
    """
    columns: dict[str, list[Value]] = defaultdict(list)
    for values in messages:
        for value in values:
            columns[value.name].append(value)
    return ", ".join(_content(name, column) for name, column in columns.items())


def _content(name: str, column: Sequence[Value]) -> str:
    """One field over all messages of a group, for example `values float64[500-512]`."""
    kinds = "/".join(dict.fromkeys(value.kind for value in column))
    shapes = {value.shape for value in column}
    if shapes == {()}:
        return f"{name} {kinds}"
    if len({len(shape) for shape in shapes}) > 1:
        return f"{name} {kinds}[...]"
    sizes = (_range(sizes) for sizes in zip(*shapes, strict=True))
    return f"{name} {kinds}[{' x '.join(sizes)}]"


def _range(sizes: Sequence[int]) -> str:
    least, most = min(sizes), max(sizes)
    return f"{least:,}" if least == most else f"{least:,}-{most:,}"
