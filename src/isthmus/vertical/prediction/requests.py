"""Requests of online scoring: how many rows they may name, and those that a ledger knows of."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from isthmus.ledger.record import Record
from isthmus.vertical.boosting.messages import Decisions
from isthmus.vertical.prediction.messages import RequestedRows
from isthmus.vertical.prediction.spec import Online, Prediction
from isthmus.vertical.regression.messages import MaskedPredictor, PartialPredictor


def too_many(rows: int, online: Online, requests: Mapping[int, int]) -> str:
    """Find out whether a job allows a request.

    Args:
        rows: Its number of rows.
        online: The `[prediction.online]` table.
        requests: The requests before it in this run, by their number of rows.

    Returns:
        Why not; nothing if it does.
    """
    if rows > online.request_rows:
        return (
            f"{rows:,} rows are too many at a time, as `prediction.online.request_rows` of the job "
            f"is {online.request_rows:,}"
        )
    left = online.rows - asked_rows(requests)
    if rows > left:
        return (
            f"{rows:,} rows are too many now, as `prediction.online.rows` of the job is "
            f"{online.rows:,} and {left:,} are left of them in this run"
        )
    return ""


def asked_rows(requests: Mapping[int, int]) -> int:
    """Returns the number of rows of all requests."""
    return sum(rows * count for rows, count in requests.items())


def recorded(spec: Prediction, party: str, records: Iterable[Record]) -> Counter[int]:
    """Find the requests that a run was asked before it was killed: they count towards its most.

    Args:
        spec: The `[prediction]` table.
        party: Our name.
        records: What our ledger holds.

    Returns:
        Number of requests by their number of rows. With fewer than 8 splits the rows of a passive
        party may be too many, as its decisions fill whole bytes.
    """
    found = [each for each in records if each.message in _ROWS]
    if not found:
        return Counter()
    splits = spec.splits.get(party) or 1
    same = (each for each in found if each.to == found[0].to)  # several are asked for the same
    return Counter(_ROWS[each.message](_items(each), splits) for each in same)


def _items(record: Record) -> int:
    """The number of items in the one list of a message."""
    return max(value.shape[0] for value in record.values if value.shape)


_ROWS: Mapping[str, Callable[[int, int], int]] = {
    RequestedRows.__name__: lambda items, _splits: items,
    PartialPredictor.__name__: lambda items, _splits: items,
    MaskedPredictor.__name__: lambda items, _splits: items,
    Decisions.__name__: lambda items, splits: items * 8 // splits,
}
"""Rows of a request, by the message that tells it: of its items, and of our splits."""
