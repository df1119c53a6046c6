"""Losses that bring the embeddings of a text and of its translation together."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils import checkpoint

from isthmus.core.errors import SpecError
from isthmus.text.contrast_loss import ContrastLoss, Scale, Share

PairLoss = Callable[[Tensor, Tensor], Tensor]
"""A loss of two sets of embeddings, row i of one beside row i of the other."""

Part = TypeVar("Part")

_ROWS = 2048  # of the matrix of all cosines, at a time


def contrast(
    left: Tensor,
    right: Tensor,
    temperature: float,
    same: Tensor | None = None,
    margin: float = 0.0,
    share: Share | None = None,
) -> Tensor:
    """Symmetric loss of finding each text's translation among those of the batch.

    Of large batches the matrix of cosines is computed in parts, and again for the gradient.

    Args:
        left: Embeddings of texts, shape (texts, size), of any length.
        right: Embeddings of their translations, in the same order.
        temperature: What cosines are divided by, > 0.
        same: Shape (texts, texts), True where text i and translation j belong together as well;
            there j is no wrong answer. None if they do so nowhere beside the diagonal.
        margin: By how much the cosine of the right answer has to be above those of wrong ones.
        share: Which texts `left` has, where several processes compute a share each; None: all.

    Returns:
        The mean cross-entropy of both directions, or what the share adds to it, shape ().

    Raises:
        SpecError: There is no wrong answer for any text.

    Source:
        van den Oord, Li, Vinyals 2018, arXiv:1807.03748; symmetric and in the batch as Radford et
        al. 2021, arXiv:2103.00020; the margin of Yang et al. 2019, arXiv:1902.08564.
    """
    _check(len(right), same)
    scale = Scale(temperature, margin, _ROWS)
    return cast(Tensor, cast(Any, ContrastLoss).apply(left, right, same, scale, share))


def same_texts(left: Tensor, right: Tensor) -> Tensor | None:
    """Where a text or its translation occurs again in a batch.

    Args:
        left: A number of each text, shape (texts,): equal texts have equal numbers.
        right: Likewise of the translations.

    Returns:
        What `contrast` takes as `same`; None if no text occurs twice.
    """
    same = torch.eye(len(left), dtype=torch.bool, device=left.device)
    several = [_occur_again(numbers) for numbers in (left, right)]
    for rows, numbers in zip(several, (left, right), strict=True):
        some = numbers[rows]
        same[rows.unsqueeze(1), rows] |= some.unsqueeze(1) == some
    return same if any(map(len, several)) else None


def matryoshka(loss: PairLoss, left: Tensor, right: Tensor, sizes: Sequence[int]) -> Tensor:
    """A loss of beginnings of embeddings, so that they serve alone.

    Args:
        loss: The loss of whole embeddings.
        left: Embeddings, shape (texts, size).
        right: Likewise.
        sizes: Lengths of the beginnings, each at most size.

    Returns:
        The mean of the losses of the whole and of each beginning, shape ().

    Source:
        Kusupati et al. 2022, arXiv:2205.13147.
    """
    lengths = sorted({*sizes, left.shape[1]})
    losses = [loss(left[:, :length], right[:, :length]) for length in lengths]
    return torch.stack(losses).mean()


def cached(encode: Callable[[Part], Tensor], parts: Sequence[Part]) -> Tensor:
    """Embed a large batch in parts, with memory for one.

    Each part is embedded once for the loss of the whole batch and once more for its gradient.

    Args:
        encode: Embeds a part.
        parts: The parts of the batch.

    Returns:
        Embeddings of all parts, in order. Their gradient is that of the batch as a whole.

    Source:
        Gao, Zhang, Han, Callan 2021, arXiv:2101.06983.
    """
    return torch.cat([_computed_again(encode, part) for part in parts])


def _occur_again(numbers: Tensor) -> Tensor:
    """Returns where there are numbers that occur more than once."""
    _, at, counts = np.unique(numbers.cpu().numpy(), return_inverse=True, return_counts=True)
    return torch.as_tensor(np.flatnonzero(counts[at] > 1), device=numbers.device)


def _check(texts: int, same: Tensor | None) -> None:
    if texts > 1 and (same is None or not (bool(same[0].all()) and bool(same.all()))):
        return
    raise SpecError(
        f"a batch of {texts} texts has no wrong answers to tell translations from, since there is "
        "one text or all are the same. Use larger batches, or corpora with more texts."
    )


_computed_again: Callable[..., Tensor] = partial(
    cast(Any, checkpoint).checkpoint, use_reentrant=False
)
"""Calls a function whose gradient is computed by calling it again."""
