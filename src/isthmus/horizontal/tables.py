"""Tables of a model: arrays whose rows stand for things, such as words, that a child may not have.

A child touches a row when its update of the row differs from zero.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.horizontal.parameters import Layout, Vector

Touched = NDArray[np.bool_]
"""Whether each row of all tables was touched, shape (rows,)."""


class Tables:
    """Where the rows of some arrays lie in the vector of a model."""

    def __init__(self, layout: Layout, names: Sequence[str] = ()) -> None:
        """Find the arrays.

        Args:
            layout: Of the model.
            names: Of the arrays that are tables: the first axis of each numbers its rows.

        Raises:
            SpecError: The model has no such array, or the array has no rows.
        """
        shapes = dict(layout.shapes)
        for name in names:
            if not shapes.get(name):
                raise SpecError(
                    f"{name!r} is in `tables` of the fusion rule and no array with rows of this "
                    f"model. It has {', '.join(sorted(it for it in shapes if shapes[it]))}."
                )
        self._layout = layout
        self._names = frozenset(names)
        self.rows = sum(shapes[name][0] for name in self._names)
        """Number of rows of all tables together."""

    def touched(self, update: Vector) -> Touched:
        """Which rows an update touches.

        Args:
            update: Shape (size,).

        Returns:
            Shape (rows,), table by table in the order of the layout.
        """
        found = [update[part].reshape(rows, -1).any(axis=1) for part, rows in self._parts()]
        return np.concatenate([np.empty(0, np.bool_), *found])

    def each(self, of_rows: Floats, of_others: float) -> Floats | float:
        """Spread a value of each row to its numbers.

        Args:
            of_rows: Shape (rows,).
            of_others: For all numbers that are in no table.

        Returns:
            Shape (size,); a single number where there are no tables.
        """
        if not self.rows:
            return of_others
        found, place = np.full(self._layout.size, of_others), 0
        for part, rows in self._parts():
            values = of_rows[place : place + rows]
            found[part] = np.repeat(values, (part.stop - part.start) // rows)
            place += rows
        return found

    def _parts(self) -> Iterator[tuple[slice, int]]:
        start = 0
        for name, shape in self._layout.shapes:
            end = start + math.prod(shape)
            if name in self._names and shape[0]:
                yield slice(start, end), shape[0]
            start = end
