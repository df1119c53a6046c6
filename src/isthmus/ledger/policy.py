"""A party's own rules about what may leave, checked before each message is sent."""

from typing import Annotated

from msgspec import Meta

from isthmus.core.errors import PolicyError
from isthmus.core.spec import Spec


class Policy(Spec, frozen=True):
    """The `[policy]` table of a party file: what may leave this party."""

    minimum_shared: Annotated[
        int, Meta(ge=1, description="fewest shared rows that this party will train on")
    ] = 100
    maximum_bytes: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="most bytes that may leave in one run; unset: no limit"),
    ] = None
    refuse: Annotated[
        tuple[str, ...], Meta(description="message types that must never leave, by name")
    ] = ()


def check(policy: Policy, kind: str, total_bytes: int) -> None:
    """Refuse a message that the policy forbids.

    Args:
        policy: This party's own rules.
        kind: Type of the message that is about to be sent, by name.
        total_bytes: Bytes sent in this run, with this message.

    Raises:
        PolicyError: The message must not leave.
    """
    if kind in policy.refuse:
        raise PolicyError(
            f"{kind} was not sent: `policy.refuse` of your party file forbids it. "
            "Agree on a job that does without it, or take it off the list."
        )
    if policy.maximum_bytes is not None and total_bytes > policy.maximum_bytes:
        raise PolicyError(
            f"{kind} was not sent: {total_bytes:,} bytes would have left in this run, and "
            f"`policy.maximum_bytes` of your party file is {policy.maximum_bytes:,}. "
            "See `isthmus ledger show` for what left, then raise the limit or leave the job."
        )


def check_shared(policy: Policy, shared: int) -> None:
    """Refuse to train on fewer shared rows than the policy asks for.

    Args:
        policy: This party's own rules.
        shared: Number of shared rows.

    Raises:
        PolicyError: There are too few.
    """
    if shared < policy.minimum_shared:
        raise PolicyError(
            f"Only {shared:,} rows are shared, and `policy.minimum_shared` of your party file asks "
            f"for {policy.minimum_shared:,}: a model of few rows tells about each of them. "
            "Compare the identifier columns of both parties, or lower the minimum."
        )
