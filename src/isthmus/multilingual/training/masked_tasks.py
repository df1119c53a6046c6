"""Tasks of masked pieces: on texts, on texts with their translations, and S2's second task.

The draws of a step come from the generator of its batch, so they follow from seed and step.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from isthmus.core.errors import SpecError
from isthmus.multilingual.processes.group import ALONE, ProcessGroup
from isthmus.multilingual.training.batches import Batches, Drawn
from isthmus.multilingual.training.contrast_tasks import taken
from isthmus.multilingual.training.task import TaskLoss
from isthmus.multilingual.training.token_files import TokensByLanguage
from isthmus.text import masked_losses, masking
from isthmus.text.contrast import cached
from isthmus.text.masked_losses import PlaceEncoder, Prediction
from isthmus.text.masking import Masked
from isthmus.text.packing import Packed, pack
from isthmus.text.tokens import Tokens

MaskedName = Literal["mlm", "tlm", "camlm"]

_SMOOTH = 0.1  # occurrences of each piece in each language that are added to those counted
_BLOCK = 2**20  # pieces at a time


class Prepared(NamedTuple):
    """A part of a batch, with what is masked of it."""

    packed: Packed
    masked: Masked

    def rows(self, rows: slice) -> "Prepared":
        """Returns some of its rows."""
        masked = Masked(self.masked.ids[rows], self.masked.chosen[rows])
        return Prepared(self.packed.rows(rows), masked)


Loss = Callable[[PlaceEncoder, Packed, Masked], Prediction]


class MaskedPieces:
    """Predicting masked pieces: `mlm` of texts, `tlm` and `camlm` of texts and translations."""

    def __init__(
        self,
        name: MaskedName,
        encoder: PlaceEncoder,
        batches: Batches,
        tokens: TokensByLanguage,
        parts: int = 1,
    ) -> None:
        """Prepare.

        Args:
            name: Which of them.
            encoder: What learns.
            batches: Of rows in one language for `mlm`, and in two for the others.
            tokens: Pieces of all texts.
            parts: Parts of a batch that are computed in turn, to save memory.
        """
        self.name: str = name
        self.bilingual = name != "mlm"
        self._loss: Loss = getattr(masked_losses, name)
        self._encoder = encoder
        self._batches = batches
        self._tokens = tokens
        self._parts = parts

    def loss(self, step: int) -> TaskLoss:
        """Compute the loss of the batch of a step."""
        drawn = self._batches.draw(step)
        prepared = self._prepared(drawn)
        value = _loss_share(self._loss, self._encoder, prepared, self._batches.processes)
        return TaskLoss(value, _pieces(prepared), "-".join(drawn.languages))

    def accuracy(self, step: int) -> tuple[int, int]:
        """Returns how many masked pieces of a step's batch are predicted, and of how many."""
        return _accuracy(self._loss, self._encoder, self._prepared(self._batches.draw(step)))

    def _prepared(self, drawn: Drawn) -> Sequence[Prepared]:
        sides = [taken(self._tokens, drawn.parts, language) for language in drawn.languages]
        return [
            self._masked(part, drawn.generator)
            for part in _parts(_alternating(sides), len(sides), self._parts)
        ]

    def _masked(self, tokens: Tokens, generator: np.random.Generator) -> Prepared:
        encoder = self._encoder
        together = 2 if self.bilingual else 1
        packed = pack(encoder.around(tokens), encoder.specials.pad, together)
        if self.name == "camlm":
            return Prepared(packed, masking.hidden(packed, encoder.specials, generator))
        masked = masking.masked(packed, encoder.specials, encoder.pieces, generator)
        return Prepared(packed, masked)


class BackTranslated:
    """Predicting masked pieces of texts, from themselves and from pseudo pieces (S2)."""

    name = "btmlm"
    bilingual = False

    def __init__(
        self,
        encoder: PlaceEncoder,
        batches: Batches,
        tokens: TokensByLanguage,
        parts: int = 1,
    ) -> None:
        """Prepare.

        Args:
            encoder: What learns.
            batches: Of rows in one language.
            tokens: Pieces of all texts; those of texts with translations tell what a piece's
                language is.
            parts: Parts of a batch that are computed in turn, to save memory.

        Raises:
            SpecError: There is one language alone.
        """
        self._encoder = encoder
        self._batches = batches
        self._tokens = tokens
        self._parts = parts
        self._pseudo = PseudoPieces(encoder, tokens)

    def loss(self, step: int) -> TaskLoss:
        """Compute the loss of the batch of a step."""
        drawn = self._batches.draw(step)
        prepared = self._prepared(drawn)
        processes = self._batches.processes
        value = _loss_share(masked_losses.btmlm, self._encoder, prepared, processes)
        return TaskLoss(value, _pieces(prepared), "-".join(drawn.languages))

    def accuracy(self, step: int) -> tuple[int, int]:
        """Returns how many masked pieces of a step's batch are predicted, and of how many."""
        prepared = self._prepared(self._batches.draw(step))
        return _accuracy(masked_losses.btmlm, self._encoder, prepared)

    def _prepared(self, drawn: Drawn) -> Sequence[Prepared]:
        (language,) = drawn.languages
        tokens = taken(self._tokens, drawn.parts, language)
        return [
            self._masked(part, language, drawn.generator) for part in _parts(tokens, 1, self._parts)
        ]

    def _masked(self, tokens: Tokens, language: str, generator: np.random.Generator) -> Prepared:
        encoder = self._encoder
        packed = self._pseudo.beside(tokens, language, generator, processes=self._batches.processes)
        among = ~masking.placeholders(packed)
        masked = masking.masked(packed, encoder.specials, encoder.pieces, generator, among)
        return Prepared(packed, masked)


