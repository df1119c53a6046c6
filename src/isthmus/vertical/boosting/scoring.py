"""Scoring rows together: passive parties send decisions, and the active party adds up leaves.

Training ends with this exchange for the test rows, and a stored model scores other rows by it.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from isthmus.core.arrays import Bools, Floats
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting.messages import Decisions, pack_bits, unpack_bits
from isthmus.vertical.boosting.model import Part
from isthmus.vertical.boosting.predict import Decider, Scorer
from isthmus.vertical.checks import check_first_row, checked


def send_decisions(active: Channel, part: Part, rows: Table, block_rows: int) -> None:
    """Send whether rows go left at our splits, block by block; nothing if we have no split."""
    if not part.splits:
        return
    decide = Decider(part.columns, part.splits)
    for first, block in _blocks(rows, block_rows):
        active.send(Decisions(first_row=first, left=pack_bits(decide(block))))


def receive_scores(
    passives: Mapping[str, Channel], score: Scorer, rows: Table, block_rows: int
) -> Floats:
    """Score rows with what the passive parties send.

    Args:
        passives: The channels to the passive parties.
        score: The active party's part of the model.
        rows: The active party's columns of the rows.
        block_rows: Rows of a block.

    Returns:
        Expected labels, or probabilities of classes, shape (outputs, rows).

    Raises:
        PeerError: A passive party broke the protocol.
    """
    found = [np.empty((score.outputs, 0))]
    for first, block in _blocks(rows, block_rows):
        theirs = {
            party: receive_decisions(passive, first, (len(block), score.splits(party)))
            for party, passive in passives.items()
            if score.splits(party)
        }
        found.append(score(block, theirs))
    return np.hstack(found)


def receive_decisions(passive: Channel, first_row: int, shape: tuple[int, int]) -> Bools:
    """Receive whether the rows of one block go left at a passive party's splits.

    Args:
        passive: The channel to the passive party.
        first_row: First row of the block.
        shape: Rows of the block, and splits.

    Returns:
        The decisions, of that shape.

    Raises:
        PeerError: The passive party broke the protocol.
    """
    answer = passive.receive(Decisions)
    with checked(passive, Decisions):
        check_first_row(answer.first_row, first_row)
        return unpack_bits(answer.left, shape)


def _blocks(rows: Table, size: int) -> Iterator[tuple[int, Table]]:
    for first in range(0, len(rows), size):
        yield first, rows.take(np.arange(first, min(first + size, len(rows))))
