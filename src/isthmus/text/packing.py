"""Several texts in one row, so that little is computed for padding."""

from bisect import bisect_left, insort
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Integers
from isthmus.text.tokens import Tokens

PLACES = 128
"""Places of a row, unless a text is longer."""

NOBODY = -1
"""Stands for the text of a place without a piece."""


class Packed(NamedTuple):
    """Texts in rows of equal length; the texts of a group stand one after another in one row."""

    ids: Integers
    """Number of the piece at each place, shape (rows, places)."""

    texts: Integers
    """Number of the text at each place, shape (rows, places); NOBODY at padding."""

    positions: Integers
    """Position of each piece in its text, from 0, shape (rows, places)."""

    total: int
    """Number of texts."""

    together: int
    """Texts of a group: group i has the texts from i * together."""

    @property
    def present(self) -> Bools:
        """Returns where there are pieces, shape (rows, places)."""
        present: Bools = self.texts != NOBODY
        return present

    @property
    def groups(self) -> Integers:
        """Returns the number of the group at each place, shape (rows, places)."""
        return np.where(self.present, self.texts // self.together, NOBODY)

    def rows(self, rows: slice) -> Self:
        """Returns some rows; texts keep their numbers."""
        return self._replace(
            ids=self.ids[rows], texts=self.texts[rows], positions=self.positions[rows]
        )


def surrounded(tokens: Tokens, start: int, end: int) -> Tokens:
    """Returns the texts with a special piece before and one after each."""
    places = np.arange(tokens.texts + 1)
    starts = tokens.starts + 2 * places
    ids = np.empty(starts[-1], np.int32)
    ids[starts[:-1]] = start
    ids[starts[1:] - 1] = end
    inner = np.arange(len(tokens.ids)) + 2 * np.repeat(places[:-1], tokens.lengths) + 1
    ids[inner] = tokens.ids
    return Tokens(ids, starts)


def pack(
    tokens: Tokens,
    padding: int,
    together: int = 1,
    places: int = PLACES,
    shifts: Integers | None = None,
) -> Packed:
    """Put texts into as few rows as is easy: longest first, each where it leaves the least room.

    Args:
        tokens: The texts; those of a group follow each other.
        padding: Number of the piece for places without one.
        together: Texts of a group; it divides the number of texts.
        places: Places of a row; more if a group is longer, then a multiple of 8.
        shifts: Position of the first piece of each text, shape (texts,); None for 0.

    Returns:
        The rows.
    """
    sums = tokens.lengths.reshape(-1, together).sum(axis=1)
    longest = int(sums.max(initial=0))
    places = places if longest <= places else -(-longest // 8) * 8
    rows, offsets = _fitted(sums, places)
    begins = np.repeat(rows * places + offsets, together)
    before = tokens.starts[:-1] - np.repeat(tokens.starts[:-1:together], together)
    within = np.arange(len(tokens.ids)) - np.repeat(tokens.starts[:-1], tokens.lengths)
    at = np.repeat(begins + before, tokens.lengths) + within

    def filled(values: NDArray[np.integer], empty: int) -> Integers:
        made = np.full((int(rows.max(initial=0)) + 1) * places, empty, np.int64)
        made[at] = values
        return made.reshape(-1, places)

    numbers = np.repeat(np.arange(tokens.texts), tokens.lengths)
    moved = within if shifts is None else within + np.repeat(shifts, tokens.lengths)
    return Packed(
        ids=filled(tokens.ids, padding),
        texts=filled(numbers, NOBODY),
        positions=filled(moved, 0),
        total=tokens.texts,
        together=together,
    )


def same_text(packed: Packed) -> Bools:
    """Returns which place sees which, if a text sees itself alone, shape (rows, places, places)."""
    return _alike(packed.texts)


def same_group(packed: Packed) -> Bools:
    """Returns which place sees which, if a group sees itself, shape (rows, places, places)."""
    return _alike(packed.groups)


def _alike(numbers: Integers) -> Bools:
    # Padding sees padding: attention to nothing at all would give no number.
    alike: Bools = numbers[:, :, None] == numbers[:, None, :]
    return alike


def _fitted(sums: Integers, places: int) -> tuple[Integers, Integers]:
    """Returns row and offset of each group."""
    rows = np.zeros(len(sums), np.int64)
    offsets = np.zeros(len(sums), np.int64)
    rooms = list[tuple[int, int]]()  # room and number of each row, the least room first
    opened = 0
    for group in np.argsort(-sums, kind="stable").tolist():
        length = int(sums[group])
        found = bisect_left(rooms, (length, -1))
        if found < len(rooms):
            room, row = rooms.pop(found)
        else:
            room, row = places, opened
            opened += 1
        rows[group], offsets[group] = row, places - room
        insort(rooms, (room - length, row))
    return rows, offsets
