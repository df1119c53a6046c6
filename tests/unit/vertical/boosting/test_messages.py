"""Eight answers in a byte."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.vertical.boosting.messages import pack_bits, unpack_bits


class TestBits:
    @given(st.lists(st.booleans(), max_size=40))
    def test_are_read_as_they_were_written(self, values: list[bool]) -> None:
        packed = pack_bits(np.array(values, np.bool_))
        assert unpack_bits(packed, (len(values),)).tolist() == values

    def test_keep_their_shape(self) -> None:
        values = np.arange(24).reshape(2, 3, 4) % 5 == 0
        assert np.array_equal(unpack_bits(pack_bits(values), values.shape), values)

    @pytest.mark.parametrize("count", [0, 8, 17])
    def test_of_another_number_are_refused(self, count: int) -> None:
        with pytest.raises(ValueError, match=f"2 bytes do not hold {count} bits"):
            unpack_bits(np.zeros(2, np.uint8), (count,))
