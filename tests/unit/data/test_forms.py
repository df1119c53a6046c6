"""Which forms identifiers have, and which of them another party seems not to have."""

import numpy as np
import pyarrow as pa
import pytest

from isthmus.core.arrays import Integers
from isthmus.data.forms import Forms, forms


def of(*cells: str) -> Forms:
    return forms("id", pa.chunked_array([pa.array(cells)]))


class TestForms:
    @pytest.mark.parametrize(
        ("cell", "form"),
        [
            ("12345678", "8 digits"),
            ("anna@bank.example", "the form name@host"),
            ("9f86d081884c7d65", "16 hexadecimal digits"),
            ("00010203-0405-0607-0809-0a0b0c0d0e0f", "the form of UUIDs"),
            ("1990-01-31", "the form of dates"),
            ("AB12", "letters and digits"),
            ("Zoë", "letters"),
            ("P-4711", "letters, a sign and digits"),
        ],
    )
    def test_are_told_apart(self, cell: str, form: str) -> None:
        assert of(cell).in_words == f"all of {form}"

    def test_may_be_none_that_is_known(self) -> None:
        assert of("a-b").in_words == "all other"

    def test_are_counted_the_most_frequent_first(self) -> None:
        assert of("12345678", "87654321", "1234567", "x y").in_words == (
            "2 of 8 digits, 1 of 7 digits, 1 other"
        )

    def test_join_hashes_that_happen_to_have_no_letter(self) -> None:
        assert of("9f86d081884c7d65", "1234567890123456").in_words == "all of 16 hexadecimal digits"

    def test_that_are_rare_are_other(self) -> None:
        cells = [f"{length}" * length for length in range(1, 8) for _ in range(length)]
        assert of(*cells).in_words.endswith("4 of 4 digits, 3 of 3 digits, 3 other")

    def test_quote_no_identifier(self) -> None:
        assert "anna" not in of("anna@bank.example", "x y").in_words


class TestNeverFound:
    def test_names_a_form_that_nobody_else_has(self) -> None:
        found = of(*["12345678"] * 200, *["12-345"] * 100)
        (warning,) = found.never_found(np.arange(0, 200, 2))
        assert warning.startswith("none of the 100 rows whose 'id' is of another form was found")
        assert "50% of the others were" in warning

    @pytest.mark.parametrize(
        "shared",
        [np.arange(0, 300, 3), np.arange(2), np.array([], np.int64)],
        ids=["found too", "few are found at all", "nothing is found"],
    )
    def test_keeps_silent_where_that_tells_nothing(self, shared: Integers) -> None:
        assert not list(of(*["12345678"] * 200, *["12-345"] * 100).never_found(shared))

    def test_keeps_silent_about_a_handful_of_rows(self) -> None:
        assert not list(of(*["12345678"] * 200, "x").never_found(np.arange(200)))
