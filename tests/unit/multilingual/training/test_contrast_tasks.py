from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isthmus.multilingual.spec import Corpus, Multilingual, Training
from isthmus.multilingual.training.contrast_tasks import Contrast
from isthmus.multilingual.training.encoders import Static
from isthmus.text.contrast import contrast
from isthmus.text.static import StaticEncoder, tensors
from isthmus.text.tokens import Tokens

CORPORA = {"c": Corpus(path="c.tsv", languages=("aa", "bb"))}


def encoder() -> Static:
    module = StaticEncoder(30, 4)
    module.begin(np.random.default_rng(0))
    return Static(module)


def drawn(seed: int) -> Tokens:
    ids = np.random.default_rng(seed).integers(30, size=40).astype(np.int32)
    return Tokens(ids, np.arange(0, 41, 5))


@dataclass
class Recorded:
    """Remembers how many pieces it was given."""

    encoder: Static
    pieces: int = 0

    @property
    def module(self) -> nn.Module:
        return self.encoder.module

    def vectors(self, tokens: Tokens) -> Tensor:
        self.pieces += len(tokens.ids)
        return self.encoder.vectors(tokens)


def loss(training: Training, recorded: Recorded, seed: int = 0) -> float:
    contrasted = Contrast(recorded, Multilingual(corpora=CORPORA, training=training))  # type: ignore[arg-type]
    return contrasted.loss(drawn(1), drawn(2), np.random.default_rng(seed)).item()


class TestContrast:
    def test_takes_temperature_and_margin_of_the_job(self) -> None:
        training = Training(temperature=0.5, margin=0.25, left_out=0)
        module = encoder().module
        with torch.no_grad():
            left, right = (module(*tensors(drawn(seed))) for seed in (1, 2))
        due = float(contrast(left, right, 0.5, margin=0.25))
        assert loss(training, Recorded(encoder())) == pytest.approx(due, abs=1e-6)

    def test_leaves_pieces_out_by_the_generator(self) -> None:
        training, recorded = Training(left_out=0.5), Recorded(encoder())
        first = loss(training, recorded, seed=3)
        assert 0 < recorded.pieces < 80
        assert loss(training, recorded, seed=3) == first
        assert loss(training, recorded, seed=4) != first

    def test_of_parts_is_that_of_the_whole(self) -> None:
        whole = loss(Training(), Recorded(encoder()))
        assert loss(Training(accumulate=3), Recorded(encoder())) == pytest.approx(whole, abs=1e-5)
