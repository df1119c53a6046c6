"""A text that is no TOML is told with its line."""

import tomllib

import pytest

from isthmus.core import syntax

SYNTAX: dict[str, tuple[str, str]] = {
    "a text without quotes": (
        "name = ada",
        "in line 1, column 8: after `=` stands no value: put a",
    ),
    "no equals sign": ("\nname ada", "in line 2, column 6: a key is followed by `=` and its value"),
    "a key twice": (
        "a = 1\na = 2\n",
        "in line 2, column 6: this key or table is in the file already",
    ),
    "a table twice": (
        "[a]\n[a]\n",
        "in line 2, column 3: this key or table is in the file already",
    ),
    "an open list": ("a = [1\n", "at the end of the file: a list is not closed by `]`"),
    "an open text": ('a = "b\n', "a text is not closed by its quote in its line"),
    "a path of Windows": ('a = "C:\\data"', "put a path in single quotes, or write two"),
    "two values": ("a = 1 2", "in line 1, column 7: the line goes on after its value"),
}


class TestSentence:
    @pytest.mark.parametrize(("text", "sentence"), SYNTAX.values(), ids=list(SYNTAX))
    def test_has_the_line_and_what_to_do(self, text: str, sentence: str) -> None:
        with pytest.raises(tomllib.TOMLDecodeError) as caught:
            tomllib.loads(text)
        assert sentence in syntax.sentence(str(caught.value))
