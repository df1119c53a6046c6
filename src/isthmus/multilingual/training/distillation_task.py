"""The task of a teacher: its vectors of the same texts."""

from collections.abc import Mapping

import torch

from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.training.batches import Batches
from isthmus.multilingual.training.contrast_tasks import taken
from isthmus.multilingual.training.encoders import TextEncoder, in_parts
from isthmus.multilingual.training.task import TaskLoss
from isthmus.multilingual.training.token_files import TokensByLanguage
from isthmus.text.masked_losses import distillation
from isthmus.text.model_folder import Embedder


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
        vectors = in_parts(self._encoder, tokens, self._parts)
        return TaskLoss(distillation(vectors, due.to(vectors.device)), len(tokens.ids), language)
