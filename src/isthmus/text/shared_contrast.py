"""The contrast of a batch whose texts are divided among processes."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from isthmus.text.contrast import _check as check_wrong_answers

Gathered = Callable[[Tensor, int], Tensor]
"""Puts rows of all processes together, given how many there are in all; see `contrast_share`."""


def contrast_share(
    left: Tensor,
    right: Tensor,
    own: slice,
    gathered: Gathered,
    *,
    processes: int,
    temperature: float,
    same: Tensor | None = None,
    margin: float = 0.0,
) -> Tensor:
    """What one process adds to `contrast` of a batch.

    It computes its rows of the matrix of cosines; of the columns it sends one number each. The sum
    over processes, and that of gradients, is that of `contrast` up to the order of adding.

    Args:
        left: Embeddings of the texts of this process, shape (rows, size).
        right: Embeddings of the translations of all processes, shape (texts, size).
        own: Which of them belong to the texts of this process.
        gathered: Puts rows of all processes together; the gradient goes back to each, as a sum.
        processes: Their number.
        temperature: As of `contrast`.
        same: As of `contrast`, shape (texts, texts).
        margin: As of `contrast`.

    Returns:
        A share of the loss, shape ().
    """
    check_wrong_answers(len(right), same)
    one, other = functional.normalize(left, dim=-1), functional.normalize(right, dim=-1)
    scores = one @ other.T / temperature
    scores.diagonal(own.start).sub_(margin / temperature)
    if same is not None:
        wrong = same[own].clone()
        wrong.diagonal(own.start).fill_(value=False)
        scores = scores.masked_fill(wrong, -torch.inf)
    columns = _logsumexp(gathered(_logsumexp(scores).unsqueeze(0), processes))
    answers = scores.diagonal(own.start).sum()
    return (scores.logsumexp(dim=1).sum() + columns[own].sum() - 2 * answers) / (2 * len(right))


def _logsumexp(scores: Tensor) -> Tensor:
    """The log of the sum of exponentials over rows; without a gradient where all are nothing."""
    empty = (scores == -torch.inf).all(dim=0)
    sums = scores.masked_fill(empty, 0.0).logsumexp(dim=0)
    return sums.masked_fill(empty, -torch.inf)
