# torch leaves types open:
# pyright: reportUnknownMemberType=false
"""The loss of contrast with its gradient, written out.

It takes half the time of what PyTorch would derive: the softmax over rows and that over columns
share their exponentials, and there is one matrix of all cosines, or of some rows at a time.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

_MILD = 60
"""Scores of at most so much, either way, have exponentials that add up to ordinary numbers."""

_SHORTEST = 1e-12
"""What is shorter is taken to have this length, as PyTorch does."""


class Scale(NamedTuple):
    """How cosines become scores."""

    temperature: float
    margin: float
    rows: int
    """Of the matrix of all scores, at a time."""

    @property
    def is_mild(self) -> bool:
        """Whether exponentials of scores can be taken as they are."""
        return (1 + self.margin) / self.temperature <= _MILD


class Share(NamedTuple):
    """What one of several processes computes of a batch: some rows of the matrix of all scores."""

    own: slice
    """The rows."""

    texts: int
    """Rows of all processes."""

    gathered: Callable[[Tensor], Tensor]
    """Puts a number per column of each process together, shape (processes, texts)."""


class ContrastLoss(torch.autograd.Function):
    """The mean cross-entropy of both directions."""

    @staticmethod
    def forward(
        ctx: Any,
        left: Tensor,
        right: Tensor,
        same: Tensor | None,
        scale: Scale,
        share: Share | None,
    ) -> Tensor:
        """Compute the loss, and its gradient if it is wanted.

        Args:
            ctx: Takes the gradient.
            left: Of any length, shape (texts, size), or (rows, size) of a share.
            right: Likewise, shape (texts, size).
            same: Which other texts are no wrong answers, shape (texts, texts); None: none.
            scale: Of the scores.
            share: What to compute; None: all of it.

        Returns:
            The loss, or what the share adds to it, shape ().
        """
        sides = _Unit(left), _Unit(right)
        matrix = _Matrix(sides[0].vectors, sides[1].vectors, same, scale, share)
        kept = matrix.read()
        if any(ctx.needs_input_grad):
            found = matrix.gradients(kept)
            ctx.save_for_backward(sides[0].gradient(found[0]), sides[1].gradient(found[1]))
        return matrix.loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        """Returns the gradient of both sides."""
        left, right = ctx.saved_tensors
        return left * grad_outputs[0], right * grad_outputs[0], None, None, None


class _Unit:
    """Vectors, made to have length 1."""

    def __init__(self, vectors: Tensor) -> None:
        lengths = cast(Tensor, torch.linalg.vector_norm(vectors, dim=1, keepdim=True))
        self._lengths = lengths.clamp_min(_SHORTEST)
        self.vectors = vectors / self._lengths

    def gradient(self, found: Tensor) -> Tensor:
        """Returns the gradient of the vectors as they were, given that of those of length 1."""
        along = cast(Tensor, torch.linalg.vecdot(found, self.vectors)).unsqueeze(1)
        return found.addcmul_(self.vectors, along, value=-1).div_(self._lengths)


class _Matrix:
    """The matrix of all scores, of which some rows are in memory."""

    def __init__(
        self,
        left: Tensor,
        right: Tensor,
        same: Tensor | None,
        scale: Scale,
        share: Share | None,
    ) -> None:
        self._left, self._right, self._scale, self._share = left, right, scale, share
        self._own = share.own if share else slice(0, len(left))
        self._same = None if same is None else same[self._own]
        empty = 0.0 if scale.is_mild else -torch.inf
        self._rows, self._columns = (left.new_full((len(it),), empty) for it in (left, right))
        self._answers = left.new_zeros(())

    def read(self) -> Tensor | None:
        """Sum up rows and columns; returns the whole matrix if all of it is in memory."""
        block = None
        for begin, end in self._blocks():
            block = self._scores(begin, end)
            self._answers += self._diagonal(block, begin).sum()
            if self._scale.is_mild:
                block.exp_()
                self._rows[begin:end] = block.sum(dim=1)
                self._columns += block.sum(dim=0)
            else:
                self._rows[begin:end] = block.logsumexp(dim=1)
                self._columns = torch.logaddexp(self._columns, block.logsumexp(dim=0))
        if self._share:
            of_all = self._share.gathered(self._columns)
            self._columns = of_all.sum(dim=0) if self._scale.is_mild else of_all.logsumexp(dim=0)
        return block if len(self._left) <= self._scale.rows else None

    @property
    def loss(self) -> Tensor:
        """Returns what the rows add to the mean cross-entropy of both directions, shape ()."""
        sums = torch.cat([self._rows, self._columns[self._own]])
        logarithms = sums.log() if self._scale.is_mild else sums
        part = len(self._left) / len(self._right)
        return logarithms.mean() * part - self._answers / len(self._right)

    def gradients(self, kept: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compute the gradient.

        Args:
            kept: What `read` returned.

        Returns:
            That of both sides.
        """
        lefts, rights = torch.empty_like(self._left), torch.zeros_like(self._right)
        factor = 1 / (2 * len(self._right) * self._scale.temperature)
        for begin, end in self._blocks():
            block = self._shares(begin, end, kept)
            self._diagonal(block, begin).sub_(2)
            torch.mm(block, self._right, out=lefts[begin:end])
            rights.addmm_(block.T, self._left[begin:end])
        return lefts.mul_(factor), rights.mul_(factor)

    def _shares(self, begin: int, end: int, kept: Tensor | None) -> Tensor:
        """Each score's share in its row, and in its column, added up."""
        rows, columns = self._rows[begin:end].unsqueeze(1), self._columns
        if self._scale.is_mild:
            odds = self._scores(begin, end).exp_() if kept is None else kept
            return odds.mul_(rows.reciprocal() + columns.reciprocal())
        scores = self._scores(begin, end) if kept is None else kept
        return (scores - rows).exp_().add_((scores - columns).exp_())

    def _scores(self, begin: int, end: int) -> Tensor:
        temperature, margin = self._scale.temperature, self._scale.margin
        scores = (self._left[begin:end] / temperature) @ self._right.T
        self._diagonal(scores, begin).sub_(margin / temperature)
        if self._same is not None:
            wrong = self._same[begin:end].clone()
            self._diagonal(wrong, begin).fill_(value=False)
            scores[wrong.nonzero(as_tuple=True)] = -torch.inf  # they are few
        return scores

    def _diagonal(self, block: Tensor, begin: int) -> Tensor:
        """Returns the right answers of some rows."""
        return block.diagonal(self._own.start + begin)

    def _blocks(self) -> Iterator[tuple[int, int]]:
        texts = len(self._left)
        for begin in range(0, texts, self._scale.rows):
            yield begin, min(begin + self._scale.rows, texts)
