"""Rows in blocks, and the batches of rows.

Blocks save memory: neither side holds more than one block twice.
"""

from collections.abc import Iterator


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
