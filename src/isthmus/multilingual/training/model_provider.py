"""Translations of words that the encoder in training makes itself: pseudo pieces (S8)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from isthmus.text.masked_losses import PlaceEncoder
from isthmus.text.masking import across, placeholders
from isthmus.text.mixing.providers import SURE, Choice, Original
from isthmus.text.packing import Packed, pack
from isthmus.text.tokenizer import Tokenizer
from isthmus.text.tokens import Tokens

_BEGIN = ("▁", "Ġ")  # what pieces begin with that begin a word


class ModelProvider:
    """Asks the encoder which word of another language would stand where a word stands.

    As in S2's second task, a placeholder at the position of the word sees the text alone.
    """

    def __init__(
        self,
        encoder: PlaceEncoder,
        tokenizer: Tokenizer,
        shares: Mapping[str, Tensor],
        length: int,
    ) -> None:
        """Prepare.

        Args:
            encoder: The encoder, which learns `camlm`.
            tokenizer: Its vocabulary.
            shares: Logarithm of the share that each language has in each piece, by language.
            length: Most pieces that are read of a text.
        """
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._shares = shares
        self._length = length
        begins = [number for name, number in tokenizer.vocabulary.items() if name[:1] in _BEGIN]
        words = {number: tokenizer.text([number]) for number in sorted(begins)}
        self._words = {number: word for number, word in words.items() if word.isalpha()}
        self._allowed = torch.tensor(list(self._words))
        self._last: tuple[Original, Sequence[Sequence[Choice]]] | None = None

    def choices(self, text: Original, place: int) -> Sequence[Choice]:
        """Returns the likeliest word of each other language for one word."""
        if self._last is None or self._last[0] is not text:
            self._last = (text, self._of(text))
        return self._last[1][place]

    def _of(self, text: Original) -> Sequence[Sequence[Choice]]:
        """Returns the choices of each word: texts come one after another, with all their words."""
        packed = self._with_placeholders(text)
        chosen = placeholders(packed)
        with torch.no_grad():
            places = self._encoder.places(packed, across(packed, chosen))
            logits = self._encoder.logits(places[torch.as_tensor(chosen, device=places.device)])
        found: list[list[Choice]] = [[] for _ in text.spans]
        for into, shares in self._shares.items():
            if into == text.language:
                continue
            scores = (logits.cpu() + shares)[:, self._allowed].softmax(dim=1)
            best = scores.max(dim=1)
            likely = [float(it) for it in best.values]
            numbers = [int(it) for it in self._allowed[best.indices]]
            for choices, score, number in zip(found, likely, numbers, strict=True):
                if score >= SURE:
                    choices.append(Choice(into, self._words[number], score))
        return found

    def _with_placeholders(self, text: Original) -> Packed:
        before = self._tokenizer.tokens([text.text[:begin] for begin, _ in text.spans]).lengths
        own = self._encoder.around(self._tokenizer.tokens([text.text], self._length))
        mask = np.full(len(before), self._encoder.specials.mask, np.int32)
        both = Tokens.joined([own, Tokens(mask, np.array([0, len(mask)]))])
        packed = pack(both, self._encoder.specials.pad, 2)
        positions = packed.positions.copy()
        positions[placeholders(packed)] = np.minimum(before + 1, own.lengths[0] - 1)
        return packed._replace(positions=positions)
