"""What makes two identifiers the same row."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.data.identifiers import normalise

FILE = Path("people.parquet")
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)


def column(values: list[object]) -> object:
    return pa.chunked_array([pa.array(values)])


class TestOneColumn:
    def test_is_left_alone_unless_the_job_says_otherwise(self) -> None:
        assert normalise({"id": column([" Ada "])}, [], FILE) == [b" Ada "]

    @given(words, st.text(" \t\u00a0", max_size=3), st.text(" \t\u00a0", max_size=3))
    def test_trim_drops_spaces_around_it(self, word: str, before: str, after: str) -> None:
        assert normalise({"id": column([before + word + after])}, ["trim"], FILE) == [word.encode()]

    @given(words)
    def test_lower_makes_case_irrelevant(self, word: str) -> None:
        assert normalise({"id": column([word.upper()])}, ["lower"], FILE) == [word.encode()]

    def test_nfkc_unites_characters_that_look_alike(self) -> None:
        spellings = ["\uff14\uff12", "42"]
        assert normalise({"id": column(list(spellings))}, ["nfkc"], FILE) == [b"42", b"42"]

    def test_nfkc_unites_composed_and_decomposed_letters(self) -> None:
        spellings = ["é", "e\u0301"]
        first, second = normalise({"id": column(list(spellings))}, ["nfkc"], FILE)
        assert first == second

    @given(st.lists(texts, min_size=1, max_size=8))
    def test_without_steps_only_equal_texts_are_equal(self, values: list[str]) -> None:
        values = [value for value in values if not value[-1:].isdigit()] or ["x"]
        keys = normalise({"id": column(list(values))}, [], FILE)
        assert len(set(keys)) == len(set(values))

    @given(st.integers(-(2**63), 2**63 - 1))
    def test_an_integer_equals_its_decimal_text(self, number: int) -> None:
        as_number = normalise({"id": column([number])}, [], FILE)
        assert as_number == normalise({"id": column([str(number)])}, [], FILE)


class TestSeveralColumns:
    @given(st.tuples(texts, texts), st.tuples(texts, texts))
    def test_rows_are_equal_only_if_every_cell_is(
        self, first: tuple[str, str], second: tuple[str, str]
    ) -> None:
        rows = [(f"{a}x", f"{b}x") for a, b in (first, second)]
        columns = {
            "name": column([name for name, _ in rows]),
            "city": column([city for _, city in rows]),
        }
        one, other = normalise(columns, [], FILE)
        assert (one == other) == (rows[0] == rows[1])

    def test_cells_do_not_run_into_each_other(self) -> None:
        columns = {"name": column(["a", "ab"]), "city": column(["bc", "c"])}
        one, other = normalise(columns, [], FILE)
        assert one != other


class TestRefusal:
    @pytest.mark.parametrize("values", [["a", None], ["a", ""], [1, None], [None, None]])
    def test_of_rows_without_an_identifier(self, values: list[object]) -> None:
        with pytest.raises(SpecError, match=r"of 2 rows have no identifier in column 'id'"):
            normalise({"id": column(values)}, [], FILE)

    def test_of_identifiers_that_are_empty_once_trimmed(self) -> None:
        with pytest.raises(SpecError, match=r"1 of 2 rows have no identifier"):
            normalise({"id": column(["a", "  "])}, ["trim"], FILE)

    @pytest.mark.parametrize("values", [[1.0, 2.0], ["1.0", "2.0", None]])
    def test_of_numbers_with_a_decimal_point(self, values: list[object]) -> None:
        with pytest.raises(SpecError, match=r"Export them as whole numbers or as text"):
            normalise({"id": column(values)}, [], FILE)

    def test_of_other_types(self) -> None:
        with pytest.raises(SpecError, match=r"holds bool, but identifiers are text or whole"):
            normalise({"id": column([True, False])}, [], FILE)

    def test_names_no_identifier(self) -> None:
        with pytest.raises(SpecError) as error:
            normalise({"id": column(["ada-lovelace", None])}, [], FILE)
        assert "lovelace" not in str(error.value)
