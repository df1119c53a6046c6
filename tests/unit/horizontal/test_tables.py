"""Which numbers of a model belong to a row of a table, and which rows an update touches."""

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.parameters import Layout
from isthmus.horizontal.tables import Tables

LAYOUT = Layout((("bias", ()), ("scale", (2,)), ("vectors", (2, 3))))


class TestTables:
    def test_number_the_rows_of_all_arrays_that_are_named(self) -> None:
        assert Tables(LAYOUT, ("vectors", "scale")).rows == 4
        assert Tables(LAYOUT).rows == 0

    @pytest.mark.parametrize("name", ["words", "bias"])
    def test_refuse_what_has_no_rows(self, name: str) -> None:
        with pytest.raises(SpecError, match=f"'{name}' is in `tables` .* It has scale, vectors"):
            Tables(LAYOUT, (name,))


class TestTouched:
    def test_is_a_row_that_differs_from_zero_anywhere(self) -> None:
        update = np.array([1, 0, -2, 0, 0, 1e-30, 0, 0, 0], np.float32)
        found = Tables(LAYOUT, ("scale", "vectors")).touched(update)
        assert found.tolist() == [False, True, True, False]

    def test_is_nothing_where_there_are_no_tables(self) -> None:
        assert Tables(LAYOUT).touched(np.ones(9, np.float32)).shape == (0,)


class TestCut:
    def test_leaves_out_rows_and_has_zeros_there_when_filled_again(self) -> None:
        tables = Tables(LAYOUT, ("vectors",))
        update = LAYOUT.to_parameters(np.array([1, 2, 3, 0, 0, 0, 4, 5, 6], np.float32))
        touched = tables.touched(LAYOUT.to_vector(update))
        small = tables.cut(update, touched)
        assert small["vectors"].tolist() == [[4, 5, 6]]
        assert Layout.of(small) == tables.cut_layout(touched)
        whole = tables.filled(small, touched)
        assert LAYOUT.to_vector(whole).tolist() == LAYOUT.to_vector(update).tolist()

    def test_is_the_update_itself_where_there_are_no_tables(self) -> None:
        update = LAYOUT.to_parameters(np.zeros(9, np.float32))
        small = Tables(LAYOUT).cut(update, np.empty(0, np.bool_))
        assert Layout.of(small) == LAYOUT


class TestEach:
    def test_spreads_the_value_of_a_row_to_its_numbers(self) -> None:
        found = Tables(LAYOUT, ("vectors",)).each(np.array([5.0, 7.0]), 2.0)
        assert np.asarray(found).tolist() == [2, 2, 2, 5, 5, 5, 7, 7, 7]

    def test_is_one_number_where_there_are_no_tables(self) -> None:
        assert Tables(LAYOUT).each(np.empty(0), 2.0) == 2.0
