import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.crypto.fixed_width import check_units, join, split

N = 3 * 5 * 7


class TestJoin:
    @given(st.lists(st.integers(0, 2**24 - 1), min_size=1))
    def test_is_undone_by_split(self, numbers: list[int]) -> None:
        assert split(join(numbers, 3), len(numbers), 3) == numbers

    @pytest.mark.parametrize("count", [-1, 0, 1, 3])
    def test_split_refuses_another_count(self, count: int) -> None:
        with pytest.raises(ValueError, match="bytes are not"):
            split(join([1, 2], 3), count, 3)


class TestCheckUnits:
    def test_accepts_what_is_invertible(self) -> None:
        check_units([1, 2, 4, N - 1], N)

    @pytest.mark.parametrize("number", [0, N, N + 1])
    def test_refuses_what_is_not_reduced(self, number: int) -> None:
        with pytest.raises(ValueError, match="within the modulus"):
            check_units([1, number], N)

    @pytest.mark.parametrize("number", [3, 10, N - 7])
    def test_refuses_what_shares_a_factor_with_the_modulus(self, number: int) -> None:
        with pytest.raises(ValueError, match="not invertible"):
            check_units([1, number, 2], N)
