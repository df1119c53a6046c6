"""Losses of masked pieces, as pure functions of an encoder and a batch.

| loss  | a masked piece is predicted from                                              |
|-------|-------------------------------------------------------------------------------|
| mlm   | the rest of its text                                                          |
| tlm   | the rest of its text, and the translation                                     |
| camlm | the translation alone: S2's first task                                        |
| btmlm | the rest of its text, and pseudo pieces in another language: S2's second task |
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from isthmus.core.arrays import Bools, Integers
from isthmus.text.masking import Masked, across, placeholders
from isthmus.text.packing import Packed, same_group, same_text
from isthmus.text.tokenizer import Specials
from isthmus.text.tokens import Tokens

_BLOCK = 1024  # places at a time


class PlaceEncoder(Protocol):
    """An encoder that has something to say at each place of a text."""

    @property
    def specials(self) -> Specials:
        """Returns the numbers of its special pieces."""
        ...

    @property
    def pieces(self) -> int:
        """Returns the size of its vocabulary."""
        ...

    def around(self, tokens: Tokens) -> Tokens:
        """Returns texts with the special pieces that it reads before and after each."""
        ...

    def places(self, packed: Packed, seen: Bools, ids: Integers | None = None) -> Tensor:
        """Returns what stands at each place, shape (rows, places, size)."""
        ...

    def logits(self, places: Tensor) -> Tensor:
        """Returns logits of the pieces, shape (places, pieces)."""
        ...


class Prediction(NamedTuple):
    """How well masked pieces were predicted."""

    loss: Tensor
    """Mean cross entropy, in nats."""

    right: int
    """Pieces that were the likeliest."""

    places: int
    """Pieces that were to be predicted."""


def mlm(encoder: PlaceEncoder, packed: Packed, masked: Masked) -> Prediction:
    """Returns how well masked pieces are predicted from the rest of their text."""
    return _predicted(encoder, packed, masked, same_text(packed))


def tlm(encoder: PlaceEncoder, packed: Packed, masked: Masked) -> Prediction:
    """Returns how well masked pieces of pairs are predicted from the rest of the pair.

    Args:
        encoder: The encoder.
        packed: Pairs of texts.
        masked: What is masked.

    Returns:
        The loss, and counts.

    Source:
        Conneau, Lample 2019, arXiv:1901.07291, section 3.3.
    """
    return _predicted(encoder, packed, masked, same_group(packed))


def camlm(encoder: PlaceEncoder, packed: Packed, masked: Masked) -> Prediction:
    """Returns how well masked pieces of pairs are predicted from the other text alone.

    Args:
        encoder: The encoder.
        packed: Pairs of texts.
        masked: What is masked, all of it by [MASK].

    Returns:
        The loss, and counts.

    Source:
        US11995405B2 (S2), the first task; Ouyang et al. 2021, arXiv:2012.15674, section 3.2.
    """
    return _predicted(encoder, packed, masked, across(packed, masked.chosen))


def btmlm(encoder: PlaceEncoder, packed: Packed, masked: Masked) -> Prediction:
    """Returns how well masked pieces are predicted from their text and from pseudo pieces.

    Args:
        encoder: The encoder.
        packed: Pairs of a text and of its `pseudo_pieces`.
        masked: What is masked of the texts.

    Returns:
        The loss, and counts.

    Source:
        US11995405B2 (S2), the second task; Ouyang et al. 2021, arXiv:2012.15674, section 3.3.
    """
    return _predicted(encoder, packed, masked, same_group(packed))


def pseudo_pieces(
    encoder: PlaceEncoder, packed: Packed, shares: Tensor, languages: Integers
) -> Packed:
    """Put the likeliest pieces of another language in place of placeholders.

    Args:
        encoder: The encoder; a place with a placeholder sees the text alone, as in `camlm`.
        packed: Pairs of a text and its placeholders.
        shares: Logarithm of the share that each language has in each piece, shape (languages,
            pieces): the encoder is asked for a piece, and says nothing of languages.
        languages: Which of them the pseudo pieces of each text are in, shape (texts,).

    Returns:
        Pairs of a text and pseudo pieces, none of them special.

    Source:
        US11995405B2 (S2), the second task; Ouyang et al. 2021, arXiv:2012.15674, section 3.3.
    """
    chosen = placeholders(packed)
    wanted = languages[packed.groups[chosen]]
    found = list[Tensor]()
    with torch.no_grad():
        places = encoder.places(packed, across(packed, chosen))
        empty = places[_on(chosen, places)]
        for begin in range(0, len(empty), _BLOCK):
            logits = encoder.logits(empty[begin : begin + _BLOCK])
            logits = logits + shares[_on(wanted[begin : begin + _BLOCK], shares)].to(logits.device)
            logits[:, list(encoder.specials)] = -torch.inf
            found.append(logits.argmax(dim=-1))
    ids = packed.ids.copy()
    ids[chosen] = torch.cat(found).cpu().numpy()
    return packed._replace(ids=ids)


def distillation(vectors: Tensor, teacher: Tensor) -> Tensor:
    """How far the likeness of texts is from that in the eyes of a teacher.

    Vectors of the same size are compared as they are. Where sizes differ, the cosines between the
    texts of a batch are.

    Args:
        vectors: Shape (texts, size).
        teacher: Its vectors of the same texts, shape (texts, its size).

    Returns:
        Mean squared difference: of vectors of length 1, or of cosines.
    """
    ours, theirs = functional.normalize(vectors, dim=-1), functional.normalize(teacher, dim=-1)
    if ours.shape != theirs.shape:
        return functional.mse_loss(ours @ ours.T, theirs @ theirs.T)
    return (ours - theirs).square().sum(dim=-1).mean()


def _predicted(encoder: PlaceEncoder, packed: Packed, masked: Masked, seen: Bools) -> Prediction:
    places = encoder.places(packed, seen, masked.ids)
    logits = encoder.logits(places[_on(masked.chosen, places)])
    right = _on(packed.ids[masked.chosen], places)
    loss = functional.cross_entropy(logits, right)
    hits = int((logits.detach().argmax(dim=-1) == right).sum())
    return Prediction(loss, hits, len(right))


def _on(array: Integers | Bools, like: Tensor) -> Tensor:
    return torch.as_tensor(array, device=like.device)
