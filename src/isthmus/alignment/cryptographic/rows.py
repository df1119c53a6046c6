"""Functions of both roles and protocols: secret orders, numbers of rows, and what is too few."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from isthmus.alignment.cryptographic.messages import RowCount
from isthmus.alignment.cryptographic.spec import (
    OBLIVIOUS_MOST,
    CryptographicAlignment,
    Protocol,
)
from isthmus.core.arrays import Integers
from isthmus.core.errors import JobError, PeerError, PolicyError
from isthmus.transport.channel import Channel


@dataclass(frozen=True)
class Terms:
    """The terms under which two parties compare their rows."""

    spec: CryptographicAlignment
    context: bytes
    """The job's digest: what crosses in one job is useless in another."""

    limits: Mapping[str, int | None]
    """The most rows that the job allows each peer; None for no limit."""

    accepted: Collection[Protocol]
    """The protocols that our policy accepts."""


class Matches(NamedTuple):
    """Rows that the receiver and one sender both hold, in one order."""

    ours: Integers
    """Positions among the receiver's rows, shape (matches,), all different."""

    theirs: Integers
    """Positions in the sender's secret order, shape (matches,), all different."""


def secret_order(rows: int) -> Integers:
    """Returns a secret random permutation, shape (rows,)."""
    return np.argsort(np.frombuffer(secrets.token_bytes(8 * rows), np.uint64))


def receive_row_count(peer: Channel, terms: Terms) -> int:
    """Receive the peer's number of rows.

    Args:
        peer: The channel to the peer.
        terms: With the most rows that the job allows the peer.

    Returns:
        The peer's number of rows.

    Raises:
        PeerError: There are more than the job allows.
    """
    rows, limit = peer.receive(RowCount).rows, terms.limits[peer.peer]
    if limit is not None and rows > limit:
        raise PeerError(
            f"{peer.peer!r} brings {rows} rows to the alignment, but the job allows it {limit}. "
            "Ask them why, before you agree to a higher limit."
        )
    return rows


def check_enough(rows: int, spec: CryptographicAlignment) -> None:
    """Stop early if one party has too few rows. Both parties know the numbers, and both stop.

    Args:
        rows: Rows of the smaller party.
        spec: The `[alignment]` table.

    Raises:
        JobError: There are fewer rows than must be shared.
    """
    if rows < spec.minimum_size:
        raise JobError(
            f"the smaller party brings {rows} rows to the alignment, but the job asks for "
            f"{spec.minimum_size} shared rows. Bring more rows, or agree on a lower "
            "`alignment.minimum_size`."
        )


def chosen_protocol(terms: Terms, ours: int, theirs: int) -> Protocol:
    """Choose the protocol of two parties. Both know the numbers, and both choose the same.

    Args:
        terms: What the job says, and what our policy accepts.
        ours: Our rows.
        theirs: The peer's rows.

    Returns:
        The protocol.

    Raises:
        JobError: There are more rows than the job's protocol can take.
        PolicyError: Our policy does not accept it.
    """
    protocol = terms.spec.protocol_for(ours, theirs)
    if protocol == "oblivious" and max(ours, theirs) > OBLIVIOUS_MOST:
        raise JobError(
            f"the larger party brings {max(ours, theirs)} rows to the alignment, and the oblivious "
            f"protocol takes {OBLIVIOUS_MOST} at most. Agree on "
            '`alignment.protocol = "diffie-hellman"`, or align in parts.'
        )
    if protocol not in terms.accepted:
        raise PolicyError(
            f"the alignment would use the {protocol} protocol, which "
            "`policy.alignment_protocols` of your party file does not name. Agree on a job whose "
            "`alignment.protocol` is one that it names, or add it to the list."
        )
    return protocol


def too_few(found: str, spec: CryptographicAlignment) -> str:
    """Returns the error text for a small intersection, the same at both parties."""
    return (
        f"the alignment found {found}, but the job asks for {spec.minimum_size} shared rows. "
        "Compare what the identifier columns of both parties hold and the job's "
        "`data.normalise`, or agree on a lower `alignment.minimum_size`."
    )
