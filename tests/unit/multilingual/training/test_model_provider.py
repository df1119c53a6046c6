"""Translations of words by the encoder in training."""

import numpy as np
import torch
from torch import Tensor

from isthmus.core.arrays import Bools, Integers
from isthmus.multilingual.training.masked_tasks import language_shares
from isthmus.multilingual.training.model_provider import ModelProvider
from isthmus.text.mixing.providers import Original
from isthmus.text.packing import Packed
from isthmus.text.static import StaticEncoder
from isthmus.text.static_places import StaticPlaces
from isthmus.text.tokenizer import Tokenizer
from isthmus.text.tokens import Tokens

GERMAN, ENGLISH = "haus katze hund", "house cat dog"
TOKENIZER = Tokenizer.train([GERMAN, ENGLISH] * 40, 600)


class Knowing(StaticPlaces):
    """Says the second word of the other language at every placeholder, and remembers where."""

    asked: list[Packed]

    def places(self, packed: Packed, seen: Bools, ids: Integers | None = None) -> Tensor:
        self.asked.append(packed)
        return super().places(packed, seen, ids)

    def logits(self, places: Tensor) -> Tensor:
        logits = torch.zeros(len(places), self.pieces)
        logits[:, [TOKENIZER.vocabulary[it] for it in ("▁katze", "▁cat")]] = 20
        return logits


def provider() -> tuple[ModelProvider, Knowing]:
    static = StaticEncoder(TOKENIZER.size, 8)
    static.begin(np.random.default_rng(0))
    encoder = Knowing(static, TOKENIZER.specials())
    object.__setattr__(encoder, "asked", list[Packed]())
    tokens = {"all": {"de": TOKENIZER.tokens([GERMAN]), "en": TOKENIZER.tokens([ENGLISH])}}
    return ModelProvider(encoder, TOKENIZER, language_shares(tokens, TOKENIZER.size), 20), encoder


class TestModelProvider:
    def test_gives_a_word_of_the_other_language(self) -> None:
        made, _ = provider()
        (choice,) = made.choices(Original("hund haus", "de"), 0)
        assert (choice.into, choice.translation, choice.words) == ("en", "cat", 1)
        assert 0.8 < choice.score <= 1

    def test_asks_once_for_all_words_of_a_text_where_they_stand(self) -> None:
        made, encoder = provider()
        text = Original("hund haus katze", "de")
        for place in range(3):
            made.choices(text, place)
        (packed,) = encoder.asked
        assert packed.positions[packed.texts == 1].tolist() == [1, 2, 2]
        made.choices(Original("hund haus katze", "de"), 0)
        assert len(encoder.asked) == 2

    def test_an_unsure_encoder_gives_nothing(self) -> None:
        made, encoder = provider()
        object.__setattr__(
            encoder, "logits", lambda places: torch.zeros(len(places), TOKENIZER.size)
        )
        assert not [it for it in made.choices(Original("hund", "de"), 0) if it.score < 0.05]

    def test_a_text_longer_than_the_encoder_reads_has_words_all_the_same(self) -> None:
        made, _ = provider()
        text = Original("hund " * 30, "de")
        assert made.choices(text, 29)

    def test_texts_are_read_whole(self) -> None:
        made, encoder = provider()
        made.choices(Original("hund haus", "de"), 1)
        expected = Tokens.joined([TOKENIZER.tokens(["hund haus"])]).ids.tolist()
        (packed,) = encoder.asked
        assert packed.ids[packed.texts == 0].tolist() == expected
