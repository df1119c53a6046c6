"""Texts have one spelling, and words in any language."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.text.languages import has_spaces, normalised, spans, words


class TestNormalised:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("  two \t words\r\n", "two words"),
            ("\ufb01le", "file"),
            ("\uff21\uff11", "A1"),
            ("e\u0301t\u00e9", "\u00e9t\u00e9"),
            ("no\u00a0break", "no break"),
            ("soft\u00adhyphen", "softhyphen"),
            ("\ufeffmark", "mark"),
            ("bell\x07", "bell"),
            ("half \ud800", "half"),
            ("e\u200b\u0301", "\u00e9"),
            ("", ""),
        ],
    )
    def test_gives_equal_texts_one_spelling(self, text: str, expected: str) -> None:
        assert normalised(text) == expected

    def test_keeps_joiners_that_words_are_written_with(self) -> None:
        assert normalised("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645") == (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
        )

    @given(st.text())
    def test_changes_nothing_a_second_time(self, text: str) -> None:
        assert normalised(normalised(text)) == normalised(text)

    @given(st.text())
    def test_leaves_no_control_character_and_no_white_space_but_single_spaces(
        self, text: str
    ) -> None:
        found = normalised(text)
        assert "".join(found.split(" ")) == "".join(found.split())
        assert "  " not in found
        assert not any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in found)


class TestWords:
    def test_are_lower_case_runs_of_letters_and_digits(self) -> None:
        assert words("Open 2 files, don't close!", "en") == [
            "open",
            "2",
            "files",
            "don",
            "t",
            "close",
        ]

    def test_keep_the_marks_of_their_letters(self) -> None:
        assert words("\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902", "hi") == [
            "\u0939\u093f\u0928\u094d\u0926\u0940",
            "\u092e\u0947\u0902",
        ]

    def test_of_chinese_are_characters_and_whole_words_of_other_scripts(self) -> None:
        assert words("打开JupyterLab 4的文件", "zh-Hans") == [
            *("打", "开", "jupyterlab", "4", "的", "文", "件")
        ]

    def test_of_japanese_are_characters_and_whole_words_of_katakana(self) -> None:
        assert words("ファイルを開く", "ja") == ["ファイル", "を", "開", "く"]

    def test_of_thai_are_characters_with_their_marks(self) -> None:
        assert words("ดีที่", "th") == ["ดี", "ที่"]

    def test_of_tibetan_are_syllables(self) -> None:
        assert len(words("བོད་སྐད་", "bo")) == 2

    def test_of_a_language_with_spaces_hold_han_characters_together(self) -> None:
        assert words("大韓民國 만세", "ko") == ["大韓民國", "만세"]

    @given(st.text(), st.sampled_from(["en", "zh", "th", "hi"]))
    def test_are_where_their_spans_say(self, text: str, language: str) -> None:
        found = spans(text, language)
        assert [text[begin:end].lower() for begin, end in found] == words(text, language)
        ends = [0, *(end for _, end in found)]
        assert all(begin >= end for (begin, _), end in zip(found, ends, strict=False))

    @given(st.text(), st.sampled_from(["en", "zh", "th"]))
    def test_leave_no_letter_and_no_digit_out(self, text: str, language: str) -> None:
        covered = {place for begin, end in spans(text, language) for place in range(begin, end)}
        assert all(place in covered for place, sign in enumerate(text) if sign.isalnum())


class TestSpaces:
    def test_are_a_matter_of_the_language_whatever_the_script_or_region(self) -> None:
        assert not has_spaces("zh-Hant")
        assert not has_spaces("th")
        assert has_spaces("ko")
