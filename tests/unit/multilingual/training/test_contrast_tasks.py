from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isthmus.multilingual.spec import Corpus, Multilingual, Training
from isthmus.multilingual.training.contrast_tasks import Contrast
from isthmus.multilingual.training.encoders import Static
from isthmus.multilingual.training.layered import Layered
from isthmus.text.contrast import contrast
from isthmus.text.static import StaticEncoder
from isthmus.text.tokens import Tokens
from tests.unit.text.small_transformers import SPECIALS, transformer

Encoder = Static | Layered
CORPORA = {"c": Corpus(path="c.tsv", languages=("aa", "bb"))}


def static_encoder() -> Static:
    module = StaticEncoder(30, 4)
    module.begin(np.random.default_rng(0))
    return Static(module)


def with_layers() -> Layered:
    return Layered(transformer(layers=2, size=16), length=32)


@pytest.fixture(params=[static_encoder, with_layers])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    made: Encoder = request.param()
    return made


def drawn(seed: int) -> Tokens:
    ids = np.random.default_rng(seed).integers(30, size=40).astype(np.int32)
    return Tokens(ids, np.arange(0, 41, 5))


@dataclass
class Recorded:
    """Remembers how many pieces it was given."""

    encoder: Encoder
    pieces: int = 0

    @property
    def module(self) -> nn.Module:
        return self.encoder.module

    def vectors(self, tokens: Tokens) -> Tensor:
        self.pieces += len(tokens.ids)
        return self.encoder.vectors(tokens)


def loss(
    training: Training, recorded: Recorded, seed: int = 0, sizes: tuple[int, ...] = ()
) -> float:
    spec = Multilingual(corpora=CORPORA, training=training, matryoshka=sizes)
    contrasted = Contrast(recorded, spec)  # type: ignore[arg-type]
    return contrasted.loss(drawn(1), drawn(2), np.random.default_rng(seed)).item()


class TestContrast:
    def test_takes_temperature_and_margin_of_the_job(self, encoder: Encoder) -> None:
        training = Training(temperature=0.5, margin=0.25, left_out=0)
        with torch.no_grad():
            left, right = (encoder.vectors(drawn(seed)) for seed in (1, 2))
        due = contrast(left, right, 0.5, margin=0.25).item()
        assert loss(training, Recorded(encoder)) == pytest.approx(due, abs=1e-5)
        assert due > contrast(left, right, 0.5).item() + 0.1

    def test_leaves_pieces_out_by_the_generator(self, encoder: Encoder) -> None:
        training, recorded = Training(left_out=0.5), Recorded(encoder)
        first = loss(training, recorded, seed=3)
        assert 0 < recorded.pieces < 80
        assert loss(training, recorded, seed=3) == first
        assert loss(training, recorded, seed=4) != first

    def test_of_parts_is_that_of_the_whole(self, encoder: Encoder) -> None:
        whole = loss(Training(), Recorded(encoder))
        assert loss(Training(accumulate=3), Recorded(encoder)) == pytest.approx(whole, abs=1e-5)

    def test_is_the_mean_over_beginnings_of_vectors(self, encoder: Encoder) -> None:
        training = Training(left_out=0)
        with torch.no_grad():
            left, right = (encoder.vectors(drawn(seed)) for seed in (1, 2))
        losses = [
            contrast(left[:, :to], right[:, :to], training.temperature, margin=0.3).item()
            for to in (2, 3, left.shape[1])
        ]
        found = loss(training, Recorded(encoder), sizes=(3, 2))
        assert found == pytest.approx(sum(losses) / 3, rel=1e-5)


class TestLayered:
    def test_keep_the_special_pieces_around_a_text_that_loses_some(self) -> None:
        made = with_layers()
        thinned = drawn(1).thinned(0.9, np.random.default_rng(0))
        around = made.module.around(thinned)
        starts, ends = around.starts[:-1], around.starts[1:] - 1
        assert set(around.ids[starts].tolist()) == {SPECIALS.start}
        assert set(around.ids[ends].tolist()) == {SPECIALS.end}
        assert (around.lengths >= 3).all()
