"""Tasks of masked pieces."""

import numpy as np
import pytest
import torch

from isthmus.core.errors import SpecError
from isthmus.multilingual.training.batches import Batches, Group, Part
from isthmus.multilingual.training.masked_tasks import (
    BackTranslated,
    MaskedName,
    MaskedPieces,
    PseudoPieces,
    language_shares,
)
from isthmus.multilingual.training.task import Task
from isthmus.multilingual.training.token_files import TokensByLanguage
from isthmus.text.masked_losses import PlaceEncoder
from isthmus.text.masking import placeholders
from isthmus.text.static import StaticEncoder
from isthmus.text.static_places import StaticPlaces
from isthmus.text.tokens import Tokens
from tests.unit.text.small_transformers import PIECES, SPECIALS, transformer

ROWS = 40


def spoken(first: int, seed: int) -> Tokens:
    """Texts in a language that has fifty pieces of its own."""
    drawn = np.random.default_rng(seed)
    lengths = drawn.integers(6, 12, ROWS)
    ids = drawn.integers(first, first + 50, lengths.sum()).astype(np.int32)
    return Tokens(ids, np.concatenate([[0], np.cumsum(lengths)]))


TOKENS: TokensByLanguage = {
    "both": {"de": spoken(10, 0), "en": spoken(60, 1)},
    "alone": {"de": spoken(10, 2)},
}


def batches(*languages: str, corpus: str = "both", batch: int = 8) -> Batches:
    group = Group(languages, [Part(corpus, np.arange(ROWS))])
    return Batches([group], batch, 0.3, 7, "test")


def of_masked(name: MaskedName, encoder: PlaceEncoder, parts: int = 1) -> MaskedPieces:
    drawn = batches("de") if name == "mlm" else batches("de", "en")
    return MaskedPieces(name, encoder, drawn, TOKENS, parts)


def static() -> StaticPlaces:
    encoder = StaticEncoder(PIECES, 8)
    encoder.begin(np.random.default_rng(0))
    return StaticPlaces(encoder, SPECIALS)


NAMES: tuple[MaskedName, ...] = ("mlm", "tlm", "camlm")


def tasks(encoder: PlaceEncoder, parts: int = 1) -> list[Task]:
    second = BackTranslated(encoder, batches("de", corpus="alone"), TOKENS, parts)
    return [*(of_masked(name, encoder, parts) for name in NAMES), second]


class TestTasks:
    def test_have_the_names_of_the_job(self) -> None:
        made = tasks(static())
        assert [each.name for each in made] == ["mlm", "tlm", "camlm", "btmlm"]
        assert [each.bilingual for each in made] == [False, True, True, False]

    @pytest.mark.parametrize("encoder", [static(), transformer(layers=1)])
    def test_a_loss_follows_from_its_step_alone(self, encoder: PlaceEncoder) -> None:
        for first, second in zip(tasks(encoder), tasks(encoder), strict=True):
            second.loss(0)
            assert first.loss(3).value.item() == second.loss(3).value.item()
            assert first.loss(3).value.item() != first.loss(4).value.item()

    def test_count_pieces_and_tell_languages(self) -> None:
        for each in tasks(static()):
            loss = each.loss(0)
            assert loss.languages == ("de-en" if each.bilingual else "de")
            assert 8 * 6 <= loss.tokens <= 16 * 12

    def test_a_batch_in_parts_has_the_gradient_of_its_own_losses(self) -> None:
        made = transformer(layers=1)
        for each in tasks(made, parts=3):
            made.zero_grad()
            loss = each.loss(1)
            loss.value.backward()  # type: ignore[no-untyped-call]
            assert made.table.grad is not None
            assert made.table.grad.isfinite().all()
            assert made.table.grad.any()

    def test_each_place_weighs_the_same_in_parts(self) -> None:
        made = of_masked("mlm", transformer(layers=1), parts=3)
        loss, (_, places) = made.loss(2).value, made.accuracy(2)
        assert places > 3
        assert loss.item() == pytest.approx(np.log(PIECES), rel=0.1)

    def test_tell_how_many_pieces_are_predicted(self) -> None:
        made = of_masked("tlm", transformer(layers=1))
        right, places = made.accuracy(0)
        assert 0 <= right <= places < 16 * 12


class TestPseudoPieces:
    def test_are_in_a_language_that_texts_have_translations_in(self) -> None:
        made = PseudoPieces(transformer(layers=1), TOKENS)
        texts = TOKENS["alone"]["de"].take(np.arange(5))
        packed = made.beside(texts, "de", np.random.default_rng(0))
        pseudo = packed.ids[placeholders(packed)]
        assert np.isin(pseudo, np.arange(60, 110)).all()

    def test_can_be_asked_for_in_a_language(self) -> None:
        made = PseudoPieces(static(), TOKENS)
        texts = TOKENS["alone"]["de"].take(np.arange(5))
        packed = made.beside(texts, "de", np.random.default_rng(0), into="de")
        assert np.isin(packed.ids[placeholders(packed)], np.arange(10, 60)).all()

    def test_need_a_second_language(self) -> None:
        with pytest.raises(
            SpecError, match=r"`btmlm` needs texts in a second language beside 'de'"
        ):
            PseudoPieces(static(), {"alone": {"de": spoken(10, 2)}})


class TestLanguageShares:
    def test_a_piece_of_one_language_is_of_it(self) -> None:
        shares = language_shares(TOKENS, PIECES)
        assert shares["de"][10:60].exp().min() > 0.8
        assert shares["en"][10:60].exp().max() < 0.2
        assert torch.allclose(shares["de"].exp() + shares["en"].exp(), torch.ones(PIECES))
