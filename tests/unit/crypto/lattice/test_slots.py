"""Where the values of rows lie in slots."""

import numpy as np
import pytest

from isthmus.crypto.lattice.parameters import SLOTS
from isthmus.crypto.lattice.slots import Layout


class TestLayout:
    @pytest.mark.parametrize(
        ("rows", "values", "beside", "ciphertexts", "chunks"),
        [(100, 5, 5, 1, 1), (3000, 5, 2, 3, 1), (8192, 2, 1, 2, 1), (20_000, 3, 1, 3, 3)],
    )
    def test_puts_values_side_by_side_where_rows_are_few(
        self, rows: int, values: int, beside: int, ciphertexts: int, chunks: int
    ) -> None:
        layout = Layout(rows, values)
        assert (layout.beside, layout.ciphertexts) == (beside, ciphertexts)
        assert len(layout.chunks) == chunks
        assert layout.chunks[-1].stop == rows

    @pytest.mark.parametrize(("rows", "values"), [(100, 5), (3000, 5), (8192, 2)])
    def test_adds_up_all_values_of_a_row(self, rows: int, values: int) -> None:
        layout = Layout(rows, values)
        given = np.random.default_rng(1).integers(0, SLOTS.plain, (values, rows))
        total = sum(layout.added(slots, rows) for slots in layout.placed(given))
        expected = [sum(map(int, row)) % SLOTS.plain for row in given.T]
        assert (np.asarray(total) % SLOTS.plain).tolist() == expected

    def test_refuses_no_rows(self) -> None:
        with pytest.raises(ValueError, match="0 rows of 3 values"):
            Layout(0, 3)
