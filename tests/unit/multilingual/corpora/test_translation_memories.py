"""Translation memories give their units; what XML has beyond text is refused."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora import translation_memories
from isthmus.multilingual.corpora.rows import Row
from tests.unit.multilingual.corpora.prepared import read, write

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def unit(within: str = "", **texts: str) -> str:
    """A unit with a text per language."""
    told = "".join(
        f'<tuv xml:lang="{language.replace("_", "-")}"><seg>{text}</seg></tuv>\n'
        for language, text in texts.items()
    )
    return f"<tu>{within}\n{told}</tu>\n"


def memory(folder: Path, *units: str, before: str = HEAD, name: str = "a.tmx") -> str:
    """Write a translation memory."""
    body = "".join(units)
    write(folder / name, f'{before}<tmx version="1.4"><header/><body>\n{body}</body></tmx>')
    return name


def texts(
    folder: Path, name: str = "a.tmx", languages: tuple[str, ...] = ("en", "de")
) -> list[Row]:
    return read(folder, path=name, languages=list(languages))


class TestUnits:
    @pytest.mark.parametrize("name", ["a.tmx", "a.tmx.gz"])
    def test_are_rows(self, tmp_path: Path, name: str) -> None:
        memory(tmp_path, unit(en="one", de="eins"), unit(de="zwei", en="two", fr="deux"), name=name)
        assert texts(tmp_path, name) == [Row("#0", ("one", "eins")), Row("#0", ("two", "zwei"))]

    def test_of_a_region_count_for_their_language(self, tmp_path: Path) -> None:
        memory(tmp_path, unit(EN_US="color", DE_AT="Farbe"))
        assert texts(tmp_path)[0].texts == ("color", "Farbe")

    def test_of_two_regions_are_told_apart_if_the_job_does(self, tmp_path: Path) -> None:
        memory(tmp_path, unit(en_US="color", en_GB="colour"))
        rows = texts(tmp_path, languages=("en-GB", "en-US", "en"))
        assert rows[0].texts == ("colour", "color", "color")

    def test_lack_texts_that_are_not_there(self, tmp_path: Path) -> None:
        memory(tmp_path, unit(en="one"), unit(de="eins"))
        assert [row.texts for row in texts(tmp_path)] == [("one", None), (None, "eins")]

    def test_hold_no_codes_of_formats(self, tmp_path: Path) -> None:
        coded = 'click <bpt i="1">&lt;b&gt;</bpt><hi>here</hi><ept i="1">&lt;/b&gt;</ept> &amp; go'
        memory(tmp_path, unit(en=coded, de="hier"))
        assert texts(tmp_path)[0].texts[0] == "click here & go"

    def test_may_name_their_documents(self, tmp_path: Path) -> None:
        prop = '<prop type="file">manual</prop><prop type="client">x</prop>'
        memory(tmp_path, unit(prop, en="one", de="eins"), unit(en="two", de="zwei"))
        rows = read(tmp_path, path="a.tmx", languages=["en", "de"], documents="file")
        assert [row.document for row in rows] == ["manual", ""]

    def test_of_each_file_of_a_folder_are_a_document(self, tmp_path: Path) -> None:
        memory(tmp_path, unit(en="one", de="eins"), name="all/x/b.tmx")
        memory(tmp_path, unit(en="two", de="zwei"), name="all/a.tmx.gz")
        rows = read(tmp_path, path="all", languages=["en", "de"])
        assert [row.document for row in rows] == ["a.tmx", "x/b.tmx"]

    def test_are_read_a_piece_at_a_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(translation_memories, "_BYTES_AT_ONCE", 7)
        memory(tmp_path, *(unit(en=f"é {n}", de=f"ä {n}") for n in range(5)))
        assert [row.texts for row in texts(tmp_path)] == [(f"é {n}", f"ä {n}") for n in range(5)]


class TestRefused:
    def test_are_entities_that_a_file_declares(self, tmp_path: Path) -> None:
        lol = '<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        memory(tmp_path, unit(en="&b;", de="x"), before=HEAD + lol)
        with pytest.raises(SpecError, match="line 2 declares or uses an entity of the file's own"):
            texts(tmp_path)

    def test_are_entities_of_other_files(self, tmp_path: Path) -> None:
        secret = write(tmp_path / "secret", "secret")
        outside = f'<!DOCTYPE tmx [<!ENTITY a SYSTEM "file://{secret}">]>'
        memory(tmp_path, unit(en="&a;", de="x"), before=HEAD + outside)
        with pytest.raises(SpecError, match="declares or uses an entity") as error:
            texts(tmp_path)
        assert "secret" not in str(error.value)

    def test_are_entities_that_nothing_declares(self, tmp_path: Path) -> None:
        outside = '<!DOCTYPE tmx SYSTEM "tmx14.dtd">'
        memory(tmp_path, unit(en="&nbsp;", de="x"), before=HEAD + outside)
        with pytest.raises(SpecError, match="declares or uses an entity"):
            texts(tmp_path)
        memory(tmp_path, unit(en="&nbsp;", de="x"))
        with pytest.raises(SpecError, match=r"is not XML .*\(undefined entity\)"):
            texts(tmp_path)

    def test_is_no_mere_name_of_a_dtd_which_is_not_opened(self, tmp_path: Path) -> None:
        write(tmp_path / "tmx14.dtd", '<!ENTITY a "ha">')
        memory(tmp_path, unit(en="one", de="x"), before=HEAD + '<!DOCTYPE tmx SYSTEM "tmx14.dtd">')
        assert texts(tmp_path)[0].texts == ("one", "x")

    @pytest.mark.parametrize(
        "content", ["", "hidden", HEAD + "<tmx><body><tu>hidden"], ids=range(3)
    )
    def test_is_what_is_no_xml(self, tmp_path: Path, content: str) -> None:
        write(tmp_path / "a.tmx", content)
        with pytest.raises(SpecError, match=r"line \d is not XML in the encoding") as error:
            texts(tmp_path)
        assert "hidden" not in str(error.value)

    def test_is_another_encoding_than_the_file_says(self, tmp_path: Path) -> None:
        memory(tmp_path, unit(en="one", de="Stra\xdfe"))
        content = (tmp_path / "a.tmx").read_text().encode("latin1")
        write(tmp_path / "a.tmx", content)
        with pytest.raises(SpecError, match=r"line 5 is not XML .*\(not well-formed"):
            texts(tmp_path)

    def test_is_a_file_in_other_languages(self, tmp_path: Path) -> None:
        memory(tmp_path, unit(fr="un", zh_CN="一"))
        with pytest.raises(SpecError, match=r"no text in en or de\. The languages .* fr, zh-CN:"):
            texts(tmp_path)

    def test_is_a_text_without_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(translation_memories, "LONGEST", 50)
        memory(tmp_path, unit(en="x\n" * 30, de="x"))
        with pytest.raises(SpecError, match="is in a text of more than 50 characters"):
            texts(tmp_path)
