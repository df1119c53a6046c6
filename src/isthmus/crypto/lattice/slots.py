"""Where the values of rows lie in the slots of ciphertexts.

A polynomial has as many slots as coefficients, and a row has K values. Where rows are many, a
ciphertext holds one value of a chunk of rows, and a chunk takes K ciphertexts. Where they are few,
several values lie side by side in one: what is computed slot by slot is added up in the clear.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice.parameters import SLOTS


@dataclass(frozen=True)
class Layout:
    """Slots of `rows` rows with `values` values each.

    Attributes:
        rows: Number of rows.
        values: Values of a row.
        slots: Slots of a polynomial.
        side_by_side: Whether several values of a row may lie in one ciphertext.
    """

    rows: int
    values: int
    slots: int = SLOTS.degree
    side_by_side: bool = True

    def __post_init__(self) -> None:
        """Refuse what takes no slots.

        Raises:
            ValueError: There are no rows or no values.
        """
        if self.rows < 1 or self.values < 1:
            raise ValueError(f"{self.rows} rows of {self.values} values have no slots")

    @property
    def beside(self) -> int:
        """Values of a row in one ciphertext."""
        return max(1, min(self.values, self.slots // self.rows)) if self.side_by_side else 1

    @property
    def ciphertexts(self) -> int:
        """Ciphertexts of a chunk."""
        return ceil(self.values / self.beside)

    @property
    def chunks(self) -> list[slice]:
        """Rows of each chunk."""
        starts = range(0, self.rows, self.slots)
        return [slice(start, min(start + self.slots, self.rows)) for start in starts]

    def placed(self, values: Integers) -> Integers:
        """Put the values of a chunk into slots.

        Args:
            values: Shape (values, rows of the chunk).

        Returns:
            Shape (ciphertexts, slots); 0 where there is no row.
        """
        rows = values.shape[1]
        full = np.zeros((self.ciphertexts * self.beside, rows), np.int64)
        full[: len(values)] = values
        slots = np.zeros((self.ciphertexts, self.slots), np.int64)
        slots[:, : self.beside * rows] = full.reshape(self.ciphertexts, -1)
        return slots

    def added(self, slots: Integers, rows: int) -> Integers:
        """Add up, modulo the prime of the slots, what lies side by side.

        Args:
            slots: Values from 0 to t - 1, shape (slots,).
            rows: Rows of the chunk.

        Returns:
            Shape (rows,).
        """
        total = np.zeros(rows, np.int64)
        for block in slots[: self.beside * rows].reshape(self.beside, rows):
            total = (total + block) % SLOTS.plain
        return total
