"""The task of S8: a text and the mixed-language text made of it mean the same."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.mixing.making import originals, ratio_at
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training.batches import Batches, Part
from isthmus.multilingual.training.contrast_tasks import FEWEST, Contrast, check_negatives, divided
from isthmus.multilingual.training.task import TaskLoss
from isthmus.text.mixing.mixing import Mixer
from isthmus.text.tokenizer import Tokenizer

MixedPair = tuple[str, str]
"""A text, and the mixed-language text made of it."""


class Switched:
    """Texts and the mixed-language texts made of them, trained on together.

    Source:
        US20220019743A1 (S8), training on each mixed text with its original: docs/systems/s8.md.
    """

    name = "switched"
    bilingual = False

    def __init__(
        self,
        contrasted: Contrast,
        batches: Batches,
        corpora: Mapping[str, Texts],
        tokenizer: Tokenizer,
        mixer: Mixer,
        spec: Multilingual,
    ) -> None:
        """Prepare.

        Args:
            contrasted: The loss.
            batches: Of rows with a text in one language.
            corpora: The texts.
            tokenizer: Divides texts and mixed ones into pieces.
            mixer: Makes mixed texts.
            spec: The `[multilingual]` table.
        """
        check_negatives(batches.groups)
        self._contrast = contrasted
        self._batches = batches
        self._corpora = corpora
        self._tokenizer = tokenizer
        self._mixer = mixer
        self._spec = spec
        self._rows = sum(group.size for group in batches.groups)

    def loss(self, step: int) -> TaskLoss:
        """Compute the loss of the batch of a step.

        Args:
            step: Number of the step; the share of words that are replaced follows from it.

        Returns:
            The loss; texts that cannot be mixed are left out of the batch.

        Raises:
            SpecError: Fewer than two texts of the batch can be mixed.
        """
        drawn = self._batches.draw(step)
        (language,) = drawn.languages
        processes, length = self._batches.processes, self._spec.encoder.length
        found = list(self._pairs(divided(drawn.parts, processes), language, step))
        left, right = (
            processes.gathered_tokens(self._tokenizer.tokens([it[side] for it in found], length))
            for side in (0, 1)
        )
        if left.texts < FEWEST:
            raise SpecError(
                f"{left.texts} of the texts in {language!r} of a batch can be mixed with another "
                "language, and it takes 2 to tell them apart: name a larger `mixing.table`, add "
                "texts with translations, or set `multilingual.objectives.switched` to 0."
            )
        value = self._contrast.loss(left, right, drawn.generator)
        return TaskLoss(value, len(left.ids) + len(right.ids), language)

    def _pairs(self, parts: Sequence[Part], language: str, step: int) -> Iterator[MixedPair]:
        training = self._spec.training
        ratio = ratio_at(self._spec.mixing, step / training.steps)
        epoch = step * training.batch // max(1, self._rows)
        for corpus, rows in parts:
            texts = originals(self._corpora[corpus], language, np.asarray(rows))
            for original, mixed in zip(
                texts, self._mixer.mix(texts, rows, corpus, epoch, ratio), strict=True
            ):
                if mixed is not None:
                    yield original.text, mixed.text
