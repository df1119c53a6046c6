"""Numbers and names for people."""

import pytest

from isthmus.evaluation.pages.page import measure, names, score


class TestNames:
    @pytest.mark.parametrize(
        ("found", "said"),
        [
            ([], ""),
            (["ada"], "ada"),
            (["ada", "bo"], "ada and bo"),
            (["ada", "bo", "cy", "dee"], "ada, bo, cy and dee"),
            (["ada", "bo", "cy", "dee", "eve"], "ada, bo, cy and 2 others"),
        ],
    )
    def test_are_a_part_of_a_sentence_and_never_a_long_one(
        self, found: list[str], said: str
    ) -> None:
        assert names(found) == said


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "said"), [(0.0, "0.000"), (0.9, "0.900"), (0.0004, "< 0.001"), (1.0, "1.000")]
    )
    def test_of_one_column_line_up(self, value: float, said: str) -> None:
        assert score(value) == said

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (0.73728, "0.7373"),
            (0.758, "0.7580"),
            (0.06125, "0.0612"),
            (1.0, "1.000"),
            (12.3, "12.30"),
            (-4.5, "-4.500"),
            (1234.0, "1,234"),
            (0.0, "0.0000"),
            (0.000123456, "0.0001235"),
            (123_456.7, "123,457"),
        ],
    )
    def test_keep_their_zeros_and_have_no_more_digits_than_say_something(
        self, value: float, said: str
    ) -> None:
        assert measure(value) == said
