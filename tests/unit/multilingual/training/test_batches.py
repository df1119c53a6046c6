"""Batches of a step, and the tasks that read them."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.corpora.texts import Texts, written
from isthmus.multilingual.training import batches, token_files
from isthmus.multilingual.training.batches import Batches, Drawn
from isthmus.multilingual.training.contrast_tasks import check_negatives
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Tokenizer
from isthmus.text.tokens import Tokens


def texts(folder: Path, name: str, columns: Mapping[str, list[str | None]]) -> Texts:
    folder.mkdir(exist_ok=True)
    with written(folder / f"{name}.arrow", list(columns)) as out:
        out.write(columns)
    return Texts(name, folder / f"{name}.arrow")


@pytest.fixture
def corpora(tmp_path: Path) -> Mapping[str, Texts]:
    return {
        "a": texts(tmp_path, "a", {"xa": ["1", "2", None], "xb": ["1", None, "3"]}),
        "b": texts(tmp_path, "b", {"xb": [f"{n}" for n in range(90)], "xa": ["x"] * 90}),
        "c": texts(tmp_path, "c", {"xb": ["5", "6", "7", "8"], "xc": ["5", "6", "7", "8"]}),
    }


def rows(drawn: Drawn) -> list[tuple[str, int]]:
    return [(part.corpus, row) for part in drawn.parts for row in part.rows.tolist()]


class TestGroups:
    def test_are_rows_with_texts_in_two_languages(self, corpora: Mapping[str, Texts]) -> None:
        found = {group.languages: group for group in batches.by_pair(corpora)}
        assert {pair: group.size for pair, group in found.items()} == {
            ("xa", "xb"): 91,
            ("xb", "xc"): 4,
        }
        assert found["xa", "xb"].parts[0].rows.tolist() == [0]

    def test_are_rows_with_a_text_in_a_language(self, corpora: Mapping[str, Texts]) -> None:
        found = {group.languages: group.size for group in batches.by_language(corpora)}
        assert found == {("xa",): 92, ("xb",): 96, ("xc",): 4}


class TestBatches:
    def test_follow_from_seed_purpose_and_step(self, corpora: Mapping[str, Texts]) -> None:
        def drawn(seed: int, purpose: str, step: int) -> list[tuple[str, int]]:
            groups = batches.by_pair(corpora)
            return rows(Batches(groups, 20, 1.0, seed, purpose).draw(step))

        assert drawn(7, "pairs", 3) == drawn(7, "pairs", 3)
        assert drawn(7, "pairs", 3) != drawn(7, "pairs", 4)
        assert drawn(7, "pairs", 3) != drawn(8, "pairs", 3)
        assert drawn(7, "pairs", 3) != drawn(7, "tlm", 3)

    def test_have_each_row_once_and_one_pair_of_languages(
        self, corpora: Mapping[str, Texts]
    ) -> None:
        ours = Batches(batches.by_pair(corpora), 20, 0.3, 7, "pairs")
        for step in range(50):
            found = rows(ours.draw(step))
            assert len(set(found)) == len(found) == (20 if len(found) > 4 else 4)

    def test_draw_rare_pairs_more_often_with_less_balance(
        self, corpora: Mapping[str, Texts]
    ) -> None:
        def share(balance: float) -> float:
            ours = Batches(batches.by_pair(corpora), 8, balance, 7, "pairs")
            seen = Counter(ours.draw(step).languages for step in range(300))
            return seen["xb", "xc"] / 300

        assert share(1.0) == pytest.approx(4 / 95, abs=0.03)
        assert share(0.0) == pytest.approx(0.5, abs=0.08)

    def test_reach_every_row(self, corpora: Mapping[str, Texts]) -> None:
        ours = Batches(batches.by_pair(corpora), 20, 1.0, 7, "pairs")
        seen = {row for step in range(80) for row in rows(ours.draw(step))}
        assert len(seen) == 95

    def test_of_one_text_are_refused(self, tmp_path: Path) -> None:
        one = {"d": texts(tmp_path, "d", {"xa": ["1"], "xb": ["2"]})}
        with pytest.raises(SpecError, match=r"have 1 text in xa and xb .* corpus 'd'"):
            check_negatives(batches.by_pair(one))


class TestTokenFiles:
    def test_are_read_as_they_were_divided(
        self, corpora: Mapping[str, Texts], tmp_path: Path
    ) -> None:
        tokenizer = Tokenizer.train([f"{n}" for n in range(90)], 512)
        token_files.write(corpora, tokenizer, 1, tmp_path / "tokens", Telemetry())
        found = token_files.read(corpora, tmp_path / "tokens")
        ours = found["b"]["xb"].take(np.array([3, 88]))
        assert ours.ids.tolist() == tokenizer.tokens(["3", "88"], 1).ids.tolist()
        assert found["a"]["xa"].lengths.tolist()[2] == 0

    def test_count_pieces_and_texts_that_are_cut(
        self, corpora: Mapping[str, Texts], tmp_path: Path
    ) -> None:
        tokenizer = Tokenizer.train(["a b c a b c"], 512)
        long = {"e": texts(tmp_path, "e", {"xa": ["a b c", "a"]})}
        token_files.write(long, tokenizer, 2, tmp_path / "tokens", Telemetry())
        found = token_files.counts(tmp_path / "tokens")["xa"]
        assert (found.texts, found.cut, found.unknown) == (2, 1, 0)
        assert corpora

    def test_say_how_often_each_piece_occurs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(token_files, "_BLOCK", 2)
        tokens = {
            "a": {"xa": Tokens(np.array([1, 1, 3], np.int32), np.array([0, 3]))},
            "b": {"xb": Tokens(np.array([3], np.int32), np.array([0, 1]))},
        }
        assert token_files.frequencies(tokens, 5).tolist() == [0, 2, 0, 2, 0]

    @pytest.mark.parametrize(
        ("encoder", "advice"),
        [
            (Encoder(), "raise `multilingual.encoder.vocabulary`"),
            (Encoder(tokenizer="a.json"), r"give another tokenizer than a\.json"),
            (Encoder(continued="model"), "model has the vocabulary that it was trained with"),
        ],
        ids=["trained", "given", "continued"],
    )
    def test_refuse_a_vocabulary_that_lacks_a_script(
        self, encoder: Encoder, advice: str, tmp_path: Path
    ) -> None:
        tokenizer = Tokenizer.train(["only latin letters"], 512)
        lines: dict[str, list[str | None]] = {
            "de": ["nur lateinische Ärmel"],
            "ru": ["привет мир"],
            "en": ["only letters"],
        }
        token_files.write(
            {"f": texts(tmp_path, "f", lines)}, tokenizer, 32, tmp_path / "tokens", Telemetry()
        )
        says = rf"lacks letters of texts in 'ru': 9.% of their pieces are unknown.*: {advice}"
        with pytest.raises(SpecError, match=says):
            token_files.check_known(token_files.counts(tmp_path / "tokens"), encoder)
