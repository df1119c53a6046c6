"""Texts of a run are read in order or in any order, a piece at a time."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.texts import Corpora, Texts, written

ROWS: list[tuple[str | None, str | None]] = [
    (f"text {n}", None if n % 3 else f"Text {n}") for n in range(100)
]


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    with written(tmp_path / "some.arrow", ("en", "de")) as out:
        for begin in range(0, len(ROWS), 30):
            part = ROWS[begin : begin + 30]
            out.write({"de": [de for _, de in part], "en": [en for en, _ in part]})
    return Texts("some", tmp_path / "some.arrow")


class TestTexts:
    def test_know_their_languages_and_rows(self, texts: Texts) -> None:
        assert (texts.languages, texts.rows) == (("en", "de"), 100)

    @pytest.mark.parametrize("size", [1, 7, 30, 64, 1000])
    def test_come_in_order_in_blocks_of_any_size(self, texts: Texts, size: int) -> None:
        blocks = list(texts.blocks(size))
        assert [row for each in blocks for row in zip(each["en"], each["de"], strict=True)] == ROWS
        assert [len(each["en"]) for each in blocks[:-1]] == [size] * (len(blocks) - 1)

    def test_come_in_any_order_and_as_often_as_asked_for(self, texts: Texts) -> None:
        rows = np.array([99, 0, 31, 31, 60])
        assert texts.read("en", rows) == ["text 99", "text 0", "text 31", "text 31", "text 60"]
        assert texts.read("de", rows) == ["Text 99", "Text 0", None, None, "Text 60"]
        assert texts.read("de", np.array([], np.int64)) == []

    def test_say_which_rows_have_one_in_a_language(self, texts: Texts) -> None:
        assert texts.present("en").all()
        assert texts.present("de").tolist() == [n % 3 == 0 for n in range(100)]

    def test_may_be_none(self, tmp_path: Path) -> None:
        with written(tmp_path / "none.arrow", ("en",)):
            pass
        texts = Texts("none", tmp_path / "none.arrow")
        assert (texts.rows, list(texts.blocks()), texts.present("en").tolist()) == (0, [], [])

    def test_can_be_read_by_their_owner_alone(self, texts: Texts, tmp_path: Path) -> None:
        assert texts.rows
        assert (tmp_path / "some.arrow").stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("kept", [0, 40])
    def test_that_are_cut_short_are_refused(self, tmp_path: Path, texts: Texts, kept: int) -> None:
        assert texts.rows
        path = tmp_path / "cut.arrow"
        path.write_bytes((tmp_path / "some.arrow").read_bytes()[:kept])
        with pytest.raises(SpecError, match="cut short"):
            Texts("cut", path)


class TestCorpora:
    def test_need_a_folder_that_was_prepared(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="holds no corpora of a run"):
            Corpora(tmp_path)