class PseudoPieces:
    """What an encoder would say of a text in another language, as pieces."""

    def __init__(self, encoder: PlaceEncoder, tokens: TokensByLanguage) -> None:
        """Find out what language pieces are of.

        Args:
            encoder: The encoder, which has learned `camlm`.
            tokens: Pieces of all texts.

        Raises:
            SpecError: There is one language alone.
        """
        self._encoder = encoder
        self._shares = language_shares(tokens, encoder.pieces)
        self._others = _translated(tokens)
        if len(self._shares) == 1:
            raise SpecError(
                f"`btmlm` needs texts in a second language beside {next(iter(self._shares))!r}: "
                "add a corpus, or use `mlm`."
            )

    def beside(
        self,
        tokens: Tokens,
        language: str,
        generator: np.random.Generator,
        into: str | None = None,
        processes: ProcessGroup = ALONE,
    ) -> Packed:
        """Make pseudo pieces for texts.

        Args:
            tokens: Pieces of the texts.
            language: What they are in.
            generator: Draws places and, unless it is given, the other language of each text.
            into: The language to make pieces of; None: one that texts in `language` have
                translations in.
            processes: Each of them makes those of its own rows.

        Returns:
            Pairs of a text and its pseudo pieces; placeholders in rows of other processes.
        """
        encoder = self._encoder
        around = encoder.around(tokens)
        packed = masking.with_placeholders(around, encoder.specials, generator)
        among = [into] if into else self._others[language]
        chosen = generator.integers(0, len(among), tokens.texts)
        shares = torch.stack([self._shares[it] for it in among])
        own = processes.own(len(packed.ids))
        ids = packed.ids.copy()
        if own.start < own.stop:
            made = masked_losses.pseudo_pieces(encoder, packed.rows(own), shares, chosen)
            ids[own] = made.ids
        return packed._replace(ids=ids)


def language_shares(tokens: TokensByLanguage, pieces: int) -> Mapping[str, Tensor]:
    """Find out what language each piece is of.

    Args:
        tokens: Pieces of all texts.
        pieces: Size of the vocabulary.

    Returns:
        By language, the logarithm of the share that it has in the occurrences of each piece, if
        there were as many texts in each language, shape (pieces,).
    """
    counts = dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]()
    for corpus in tokens.values():
        for language, found in corpus.items():
            total = counts.setdefault(language, np.full(pieces, _SMOOTH))
            for begin in range(0, len(found.ids), _BLOCK):
                total += np.bincount(found.ids[begin : begin + _BLOCK], minlength=pieces)
    rates = {language: count / count.sum() for language, count in counts.items()}
    whole = np.sum(list(rates.values()), axis=0)
    return {
        language: torch.as_tensor(np.log(rate / whole), dtype=torch.float32)
        for language, rate in sorted(rates.items())
    }


def _translated(tokens: TokensByLanguage) -> Mapping[str, Sequence[str]]:
    """Returns which languages texts have translations in; all others if in none."""
    languages = sorted({language for corpus in tokens.values() for language in corpus})
    found = {
        language: sorted(
            {it for corpus in tokens.values() if language in corpus for it in corpus} - {language}
        )
        for language in languages
    }
    return {
        language: others or [it for it in languages if it != language]
        for language, others in found.items()
    }


def _alternating(sides: Sequence[Tokens]) -> Tokens:
    """Returns text 0 of each side, then text 1 of each side, and so on."""
    texts = sides[0].texts
    order = np.arange(len(sides) * texts).reshape(len(sides), texts).T.reshape(-1)
    return Tokens.joined(sides).take(order)


def _parts(tokens: Tokens, together: int, parts: int) -> Sequence[Tokens]:
    groups = np.arange(tokens.texts).reshape(-1, together)
    split = np.array_split(groups, min(parts, len(groups)))
    return [tokens.take(part.reshape(-1)) for part in split]


def _pieces(prepared: Sequence[Prepared]) -> int:
    return sum(int(part.packed.present.sum()) for part in prepared)


def _loss_share(
    loss: Loss, encoder: PlaceEncoder, prepared: Sequence[Prepared], processes: ProcessGroup
) -> Tensor:
    """Returns what this process adds to the mean loss of all masked places."""
    if len(prepared) == 1 and processes.size == 1:
        return loss(encoder, *prepared[0]).loss
    total = sum(int(part.masked.chosen.sum()) for part in prepared)

    def share(part: Prepared) -> Tensor:
        found = loss(encoder, *part)
        return (found.loss * (found.places / total)).unsqueeze(0)

    own = [part.rows(processes.own(len(part.packed.ids))) for part in prepared]
    own = [part for part in own if part.masked.chosen.any()]
    return cached(share, own).sum() if own else torch.zeros((), requires_grad=True)


def _accuracy(loss: Loss, encoder: PlaceEncoder, prepared: Sequence[Prepared]) -> tuple[int, int]:
    with torch.no_grad():
        found = [loss(encoder, *part) for part in prepared]
    return sum(it.right for it in found), sum(it.places for it in found)
