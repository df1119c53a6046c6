"""Says in a sentence why a text is not TOML."""

import re
from collections.abc import Mapping


def sentence(error: str) -> str:
    """Say what is wrong with a text that is not TOML.

    Args:
        error: What `tomllib` says of it.

    Returns:
        A sentence with the line, without a full stop.
    """
    found = re.search(r"\(at line (\d+), column (\d+)\)|\(at end of document\)", error)
    place = "at the end of the file"
    if found and found[1]:
        place = f"in line {found[1]}, column {found[2]}"
    said = (advice for beginning, advice in _SYNTAX.items() if error.startswith(beginning))
    return f"{place}: {next(said, 'this is not TOML')}"


_TWICE = "this key or table is in the file already: keep one of the two"
_QUOTE = "a text is not closed by its quote"
_BACKSLASH = (
    "a backslash in double quotes begins a special sign: put a path in single quotes, or write two"
)
_SYNTAX: Mapping[str, str] = {
    "Invalid value": "after `=` stands no value: put a text in quotes, and write true and false "
    "in small letters",
    "Expected '=' after a key": "a key is followed by `=` and its value",
    "Expected ']' at the end of a table": "the name of a table ends with `]`",
    "Expected ']]'": "the name of a list of tables ends with `]]`",
    "Expected newline": "the line goes on after its value: write one key with its value a line",
    "Invalid initial character": "a key is of letters, digits, - and _, and is followed by `=`",
    "Invalid statement": "the line is neither a key with a value nor a [table]",
    "Unclosed array": "a list is not closed by `]`, or a comma is missing in it",
    "Unclosed inline table": "a table in braces is not closed by `}`, or a comma is missing in it",
    "Unterminated string": _QUOTE,
    "Illegal character": f"{_QUOTE} in its line",
    "Expected": _QUOTE,
    "Unescaped": _BACKSLASH,
    "Invalid hex value": _BACKSLASH,
    "Escaped character": _BACKSLASH,
    "Found invalid character": "this character may not stand here",
    "Invalid date": "there is no such date or time",
    "Cannot": _TWICE,
    "Duplicate": _TWICE,
}
"""What to do, by the beginning of what `tomllib` says."""
