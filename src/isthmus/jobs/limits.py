"""Compares what a job sends with the limits of a party and of messages, before any contact."""

from collections.abc import Iterable, Iterator

from rich.filesize import decimal

from isthmus.core.errors import PolicyError, SpecError
from isthmus.jobs.consent import Crossing
from isthmus.jobs.plan import PartyPlan
from isthmus.transport.message import encode


def check(plan: PartyPlan, certain: Iterable[Crossing]) -> None:
    """Refuse a job whose messages would not be sent, however the run goes.

    Args:
        plan: The job and the party.
        certain: Messages that every run of the job sends, at the sizes that they have at least.

    Raises:
        PolicyError: They are more bytes than the party allows.
        SpecError: One is larger than its type allows.
    """
    crossings = list(certain)
    for each, size in _too_large(crossings):
        raise SpecError(f"{_told(each, size)} Nothing was sent.")
    most, least = plan.party.policy.maximum_bytes, _sent(plan, crossings)
    if most is not None and least > most:
        raise PolicyError(
            f"a run of this job has {plan.party.party!r} send {least:,} bytes at the least, and "
            f"`policy.maximum_bytes` of your party file is {most:,}. See `isthmus explain` for "
            "what they are, then raise the limit or leave the job. Nothing was sent."
        )


def warnings(plan: PartyPlan, expected: Iterable[Crossing]) -> list[str]:
    """Find limits that a run may reach after it has begun.

    Args:
        plan: The job and the party.
        expected: Messages that a run is expected to send.

    Returns:
        A sentence for each.
    """
    crossings = list(expected)
    found = list(dict.fromkeys(_told(each, size) for each, size in _too_large(crossings)))
    most, likely = plan.party.policy.maximum_bytes, _sent(plan, crossings)
    if most is not None and likely > most:
        found.append(
            f"The forecast is that {decimal(likely)} leave, and `policy.maximum_bytes` of your "
            f"party file is {decimal(most)}: the run would stop where it reaches the limit, with "
            "the alignment made and no model."
        )
    return found


def _sent(plan: PartyPlan, crossings: Iterable[Crossing]) -> int:
    return sum(each.flow.bytes for each in crossings if each.sender == plan.party.party)


def _too_large(crossings: Iterable[Crossing]) -> Iterator[tuple[Crossing, int]]:
    for each in crossings:
        size = len(encode(each.flow.sample)) if each.flow.count else 0
        if size > type(each.flow.sample).max_bytes:
            yield each, size


def _told(each: Crossing, size: int) -> str:
    kind = type(each.flow.sample)
    return (
        f"The message {kind.__name__} from {each.sender!r} to {each.to!r} would have "
        f"{decimal(size)}, and the most that its reader takes is {decimal(kind.max_bytes)}: agree "
        "on a lower `block_rows` or `batch_rows`, on fewer columns, or on a smaller model."
    )
