"""The task of a teacher: its vectors of the same texts."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.training.batches import Batches
from isthmus.multilingual.training.contrast_tasks import taken
from isthmus.multilingual.training.encoders import TextEncoder
from isthmus.multilingual.training.task import TaskLoss
from isthmus.multilingual.training.token_files import TokensByLanguage
from isthmus.text.contrast import cached
from isthmus.text.masked_losses import distillation
from isthmus.text.model_folder import Embedder
from isthmus.text.tokens import Tokens


class Distillation:
    """Vectors of texts beside those of a teacher."""

    name = "distillation"
    bilingual = False

    def __init__(
        self,
        encoder: TextEncoder,
        teacher: Embedder,
        batches: Batches,
        corpora: Mapping[str, Texts],
        tokens: TokensByLanguage,
        parts: int = 1,
    ) -> None:
        """Prepare.

        Args:
            encoder: What learns.
            teacher: What it learns from.
            batches: Of rows in one language.
            corpora: The texts, for the teacher.
            tokens: Their pieces, for the encoder.
            parts: Parts of a batch that are computed in turn, to save memory.
        """
        self._encoder = encoder
        self._teacher = teacher
        self._batches = batches
        self._corpora = corpora
        self._tokens = tokens
        self._parts = parts

    def loss(self, step: int) -> TaskLoss:
        """Compute the loss of the batch of a step."""
        drawn = self._batches.draw(step)
        (language,) = drawn.languages
        texts = [
            text or ""
            for corpus, rows in drawn.parts
            for text in self._corpora[corpus].read(language, rows)
        ]
        due = torch.as_tensor(self._teacher.embed(texts))
        tokens = taken(self._tokens, drawn.parts, language)
        vectors = self._vectors(tokens)
        return TaskLoss(distillation(vectors, due.to(vectors.device)), len(tokens.ids), language)

    def _vectors(self, tokens: Tokens) -> Tensor:
        if self._parts == 1:
            return self._encoder.vectors(tokens)
        rows = np.array_split(np.arange(tokens.texts), min(self._parts, tokens.texts))
        return cached(self._encoder.vectors, [tokens.take(part) for part in rows])
