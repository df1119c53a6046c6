"""Transformers as training sees them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from torch import nn

from isthmus.core.errors import SpecError
from isthmus.multilingual.training.encoders import TextEncoder
from isthmus.multilingual.training.encoders import make as make_encoder
from isthmus.text.model_folder import read
from isthmus.text.modern_bert import Transformer
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Tokenizer

TEXTS = ["in the beginning was the word", "am anfang war das wort", "a"]
TOKENIZER = Tokenizer.train(TEXTS * 2, 600)
TINY = Encoder(type="tiny", size=32, length=20)


def made(spec: Encoder = TINY, seed: int = 0, folder: Path = Path()) -> TextEncoder:
    return make_encoder(spec, folder, TOKENIZER, seed)


def equal(first: nn.Module, second: nn.Module) -> bool:
    others = second.state_dict()
    return all(torch.equal(it, others[name]) for name, it in first.state_dict().items())


class TestBegun:
    def test_follows_from_the_seed(self) -> None:
        assert equal(made().module, made().module)
        assert not equal(made().module, made(seed=1).module)

    def test_what_it_learns_from_is_what_it_serves(self) -> None:
        encoder, tokens = made(), TOKENIZER.tokens(TEXTS)
        vectors = nn.functional.normalize(encoder.vectors(tokens), dim=1).detach().numpy()
        assert np.abs(vectors - encoder.embed(tokens)).max() < 1e-6


class TestStored:
    @pytest.mark.parametrize("kind", ["tiny", "static"])
    def test_can_be_continued(self, tmp_path: Path, kind: str) -> None:
        spec = Encoder(type="tiny" if kind == "tiny" else "static", size=32, length=20)
        encoder = made(spec)
        encoder.store(tmp_path / "model", TOKENIZER, "# A card\n", ["de", "en"])
        tokens = TOKENIZER.tokens(TEXTS)
        assert np.array_equal(read(tmp_path / "model").embed(TEXTS), encoder.embed(tokens))
        again = Encoder(type=spec.type, continued="model", length=20)
        first, second = (made(again, folder=tmp_path) for _ in range(2))
        assert np.array_equal(first.embed(tokens), encoder.embed(tokens))
        assert equal(first.module, second.module)

    def test_is_not_continued_at_another_size_or_length(self, tmp_path: Path) -> None:
        made().store(tmp_path / "model", TOKENIZER, "# A card\n", [])
        with pytest.raises(
            SpecError, match=r"reads at most 20 pieces.*encoder\.length`, which is 21"
        ):
            made(Encoder(type="tiny", continued="model", length=21), folder=tmp_path)
        with pytest.raises(
            SpecError, match=r"vectors of 32 numbers, and `multilingual\.encoder\.si"
        ):
            made(Encoder(type="tiny", continued="model", length=20, size=64), folder=tmp_path)


class TestSavings:
    def test_are_those_of_the_job(self) -> None:
        exact, near = (
            made().module,
            made(replace(TINY, precision="bfloat16", recompute=True)).module,
        )
        tokens = TOKENIZER.tokens(TEXTS)
        assert isinstance(exact, Transformer)
        assert isinstance(near, Transformer)
        assert equal(exact, near)
        difference = (exact(exact.packed(tokens)) - near(near.packed(tokens))).detach().abs().max()
        assert 0 < difference < 0.1
        assert near.network.is_activation_checkpointing
        assert not exact.network.is_activation_checkpointing
