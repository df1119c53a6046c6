"""Pieces to mask, and which place of a text sees which then."""

from typing import NamedTuple

import numpy as np

from isthmus.core.arrays import Bools, Integers
from isthmus.text.packing import Packed, pack, same_group, same_text
from isthmus.text.tokenizer import Specials
from isthmus.text.tokens import Tokens

SHARE = 0.15
"""Share of the pieces that are masked."""

_HIDDEN, _OTHER = 0.8, 0.1  # of the masked pieces: shares of [MASK] and of any other piece


class Masked(NamedTuple):
    """Which places of packed texts are to be predicted."""

    ids: Integers
    """Number of the piece that is read at each place, shape (rows, places)."""

    chosen: Bools
    """Where pieces are to be predicted, shape (rows, places)."""


def masked(
    packed: Packed,
    specials: Specials,
    pieces: int,
    generator: np.random.Generator,
    among: Bools | None = None,
) -> Masked:
    """Mask pieces: most become [MASK], some any other piece, and some stay as they are.

    Args:
        packed: The texts.
        specials: Numbers of the special pieces, which are never masked.
        pieces: Size of the vocabulary.
        generator: Of this step.
        among: Where pieces may be masked, shape (rows, places); None for everywhere.

    Returns:
        What is read, and what is to be predicted.

    Source:
        Devlin et al. 2019, arXiv:1810.04805, section 3.1.
    """
    chosen = _chosen(packed, specials, generator, among)
    fate = generator.random(packed.ids.shape)
    others = np.setdiff1d(np.arange(pieces), np.array(specials))
    drawn = others[generator.integers(0, len(others), packed.ids.shape)]
    ids = np.where(chosen & (fate < _HIDDEN), specials.mask, packed.ids)
    other = chosen & (fate >= _HIDDEN) & (fate < _HIDDEN + _OTHER)
    return Masked(np.where(other, drawn, ids), chosen)


def hidden(packed: Packed, specials: Specials, generator: np.random.Generator) -> Masked:
    """Mask pieces that are to be predicted from elsewhere: all of them become [MASK].

    Args:
        packed: The texts.
        specials: Numbers of the special pieces, which are never masked.
        generator: Of this step.

    Returns:
        What is read, and what is to be predicted.
    """
    chosen = _chosen(packed, specials, generator, None)
    return Masked(np.where(chosen, specials.mask, packed.ids), chosen)


def across(packed: Packed, chosen: Bools) -> Bools:
    """Who sees whom when masked pieces are predicted from the other text of their pair alone.

    A masked place sees the unmasked ones of the other text, and itself. Any other place sees the
    unmasked ones of its own text alone: through anything more, a later layer would see the text of
    a masked place.

    Args:
        packed: Pairs of texts.
        chosen: Which places are masked, shape (rows, places).

    Returns:
        Which place sees which, shape (rows, places, places).

    Source:
        US11995405B2 (S2), the first task; Ouyang et al. 2021, arXiv:2012.15674, section 3.2.
    """
    own = same_text(packed)
    other = same_group(packed) & ~own
    seen = np.where(chosen[:, :, None], other, own) & ~chosen[:, None, :]
    return seen | np.eye(packed.ids.shape[1], dtype=np.bool_)


def with_placeholders(
    tokens: Tokens, specials: Specials, generator: np.random.Generator, share: float = 0.5
) -> Packed:
    """Pair each text with placeholders for pieces in another language.

    Args:
        tokens: The texts, as the encoder reads them.
        specials: Numbers of the special pieces.
        generator: Of this step: it draws where in the other text the placeholders would stand.
        share: Placeholders of a text, as a share of its pieces.

    Returns:
        Pairs of a text and its placeholders.
    """
    ordinary = np.cumsum([0, *~np.isin(tokens.ids, np.array(specials))])
    inner = np.maximum(np.diff(ordinary[tokens.starts]), 1)
    counts = np.maximum(np.rint(inner * share).astype(np.int64), 1)
    shifts = np.zeros(2 * tokens.texts, np.int64)
    shifts[1::2] = generator.integers(1, inner - counts + 2)
    empty = Tokens(
        np.full(counts.sum(), specials.mask, np.int32), np.concatenate([[0], np.cumsum(counts)])
    )
    order = np.arange(2 * tokens.texts).reshape(2, -1).T.reshape(-1)
    return pack(Tokens.joined([tokens, empty]).take(order), specials.pad, 2, shifts=shifts)


def placeholders(packed: Packed) -> Bools:
    """Returns where the second texts of pairs are, shape (rows, places)."""
    second: Bools = packed.texts % 2 == 1
    return packed.present & second


def _chosen(
    packed: Packed, specials: Specials, generator: np.random.Generator, among: Bools | None
) -> Bools:
    may = packed.present & ~np.isin(packed.ids, np.array(specials))
    if among is not None:
        may &= among
    drawn = generator.random(packed.ids.shape)
    chosen = may & (drawn < SHARE)
    if not chosen.any() and may.any():  # there is always something to learn from
        chosen.flat[np.argmin(np.where(may, drawn, 1))] = True
    return chosen
