"""Tables of a model: arrays whose rows stand for things, such as words, that a child may not have.

A child touches a row when its update of the row differs from zero.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.horizontal.parameters import Layout, Parameters, Vector

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

    def numbers(self, touched: Touched) -> NDArray[np.bool_]:
        """Which numbers of a model are in these rows or in no table.

        Args:
            touched: Shape (rows,).

        Returns:
            Shape (size,).
        """
        found = np.ones(self._layout.size, np.bool_)
        for part, rows, place in self._placed_parts():
            kept = touched[place : place + rows]
            found[part] = np.repeat(kept, (part.stop - part.start) // rows)
        return found

    def cut(self, update: Parameters, touched: Touched) -> Parameters:
        """Leave rows out of an update.

        Args:
            update: With the layout of the model.
            touched: The rows that stay, shape (rows,).

        Returns:
            Arrays by name; of tables, the rows that stay.
        """
        kept = self._by_name(touched)
        return {name: it[kept[name]] if name in kept else it for name, it in update.items()}

    def cut_layout(self, touched: Touched) -> Layout:
        """Returns the layout of what `cut` returns."""
        kept = self._by_name(touched)
        shapes = [
            (name, (int(kept[name].sum()), *shape[1:]) if name in kept else shape)
            for name, shape in self._layout.shapes
        ]
        return Layout(tuple(shapes))

    def filled(self, update: Parameters, touched: Touched) -> Parameters:
        """Returns an update that `cut` left rows out of, with zeros in these."""
        kept, found = self._by_name(touched), dict(update)
        for name, shape in self._layout.shapes:
            if name in kept:
                found[name] = np.zeros(shape, np.float32)
                found[name][kept[name]] = update[name]
        return found

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
        found = np.full(self._layout.size, of_others)
        for part, rows, place in self._placed_parts():
            values = of_rows[place : place + rows]
            found[part] = np.repeat(values, (part.stop - part.start) // rows)
        return found

    def _by_name(self, touched: Touched) -> dict[str, Touched]:
        found, place = dict[str, Touched](), 0
        for name, shape in self._layout.shapes:
            if name in self._names:
                found[name] = touched[place : place + shape[0]]
                place += shape[0]
        return found

    def _placed_parts(self) -> Iterator[tuple[slice, int, int]]:
        # Also the number of the first row of each table.
        place = 0
        for part, rows in self._parts():
            yield part, rows, place
            place += rows

    def _parts(self) -> Iterator[tuple[slice, int]]:
        start = 0
        for name, shape in self._layout.shapes:
            end = start + math.prod(shape)
            if name in self._names and shape[0]:
                yield slice(start, end), shape[0]
            start = end
