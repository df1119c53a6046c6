"""Catalogues of gettext give their messages with translations."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora import catalogues
from isthmus.multilingual.corpora.rows import Row
from tests.unit.multilingual.corpora.prepared import read, write

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
MESSAGES = r"""
# A comment
#: views.py:1
msgctxt "menu"
msgid "Open \"file\""
msgstr "Datei "
"„öffnen“"

msgid "One file"
msgid_plural "%d files"
msgstr[0] "Eine Datei"
msgstr[1] "%d Dateien"

#, fuzzy
msgid "Unsure"
msgstr "Unsicher"

msgid "Missing"
msgstr ""

#~ msgid "Old"
#~ msgstr "Alt"
"""
EXPECTED = [
    ('Open "file"', "Datei „öffnen“"),
    ("One file", "Eine Datei"),
    ("Unsure", None),
    ("Missing", None),
]


def messages(folder: Path, name: str = "a.po") -> list[Row]:
    return read(folder, path=name, languages=["en", "de"])


class TestCatalogues:
    @pytest.mark.parametrize("name", ["a.po", "a.po.gz"])
    def test_give_messages_with_their_translations(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / name, HEADER + MESSAGES)
        found = [tuple(text or None for text in row.texts) for row in messages(tmp_path, name)]
        assert found == EXPECTED

    def test_of_a_folder_are_a_document_each(self, tmp_path: Path) -> None:
        for name in ["b", "a"]:
            write(tmp_path / f"de/{name}.po", f'msgid "{name}"\nmsgstr "{name * 2}"\n')
        assert messages(tmp_path, "de") == [Row("a.po", ("a", "aa")), Row("b.po", ("b", "bb"))]

    def test_may_hold_what_python_takes_for_line_breaks(self, tmp_path: Path) -> None:
        write(tmp_path / "a.po", 'msgid "a\u2028b"\nmsgstr "c\x85d"\n')
        assert [row.texts for row in messages(tmp_path)] == [("a b", "c d")]

    def test_are_never_taken_for_the_path_of_another_file(self, tmp_path: Path) -> None:
        other = write(tmp_path / "other.po", 'msgid "secret"\nmsgstr "geheim"\n')
        write(tmp_path / "a.po", str(other))
        with pytest.raises(SpecError, match="line 1 is not of a catalogue"):
            messages(tmp_path)

    def test_with_a_line_of_something_else_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.po", HEADER + 'msgid "one"\nmsgstr "eins"\nsecret\n')
        with pytest.raises(SpecError, match=r"line 7 is not of a catalogue of gettext") as error:
            messages(tmp_path)
        assert "secret" not in str(error.value)

    def test_in_another_encoding_are_refused_with_the_line(self, tmp_path: Path) -> None:
        write(tmp_path / "a.po", 'msgid "street"\nmsgstr "Stra\xdfe"\n'.encode("latin1"))
        with pytest.raises(SpecError, match=r"a\.po: line 2 is not UTF-8"):
            messages(tmp_path)

    def test_beyond_what_is_read_at_once_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catalogues, "_MOST", 100)
        write(tmp_path / "a.po.gz", "# comment\n" * 20)
        with pytest.raises(SpecError, match="has more than 100 bytes"):
            messages(tmp_path, "a.po.gz")
