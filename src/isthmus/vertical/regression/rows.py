"""Sending and receiving one value per row in blocks, and the batches of rows.

Blocks save memory: neither side holds more than one block twice.
"""

from collections.abc import Iterator

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError
from isthmus.transport.channel import Channel
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope

PerRow = PartialPredictor | PartialSlope


def blocks(start: int, stop: int, size: int) -> Iterator[slice]:
    """Yields slices of at most `size` rows that cover `start` to `stop`, in order."""
    for first in range(start, stop, size):
        yield slice(first, min(first + size, stop))


def batches(rows: int, count: int) -> Iterator[slice]:
    """Yields the fixed partition of the rows into `count` batches of nearly equal size.

    Rows are never reshuffled between passes: every new batch would give the passive party a new
    equation about the labels.
    """
    for number in range(count):
        yield slice(rows * number // count, rows * (number + 1) // count)


def send_rows(channel: Channel, kind: type[PerRow], values: Floats, size: int) -> None:
    """Send one value per row, shape (rows,), in blocks of `size`."""
    for block in blocks(0, len(values), size):
        channel.send(kind(first_row=block.start, values=values[block]))


def receive_rows(channel: Channel, kind: type[PerRow], rows: int, size: int) -> Floats:
    """Receive values that `send_rows` sent.

    Args:
        channel: The channel to the sender.
        kind: The message type of the blocks.
        rows: The expected number of values.
        size: Rows of a block.

    Returns:
        Shape (rows,).

    Raises:
        PeerError: A block is missing or has another size.
    """
    values = np.empty(rows)
    for block in blocks(0, rows, size):
        message = channel.receive(kind)
        expected = block.stop - block.start
        if message.first_row != block.start or message.values.shape != (expected,):
            raise PeerError(
                f"{channel.peer!r} sent rows from {message.first_row} of shape "
                f"{message.values.shape} where {expected} rows from {block.start} were due. "
                "Run `isthmus check` on both sides."
            )
        values[block] = message.values
    return values
