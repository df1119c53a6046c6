# torch leaves types open:
# pyright: reportUnknownMemberType=false
"""A static encoder that learns on a processor: its gradient is written out.

PyTorch would make an array of the size of the whole table for each use of it, which takes several
times what goes into it. Here there is one, which is kept from step to step.
"""

from functools import partial
from typing import Any, NamedTuple, Self, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from isthmus.text.static import StaticEncoder
from isthmus.text.tokens import Tokens

_ROWS = 8192  # of the table at a time


class Learning:
    """Embeds texts, and adds their gradient to that of the parameters as soon as it is there."""

    def __init__(self, encoder: StaticEncoder) -> None:
        """Prepare.

        Args:
            encoder: What learns.
        """
        self._encoder = encoder
        self._gradient: Tensor | None = None

    def vectors(self, tokens: Tokens) -> Tensor:
        """Embed texts as `StaticEncoder` does.

        Args:
            tokens: Their pieces.

        Returns:
            Shape (texts, size). A call of `backward` on what is computed of it leaves its gradient
            with the parameters of the encoder.
        """
        encoder = self._encoder
        ids, starts = torch.as_tensor(tokens.ids), torch.as_tensor(tokens.starts, dtype=torch.int32)
        with torch.no_grad():
            vectors: Tensor = encoder(ids, starts)
        vectors.requires_grad_()
        cast(Any, vectors).register_post_accumulate_grad_hook(partial(self._learn, tokens))
        return vectors

    def _learn(self, tokens: Tokens, vectors: Tensor) -> None:
        """Add the gradient of some vectors to that of the parameters."""
        of_vectors = vectors.grad
        assert of_vectors is not None  # noqa: S101 - the hook is called with it
        vectors.grad = None
        table, log_weights = self._encoder.table, self._encoder.log_weights
        found = _Occurrences.of(tokens, len(table))
        begins_anew = table.grad is None
        if table.grad is None:
            table.grad = self._buffer()
        if log_weights.grad is None:
            log_weights.grad = torch.zeros_like(log_weights)
        with torch.no_grad():
            for begin in range(0, len(table), _ROWS):
                rows = slice(begin, begin + _ROWS)
                gradient, part = table.grad[rows], found.among(rows)
                if begins_anew:
                    gradient.zero_()
                sums = part.sums(of_vectors, log_weights[rows][part.pieces].exp())
                gradient.index_add_(0, part.pieces, sums)
                known = table[rows].index_select(0, part.pieces)
                of_weights = cast(Tensor, torch.linalg.vecdot(sums, known))
                log_weights.grad[rows].index_add_(0, part.pieces, of_weights)

    def _buffer(self) -> Tensor:
        if self._gradient is None:
            self._gradient = torch.empty_like(self._encoder.table)
        return self._gradient


class _Occurrences(NamedTuple):
    """Which texts pieces occur in."""

    pieces: Tensor
    """Those that occur, in order."""

    starts: Tensor
    """Where the texts of each begin, and where those of the last one end."""

    texts: Tensor
    """Numbers of texts; one is there as often as a piece occurs in it."""

    @classmethod
    def of(cls, tokens: Tokens, vocabulary: int) -> Self:
        """Find out where the pieces of a vocabulary of this size occur."""
        # numpy sorts 16 bits ten times as fast
        fitting = np.uint16 if vocabulary <= 2**16 else np.int32
        order = np.argsort(tokens.ids.astype(fitting), kind="stable")
        texts = np.repeat(np.arange(tokens.texts, dtype=np.int32), tokens.lengths)[order]
        counts = np.bincount(tokens.ids, minlength=vocabulary)
        pieces = np.flatnonzero(counts).astype(np.int32)
        starts = np.concatenate([[0], np.cumsum(counts[pieces])]).astype(np.int32)
        return cls(torch.as_tensor(pieces), torch.as_tensor(starts), torch.as_tensor(texts))

    def among(self, rows: slice) -> Self:
        """Returns those of some pieces, which are numbered from the first of them."""
        bounds = torch.tensor([rows.start, rows.stop], dtype=self.pieces.dtype)
        first, last = map(int, torch.searchsorted(self.pieces, bounds))
        starts = self.starts[first : last + 1]
        texts = self.texts[int(starts[0]) : int(starts[-1])]
        return type(self)(self.pieces[first:last] - rows.start, starts - starts[0], texts)

    def sums(self, vectors: Tensor, weights: Tensor) -> Tensor:
        """Add vectors of texts up for each piece.

        Args:
            vectors: Of the texts, shape (texts, size).
            weights: Of the pieces, shape (pieces,).

        Returns:
            Shape (pieces, size).
        """
        return functional.embedding_bag(
            self.texts,
            vectors,
            self.starts,
            mode="sum",
            per_sample_weights=weights.repeat_interleave(self.starts.diff()),
            include_last_offset=True,
        )
