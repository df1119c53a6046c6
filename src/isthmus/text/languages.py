"""Texts as all parts of a job see them: one spelling of each, and their words in any language."""

import re
from collections.abc import Sequence
from functools import cache
from unicodedata import category, is_normalized, normalize

WITHOUT_SPACES = frozenset({"bo", "dz", "ja", "km", "lo", "my", "shn", "th", "wuu", "yue", "zh"})
"""Languages that put no space between words; Tibetan and Dzongkha put dots between syllables."""

_JOINERS = "\u200c\u200d"
"""Invisible, but part of how words of Persian or of Indian languages are written."""

_DROPPED = {"Cc", "Cf", "Cs"}  # control characters, format characters, halves of surrogate pairs
_BY_CHARACTER = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Thai to Khmer
    "\u3041-\u309f"  # Hiragana
    "\u2e80-\u2fd5\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"  # Han
)
_PLANES = 0x20000
"""Code points that are looked at for combining marks: beyond them are Han and selectors alone."""


def normalised(text: str) -> str:
    """Give equal texts one spelling.

    Args:
        text: Any text.

    Returns:
        The text in Unicode NFKC, without control and format characters, with one space in place of
        each run of white space and none at its ends; to normalise it again changes nothing.
    """
    if _is_normalised(text):
        return text
    spaced = " ".join(text.split())  # line breaks and tabs are control characters too
    # What is dropped may part a letter from its accent, and NFKC makes spaces of its own.
    kept = (sign for sign in spaced if sign in _JOINERS or category(sign) not in _DROPPED)
    return " ".join(normalize("NFKC", "".join(kept)).split())


def words(text: str, language: str) -> list[str]:
    """Returns the words of a text, in lower case; see `spans` for what a word is."""
    return [text[begin:end].lower() for begin, end in spans(text, language)]


def spans(text: str, language: str) -> list[tuple[int, int]]:
    """Find the words of a text.

    Args:
        text: Normalised text.
        language: Its tag. In languages without spaces a character with its marks is a word, and so
            is a run of letters of a script that has spaces, of digits, or of Katakana.

    Returns:
        Where each word begins and ends. What is between words is no letter and no digit.
    """
    pattern = _pattern(spaced=has_spaces(language))
    return [match.span() for match in pattern.finditer(text)]


def has_spaces(language: str) -> bool:
    """Returns whether a language puts spaces between words."""
    return language.partition("-")[0] not in WITHOUT_SPACES


def _is_normalised(text: str) -> bool:
    """Whether a text is surely normalised; of all white space, only a space is printable."""
    return (
        text.isprintable()
        and is_normalized("NFKC", text)
        and "  " not in text
        and text[:1] != " "
        and text[-1:] != " "
    )


@cache
def _pattern(*, spaced: bool) -> re.Pattern[str]:
    """Python counts no combining marks among letters, though words of many languages have them."""
    marks = _marks()
    within = rf"\w{marks}{_JOINERS}"
    if spaced:
        return re.compile(rf"\w[{within}]*")
    letter = rf"(?![{_BY_CHARACTER}])\w"
    return re.compile(
        rf"[{_BY_CHARACTER}](?<=\w)[{marks}{_JOINERS}]*"
        rf"|{letter}(?:(?![{_BY_CHARACTER}])[{within}])*"
    )


@cache
def _marks() -> str:
    """Returns all combining marks, as ranges within a set of characters of an expression."""
    found = [code for code in range(_PLANES) if category(chr(code))[0] == "M"]
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _ranges(found))


def _ranges(codes: Sequence[int]) -> list[tuple[int, int]]:
    ranges = list[tuple[int, int]]()
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return ranges
