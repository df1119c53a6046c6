"""Tasks that bring texts that mean the same together, against others of the batch."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.multilingual.processes.group import ALONE, ProcessGroup
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training.batches import Batches, Group, Part
from isthmus.multilingual.training.encoders import TextEncoder, in_parts
from isthmus.multilingual.training.task import TaskLoss
from isthmus.multilingual.training.token_files import TokensByLanguage
from isthmus.text.contrast import contrast, matryoshka, same_texts
from isthmus.text.contrast_loss import Share
from isthmus.text.tokens import Tokens

FEWEST = 2
"""Texts of a batch: one has nothing to be told from."""


class Contrast:
    """The loss of texts beside texts that mean the same."""

    def __init__(
        self, encoder: TextEncoder, spec: Multilingual, processes: ProcessGroup = ALONE
    ) -> None:
        self._processes = processes
        self._encoder = encoder
        self._training = spec.training
        self._sizes = spec.matryoshka

    def loss(self, left: Tokens, right: Tokens, generator: np.random.Generator) -> Tensor:
        """Compute the loss of a batch.

        Args:
            left: The texts.
            right: What means the same, in the same order.
            generator: Draws the pieces that are left out.

        Returns:
            What this process adds to the loss, shape ().

        Raises:
            SpecError: No text differs from the others.
        """
        sides = [side.thinned(self._training.left_out, generator) for side in (left, right)]
        same = same_texts(*(torch.as_tensor(side.numbered()) for side in (left, right)))
        processes = self._processes
        if processes.size == 1:
            return self._of(sides, same)
        if left.texts < processes.size:  # too few to divide: each computes all of it
            return self._of(sides, same) / processes.size
        own = processes.own(left.texts)
        rows: Integers = np.arange(left.texts)[own]
        share = Share(own, left.texts, processes.stacked)
        return self._of([side.take(rows) for side in sides], same, share)

    def _of(
        self, sides: Sequence[Tokens], same: Tensor | None, share: Share | None = None
    ) -> Tensor:
        accumulate = self._training.accumulate
        parts = 1 if accumulate == 1 else 2 * accumulate
        both = in_parts(self._encoder, Tokens.joined(sides), parts)
        ours, theirs = torch.split(both, sides[0].texts)
        if share:
            theirs = self._processes.gathered(theirs, share.texts)
        loss = partial(
            contrast,
            temperature=self._training.temperature,
            same=None if same is None else same.to(ours.device),
            margin=self._training.margin,
            share=share,
        )
        return matryoshka(loss, ours, theirs, self._sizes) if self._sizes else loss(ours, theirs)


class Pairs:
    """Texts and their translations."""

    name = "pairs"
    bilingual = True

    def __init__(self, contrasted: Contrast, batches: Batches, tokens: TokensByLanguage) -> None:
        """Prepare.

        Args:
            contrasted: The loss.
            batches: Of rows with texts in two languages.
            tokens: Pieces of all texts.

        Raises:
            SpecError: A pair of languages has one text alone.
        """
        check_negatives(batches.groups)
        self._contrast = contrasted
        self._batches = batches
        self._tokens = tokens

    def loss(self, step: int) -> TaskLoss:
        """Compute the loss of the batch of a step."""
        drawn = self._batches.draw(step)
        left, right = (taken(self._tokens, drawn.parts, language) for language in drawn.languages)
        value = self._contrast.loss(left, right, drawn.generator)
        return TaskLoss(value, len(left.ids) + len(right.ids), "-".join(drawn.languages))


def taken(tokens: TokensByLanguage, parts: Sequence[Part], language: str) -> Tokens:
    """Returns the pieces of the rows of a batch in one language."""
    return Tokens.joined(tokens[corpus][language].take(rows) for corpus, rows in parts)


def divided(parts: Sequence[Part], processes: ProcessGroup) -> Sequence[Part]:
    """Returns the rows of a batch that this process computes."""
    found, begin = list[Part](), 0
    own = processes.own(sum(len(rows) for _, rows in parts))
    for corpus, rows in parts:
        first, last = max(own.start - begin, 0), max(own.stop - begin, 0)
        if len(rows[first:last]):
            found.append(Part(corpus, rows[first:last]))
        begin += len(rows)
    return found


def check_negatives(groups: Sequence[Group]) -> None:
    """Refuse rows that give a batch of one text.

    Args:
        groups: The rows by language, or by pair of languages.

    Raises:
        SpecError: One has too few.
    """
    for group in groups:
        if group.size < FEWEST:
            raise SpecError(
                f"the corpora have {group.size} text in {' and '.join(group.languages)} to train "
                "on, and it takes others in the same language to tell it from: add texts, or "
                f"leave out the corpus {group.parts[0].corpus!r}."
            )
