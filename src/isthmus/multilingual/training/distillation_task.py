"""The task of a teacher: its vectors of the same texts."""

from collections.abc import Mapping

import torch

from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.training.batches import Batches
from isthmus.multilingual.training.contrast_tasks import divided, taken
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
        drawn, processes = self._batches.draw(step), self._batches.processes
        (language,) = drawn.languages
        whole = taken(self._tokens, drawn.parts, language)
        divides = whole.texts >= processes.size  # else each computes all of it
        shared = divided(drawn.parts, processes) if divides else drawn.parts
        texts = [
            text or ""
            for corpus, rows in shared
            for text in self._corpora[corpus].read(language, rows)
        ]
        tokens = taken(self._tokens, shared, language)
        vectors = in_parts(self._encoder, tokens, self._parts)
        due = torch.as_tensor(self._teacher.embed(texts), device=vectors.device)
        if divides:
            due, vectors = (processes.gathered(each, whole.texts) for each in (due, vectors))
        value = distillation(vectors, due) / processes.size
        return TaskLoss(value, len(whole.ids), language)
