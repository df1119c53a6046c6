import json
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.text.tokenizer import LEAST, MASK, PAD, Tokenizer

TEXTS = [
    "In the beginning was the word, and the word was there.",
    "Am Anfang war das Wort, und das Wort war da.",
    "В начале было слово, и слово было там.",  # noqa: RUF001
    "太初有道,道與神同在,道就是神。太初有道。",
] * 3
TRAINED = Tokenizer.train(TEXTS, 700)


def direct(texts: list[str]) -> list[list[int]]:
    """The pieces as the library itself makes them from the file."""
    engine = tokenizers.Tokenizer.from_str(TRAINED.content.decode())
    return [it.ids for it in engine.encode_batch(texts, add_special_tokens=False)]


def own(texts: list[str], tokenizer: Tokenizer = TRAINED) -> list[list[int]]:
    found = tokenizer.tokens(texts)
    return [it.tolist() for it in np.split(found.ids, found.starts[1:-1])] if texts else []


class TestTrain:
    def test_the_same_texts_give_the_same_digest_in_any_process(self) -> None:
        code = (
            "import sys, json; from isthmus.text.tokenizer import Tokenizer;"
            "print(Tokenizer.train(json.loads(sys.argv[1]), 700).digest)"
        )
        digests = {
            subprocess.run(  # noqa: S603  our own code
                [sys.executable, "-c", code, json.dumps(TEXTS)],
                env={**os.environ, "PYTHONHASHSEED": seed, "TOKENIZERS_PARALLELISM": threads},
                capture_output=True,
                check=True,
                text=True,
            ).stdout.strip()
            for seed, threads in (("1", "true"), ("2", "false"))
        }
        assert digests == {TRAINED.digest}

    def test_words_with_counts_give_what_a_text_with_these_words_gives(self) -> None:
        counts = Counter(word for text in TEXTS for word in text.split())
        backwards = dict(reversed(list(counts.items())))
        assert Tokenizer.train_on_words(backwards, 700).digest == TRAINED.digest

    def test_counts_beyond_what_is_trained_on_count_in_proportion(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts = Counter(word for text in TEXTS for word in text.split())
        monkeypatch.setattr("isthmus.text.word_counts._MOST_WORDS", counts.total())
        many = {word: count * 1000 for word, count in counts.items()}
        assert Tokenizer.train_on_words(many, 700).digest == TRAINED.digest

    def test_of_too_many_words_rare_ones_are_left_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("isthmus.text.word_counts._MOST_DISTINCT", 20)
        texts = ["often said " * 5, *(f"w{number}" for number in range(100)), "often said"]
        assert "▁often" in Tokenizer.train(texts, LEAST).vocabulary

    def test_has_at_most_the_pieces_that_are_asked_for(self) -> None:
        assert TRAINED.size <= 700
        numbers = [str(number) for number in range(2000)] * 2
        assert Tokenizer.train(numbers, LEAST).size == LEAST

    def test_many_signs_leave_room_for_pieces_of_several(self) -> None:
        signs = "".join(chr(0x4E00 + number) for number in range(2000))
        found = Tokenizer.train([signs, signs, *["word word"] * 50], LEAST)
        assert found.size <= LEAST
        assert "▁word" in found.vocabulary

    def test_texts_without_a_word_are_refused(self) -> None:
        with pytest.raises(SpecError, match="no word"):
            Tokenizer.train(["", " \n"], 700)


class TestTokens:
    @given(st.lists(st.text(), max_size=4))
    def test_are_those_of_the_library(self, texts: list[str]) -> None:
        assert own(texts) == direct(texts)

    @given(st.lists(st.text(alphabet=" \n\t\x85\u2009▁\u00b4word[MASK]ﬃÅ̊Σς,.天🙂")))
    def test_are_those_of_the_library_for_signs_that_mean_something_to_it(
        self, texts: list[str]
    ) -> None:
        assert own(texts) == direct(texts)

    def test_are_the_same_once_the_known_words_are_forgotten(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("isthmus.text.word_cache._MOST", 3)
        tokenizer = Tokenizer(TRAINED.content)
        assert own(TEXTS, tokenizer) == own(TEXTS, tokenizer) == direct(TEXTS)

    def test_of_an_empty_text_are_none(self) -> None:
        assert own(["", "  "]) == [[], []]
        assert TRAINED.tokens([]).starts.tolist() == [0]

    def test_are_cut_to_a_length(self) -> None:
        assert [len(it) for it in own(TEXTS)] != [2] * len(TEXTS)
        assert TRAINED.tokens(TEXTS, 2).lengths.tolist() == [2] * len(TEXTS)

    def test_do_not_depend_on_case_and_width(self) -> None:
        assert own(["the WORD"]) == own(["The \uff37ord"])

    def test_give_the_text_back(self) -> None:
        text = "太初有道, the word 🙂 war"
        assert TRAINED.text(TRAINED.tokens([text]).ids) == text

    def test_of_a_language_without_spaces_are_signs_and_words(self) -> None:
        pieces = {number: piece for piece, number in TRAINED.vocabulary.items()}
        (found,) = own(["太初有神"])
        assert "".join(pieces[it] for it in found) == "▁太初有神"
        assert len(found) < 5


class TestUnknown:
    def test_share_is_that_of_bytes(self) -> None:
        found = TRAINED.tokens(["word", "🙂"])
        assert TRAINED.unknown_share(found) == pytest.approx(4 / len(found.ids))

    def test_share_of_what_it_was_trained_on_is_none(self) -> None:
        assert TRAINED.unknown_share(TRAINED.tokens(TEXTS)) == 0

    def test_share_of_nothing_is_none(self) -> None:
        assert TRAINED.unknown_share(TRAINED.tokens([])) == 0


class TestSpecials:
    def test_are_the_first_pieces(self) -> None:
        assert tuple(TRAINED.specials()) == (0, 1, 2, 3, 4)
        assert TRAINED.vocabulary[PAD] == 0
        assert TRAINED.vocabulary[MASK] == 4

    def test_stand_around_a_text_for_a_transformer(self) -> None:
        engine = tokenizers.Tokenizer.from_str(TRAINED.content.decode())
        ids = engine.encode("word").ids
        assert (ids[0], ids[-1]) == (TRAINED.specials().start, TRAINED.specials().end)

    def test_a_tokenizer_that_lacks_one_is_refused_by_a_transformer(self) -> None:
        content = TRAINED.content.replace(b"[MASK]", b"[OTHER]")
        with pytest.raises(SpecError, match=r"no piece \[MASK\]"):
            Tokenizer(content).specials()


class TestFile:
    def test_is_read_as_it_was_saved(self, tmp_path: Path) -> None:
        TRAINED.save(tmp_path / "tokenizer.json")
        found = Tokenizer.load(tmp_path / "tokenizer.json", TRAINED.digest)
        assert (found.digest, found.content) == (TRAINED.digest, TRAINED.content)
        assert own(TEXTS, found) == own(TEXTS)

    def test_with_another_digest_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "tokenizer.json"
        path.write_bytes(TRAINED.content.replace(b"[MASK]", b"[OTHER]"))
        with pytest.raises(SpecError, match=r"tokenizer\.json: is another tokenizer"):
            Tokenizer.load(path, TRAINED.digest)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff\xfe",
            b"[1]",
            b"{}",
            b'{"model": 3}',
            b"[" * 100_000,
            TRAINED.content[:-100],
            TRAINED.content.replace(b'"BPE"', b'"APE"'),
            TRAINED.content.replace(b'"[PAD]": 0', b'"[PAD]": 4000000'),
            TRAINED.content.replace(
                b'"continuing_subword_prefix": null', b'"continuing_subword_prefix": "zz"'
            ),
        ],
    )
    def test_that_is_broken_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "tokenizer.json"
        path.write_bytes(content)
        with pytest.raises(SpecError, match=r"tokenizer\.json: is not a tokenizer"):
            Tokenizer.load(path)

    def test_that_is_missing_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="cannot be read"):
            Tokenizer.load(tmp_path / "tokenizer.json")

    def test_does_not_pad_or_cut(self, tmp_path: Path) -> None:
        engine = tokenizers.Tokenizer.from_str(TRAINED.content.decode())
        engine.enable_padding(length=64)
        engine.enable_truncation(3)
        engine.save(str(tmp_path / "tokenizer.json"))
        assert own(TEXTS, Tokenizer.load(tmp_path / "tokenizer.json")) == own(TEXTS)

    def test_of_another_kind_works_too(self, tmp_path: Path) -> None:
        engine = tokenizers.Tokenizer(
            tokenizers.models.WordLevel({"<unk>": 0, "one": 1, "two": 2}, unk_token="<unk>")  # noqa: S106
        )
        engine.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
        engine.save(str(tmp_path / "tokenizer.json"))
        found = Tokenizer.load(tmp_path / "tokenizer.json")
        assert own(["one two three", ""], found) == [[1, 2, 0], []]
        assert found.unknown_share(found.tokens(["one two three"])) == pytest.approx(1 / 3)


class TestOfBytes:
    @given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20))
    def test_every_text_is_its_bytes(self, text: str) -> None:
        made = Tokenizer.of_bytes()
        content = unicodedata.normalize("NFKC", text)
        tokens = made.tokens([content])
        assert len(tokens.ids) == len(content.encode())
        assert made.text(tokens.ids) == content
        assert made.unknown_share(tokens) == 0
