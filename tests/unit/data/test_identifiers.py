"""What makes two identifiers the same row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import DataError
from isthmus.data.features import Cells
from isthmus.data.identifiers import canonical, joined
from isthmus.data.identifiers import normalise as normalise_cells
from isthmus.data.places import Part, Places
from isthmus.data.plain import plain
from isthmus.data.problems import Problems
from isthmus.data.spec import Dataset, Normalisation

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)


def column(values: list[object]) -> Any:
    return pa.chunked_array([pa.array(values)])


def normalise(columns: dict[str, Any], steps: Sequence[Normalisation], **keys: Any) -> list[bytes]:
    dataset, problems = Dataset(path="people.parquet", **keys), Problems("people.parquet")
    cells = {
        name: Cells(name, plain(each), dataset, Places([Part(len(each))]), problems)
        for name, each in columns.items()
    }
    found = normalise_cells(cells, steps)
    problems.refuse()
    assert found is not None
    return joined(found)


class TestOneColumn:
    def test_is_left_alone_unless_the_job_says_otherwise(self) -> None:
        assert normalise({"id": column([" Ada "])}, []) == [b" Ada "]

    @given(words, st.text(" \t\u00a0", max_size=3), st.text(" \t\u00a0", max_size=3))
    def test_trim_drops_spaces_around_it(self, word: str, before: str, after: str) -> None:
        assert normalise({"id": column([before + word + after])}, ["trim"]) == [word.encode()]

    @given(words)
    def test_lower_makes_case_irrelevant(self, word: str) -> None:
        assert normalise({"id": column([word.upper()])}, ["lower"]) == [word.encode()]

    def test_nfkc_unites_characters_that_look_alike(self) -> None:
        spellings = ["\uff14\uff12", "42"]
        assert normalise({"id": column(list(spellings))}, ["nfkc"]) == [b"42", b"42"]

    def test_nfkc_unites_composed_and_decomposed_letters(self) -> None:
        spellings = ["é", "e\u0301"]
        first, second = normalise({"id": column(list(spellings))}, ["nfkc"])
        assert first == second

    @given(st.lists(texts, min_size=1, max_size=8))
    def test_without_steps_only_equal_texts_are_equal(self, values: list[str]) -> None:
        values = [value for value in values if not value[-1:].isdigit()] or ["x"]
        keys = normalise({"id": column(list(values))}, [])
        assert len(set(keys)) == len(set(values))

    @given(st.integers(-(2**63), 2**63 - 1))
    def test_an_integer_equals_its_decimal_text(self, number: int) -> None:
        as_number = normalise({"id": column([number])}, [])
        assert as_number == normalise({"id": column([str(number)])}, [])


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
        one, other = normalise(columns, [])
        assert (one == other) == (rows[0] == rows[1])

    def test_cells_do_not_run_into_each_other(self) -> None:
        columns = {"name": column(["a", "ab"]), "city": column(["bc", "c"])}
        one, other = normalise(columns, [])
        assert one != other


class TestTypes:
    """How a file stores a cell does not matter, only what it holds."""

    @pytest.mark.parametrize(
        "stored",
        [
            pa.array(["7", "8"]).dictionary_encode(),
            pa.array(["7", "8"], pa.string_view()),
            pa.array(["7", "8"], pa.large_string()),
            pa.array([b"7", b"8"], pa.binary()),
            pa.array([b"7", b"8"], pa.binary(1)),
            pa.array([7, 8], pa.uint8()),
            pa.array([7, 8], pa.decimal128(12, 0)),
            pa.array([7, 8], pa.decimal128(38, 10)),
            pa.array([7, 8]).dictionary_encode(),
        ],
        ids=lambda stored: str(stored.type),
    )
    def test_give_the_same_key(self, stored: Any) -> None:
        assert normalise({"id": pa.chunked_array([stored])}, []) == [b"7", b"8"]

    def test_of_dates_is_their_text(self) -> None:
        days = np.array(["1815-12-10"], "datetime64[D]")
        assert normalise({"born": pa.chunked_array([pa.array(days)])}, []) == [b"1815-12-10"]

    def test_of_a_uuid_is_its_text(self) -> None:
        stored = pa.chunked_array([pa.array([bytes(range(16))], pa.uuid())])
        assert normalise({"id": stored}, []) == [b"00010203-0405-0607-0809-0a0b0c0d0e0f"]

    @pytest.mark.parametrize("values", [["007", "+8"], [7.0, 8.0], [7, 8]], ids=str)
    def test_may_be_declared_as_whole_numbers(self, values: list[object]) -> None:
        assert normalise({"id": column(values)}, [], types={"id": "integer"}) == [b"7", b"8"]

    def test_may_be_declared_as_text(self) -> None:
        assert normalise({"id": column(["1.0", "2.1"])}, [], types={"id": "text"}) == [
            b"1.0",
            b"2.1",
        ]

    @pytest.mark.parametrize("code", ["12E34", "1234567890e12345", "1.2.0", "10.5a", "1e5"])
    def test_codes_that_look_like_numbers_are_text(self, code: str) -> None:
        assert normalise({"id": column([code, "x"])}, []) == [code.encode(), b"x"]


class TestRefusal:
    @pytest.mark.parametrize("values", [["a", None], ["a", ""], [1, None]], ids=str)
    def test_of_rows_without_an_identifier(self, values: list[object]) -> None:
        with pytest.raises(DataError, match=r"identifier 'id': 1 of 2 cells is empty, in row 2\."):
            normalise({"id": column(values)}, [])

    def test_of_rows_that_are_all_without(self) -> None:
        with pytest.raises(DataError, match=r"identifier 'id': all 2 cells are empty"):
            normalise({"id": column([None, None])}, [])

    def test_of_identifiers_that_are_empty_once_trimmed(self) -> None:
        with pytest.raises(DataError, match=r"1 of 2 cells is empty, in row 2\."):
            normalise({"id": column(["a", "  "])}, ["trim"])

    @pytest.mark.parametrize(
        ("cells", "fault"),
        [
            (["12345678", "7.0", "8."], "2 of 3 cells are numbers with a decimal point, the first"),
            (["7.5", "8.5", None], "2 of 3 cells are numbers with a decimal point"),
            (["12345678", "1.23457E+11", "x"], "1 of 3 cells is in scientific notation, in row 2"),
            (["x", "1,23457E+11", "1E+11"], "2 of 3 cells are in scientific notation, the first"),
        ],
        ids=["some .0", "decimals alone", "scientific", "scientific, with a comma"],
    )
    def test_of_what_programs_make_of_whole_numbers(self, cells: list[object], fault: str) -> None:
        with pytest.raises(DataError, match=fault):
            normalise({"id": column(cells)}, [])

    def test_of_floating_point_numbers(self) -> None:
        with pytest.raises(DataError, match=r"holds floating-point numbers.*id = \"integer\""):
            normalise({"id": column([1.0, 2.0])}, [])

    def test_of_decimals_with_digits_after_the_point(self) -> None:
        stored = pa.chunked_array([pa.array(["7", "7.5"]).cast(pa.decimal128(10, 2))])
        with pytest.raises(DataError, match=r"1 of 2 cells is a number with digits after the poi"):
            normalise({"id": stored}, [])

    @pytest.mark.parametrize("values", [["7", "x"], [7.0, 7.5], [7.0, 2.0**60]], ids=str)
    def test_of_what_is_no_whole_number(self, values: list[object]) -> None:
        with pytest.raises(DataError, match=r"'id': 1 of 2 cells is no whole number, in row 2"):
            normalise({"id": column(values)}, [], types={"id": "integer"})

    def test_of_other_types(self) -> None:
        with pytest.raises(DataError, match=r"holds true and false, and identifiers are text, wh"):
            normalise({"id": column([True, False])}, [])

    def test_tells_of_all_columns_at_once(self) -> None:
        with pytest.raises(DataError) as error:
            normalise({"id": column([1.0, 2.0]), "name": column(["a", None])}, [])
        assert str(error.value).startswith("people.parquet: 2 problems.\n- the identifier 'id'")

    def test_names_no_identifier(self) -> None:
        with pytest.raises(DataError) as error:
            normalise({"id": column(["ada-lovelace", None])}, [])
        assert "lovelace" not in str(error.value)


class TestCanonical:
    """Keys by which a party knows its rows again, though the job of a peer normalises otherwise."""

    def test_are_the_same_for_all_spellings_that_any_job_could_unite(self) -> None:
        spellings = ["Jan-0042", " jan-0042\u00a0", "JAN-0042", "\uff2aan-\uff10\uff1042"]
        assert canonical(pa.table({"id": spellings})) == [b"jan-0042"] * 4

    def test_tell_other_rows_apart(self) -> None:
        keys = pa.table({"name": ["Ada", "Ada", "Bo"], "born": [1815, 1816, 1815]})
        assert len(set(canonical(keys))) == 3
