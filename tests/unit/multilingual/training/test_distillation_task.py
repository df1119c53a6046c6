"""Vectors of texts beside those of a teacher."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.training.batches import Batches, Group, Part
from isthmus.multilingual.training.distillation_task import Distillation
from isthmus.multilingual.training.encoders import make as make_encoder
from isthmus.text.model_folder import StaticEmbedder
from isthmus.text.spec import Encoder
from isthmus.text.static import StaticEncoder
from isthmus.text.tokenizer import Tokenizer
from tests.unit.multilingual.made_texts import Lines

ENGLISH = [f"text number {it} of many" for it in range(12)]
TOKENIZER = Tokenizer.train(ENGLISH, 600)


def task(seed: int, parts: int = 1) -> Distillation:
    teacher = StaticEncoder(TOKENIZER.size, 8)
    teacher.begin(np.random.default_rng(0))
    texts = Lines({"en": ENGLISH}, "some")
    return Distillation(
        make_encoder(Encoder(size=8), Path(), TOKENIZER, seed),
        StaticEmbedder(teacher.folded(), TOKENIZER),
        Batches([Group(("en",), [Part("some", np.arange(12))])], 6, 0.3, 0, "distillation"),
        {"some": cast(Texts, texts)},
        {"some": {"en": TOKENIZER.tokens(ENGLISH)}},
        parts,
    )


class TestDistillation:
    def test_a_loss_follows_from_its_step(self) -> None:
        assert task(1).loss(2).value.item() == task(1).loss(2).value.item() > 0
        assert task(1).loss(2).languages == "en"

    def test_is_the_same_in_parts(self) -> None:
        whole, parts = task(1).loss(0).value.item(), task(1, parts=3).loss(0).value.item()
        assert parts == pytest.approx(whole, rel=1e-6)
