"""Gradients in fixed point, and the field that a sum of them needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from isthmus.core.arrays import Floats
from isthmus.core.errors import JobError
from isthmus.vertical.boosting.trees import gradients

PRECISION = st.integers(8, 30)
GRADIENT = arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(-1e60, 1e60))


class TestEncode:
    @given(g=GRADIENT, precision=PRECISION)
    def test_is_within_half_a_unit(self, g: Floats, precision: int) -> None:
        encoded = gradients.encode(g, np.abs(g), precision)
        real_g, real_h = encoded.units.real(encoded.values)
        assert (np.abs(real_g - g) <= encoded.units.g / 2).all()
        assert (np.abs(real_h - np.abs(g)) <= encoded.units.h / 2).all()

    @given(g=GRADIENT, precision=PRECISION)
    def test_gives_the_largest_all_the_bits(self, g: Floats, precision: int) -> None:
        largest = np.abs(gradients.encode(g, g, precision).values).max()
        assert largest < 2**precision
        assert largest >= 2 ** (precision - 2) or not g.any() or np.abs(g).max() < 1e-290

    @given(g=GRADIENT, precision=PRECISION)
    def test_has_sums_that_fit_their_field(self, g: Floats, precision: int) -> None:
        total = abs(int(gradients.encode(g, g, precision).values[0].sum()))
        assert total < 2 ** (gradients.width(len(g), precision) - 1)

    @pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 1023, 1024, 1025])
    def test_leaves_room_for_as_many_of_the_largest(self, rows: int) -> None:
        assert rows * (2**24 - 1) < 2 ** (gradients.width(rows, 24) - 1)

    def test_of_nothing_is_nothing(self) -> None:
        assert gradients.encode(np.zeros(2), np.zeros(2), 24).values.tolist() == [[0, 0], [0, 0]]

    @pytest.mark.parametrize("largest", [0.0, 1e-9, 0.25, 1.0])
    def test_has_a_unit_that_tells_nothing_where_there_is_room_for_all(
        self, largest: float
    ) -> None:
        rows = np.array([0.0, largest])
        assert gradients.encode(rows, rows / 4, 24, room=(1.0, 0.25)).units == gradients.Units(
            2.0**-23, 2.0**-25
        )

    def test_refuses_rows_whose_sums_are_not_exact(self) -> None:
        many = np.broadcast_to(np.float64(1.0), 2**23 + 1)
        with pytest.raises(JobError, match="Choose a lower precision"):
            gradients.encode(many, many, 30)

    def test_refuses_what_is_no_number(self) -> None:
        with pytest.raises(JobError, match="a gradient is too large"):
            gradients.encode(np.array([np.inf]), np.array([1.0]), 24)
