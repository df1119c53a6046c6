"""The receiver's role: finds the shared rows, and tells the senders which of theirs they are."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from isthmus.alignment.cryptographic.diffie_hellman.receiver import receive as diffie_hellman
from isthmus.alignment.cryptographic.messages import RowCount, SharedCount, SharedRows
from isthmus.alignment.cryptographic.oblivious.receiver import receive as oblivious
from isthmus.alignment.cryptographic.rows import (
    Matches,
    Terms,
    check_enough,
    chosen_protocol,
    receive_row_count,
    secret_order,
    too_few,
)
from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.index import Index
from isthmus.transport.channel import Channel

_FINDS = {"diffie-hellman": diffie_hellman, "oblivious": oblivious}


def receiver(
    senders: Sequence[Channel],
    identifiers: Sequence[bytes],
    terms: Terms,
    telemetry: Telemetry,
) -> Index:
    """Find the rows that all parties have, and agree with the senders on an order of them.

    We learn how many rows each sender has and which of our own are among them, sender by sender,
    even if they are too few to go on. A sender learns how many rows we have and which of its own
    all parties hold, but only if they are enough; it learns nothing of another sender. Nobody
    learns an identifier that it does not have. A party can still put in identifiers that it made
    up: `terms.limits` bounds how many.

    Args:
        senders: The channel to each sender.
        identifiers: Normalised key of each of our rows, all different.
        terms: The terms of the job, and what our policy accepts.
        telemetry: Receives progress.

    Returns:
        Positions of the shared rows among `identifiers`, in the common order, which is random.

    Raises:
        SpecError: Fewer rows are shared than the job requires; a JobError if this follows from the
            parties' row counts.
        PolicyError: Our policy does not accept the protocol.
        PeerError: A sender broke the protocol.
    """
    # 1. Exchange row counts, with all senders before anything else crosses.
    spec = terms.spec
    for sender in senders:
        sender.send(RowCount(rows=len(identifiers)))
    rows = {sender.peer: receive_row_count(sender, terms) for sender in senders}
    check_enough(min(len(identifiers), *rows.values()), spec)

    # 2. Find the rows that each sender has too.
    matches = list[Matches]()
    for sender in senders:
        theirs = rows[sender.peer]
        find = _FINDS[chosen_protocol(terms, len(identifiers), theirs)]
        matches.append(find(sender, identifiers, theirs, terms, telemetry))

    # 3. Stop if too few rows are shared by all: single people could be identified. Only our own
    #    error says how many; a sender learns no more than that they are too few.
    common = reduce(np.intersect1d, [found.ours for found in matches])
    enough = len(common) >= spec.minimum_size
    for sender in senders:
        sender.send(SharedCount(rows=len(common) if enough else None))
    if not enough:
        raise SpecError(too_few(f"{len(common)} shared rows", spec))

    # 4. Draw a common order, and tell each sender the positions of its rows in it.
    common = common[secret_order(len(common))]
    for sender, found in zip(senders, matches, strict=True):
        positions = _positions(found, common).astype(np.uint32)
        for start in range(0, len(positions), spec.batch_rows):
            sender.send(SharedRows(positions=positions[start : start + spec.batch_rows]))
    return Index(common)


def _positions(found: Matches, rows: Integers) -> Integers:
    """Where a sender has our rows, all of which are among those found with it."""
    order = np.argsort(found.ours)
    return found.theirs[order[np.searchsorted(found.ours[order], rows)]]
