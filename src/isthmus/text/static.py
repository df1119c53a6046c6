"""A static encoder: the vector of a text is a weighted sum of the vectors of its pieces."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from isthmus.core.arrays import Integers
from isthmus.text.tokens import Tokens

_SPREAD = 0.1
_COMMON = 1e-3  # share of all pieces: what is as common as that begins with half the weight
_BLOCK = 4096  # texts at a time


class StaticEncoder(nn.Module):
    """Texts to embeddings: the sum of exp(log weight) times vector of each piece.

    It knows neither the order of pieces nor what stands around them, and trains in seconds.
    """

    def __init__(self, pieces: int, size: int) -> None:
        """Make an encoder; `begin` sets its parameters.

        Args:
            pieces: Size of the vocabulary.
            size: Numbers of a vector.
        """
        super().__init__()
        self.table = nn.Parameter(torch.zeros(pieces, size))
        self.log_weights = nn.Parameter(torch.zeros(pieces))

    def begin(self, generator: np.random.Generator, counts: Integers | None = None) -> None:
        """Set the first parameters; the same generator gives the same ones.

        Args:
            generator: Draws the vectors.
            counts: How often each piece occurs in the texts to learn from, shape (pieces,): the
                common weigh less. None: all weigh the same.

        Source:
            Weights of Arora, Liang, Ma 2017, "A simple but tough-to-beat baseline for sentence
            embeddings", equation 1.
        """
        shape = tuple(self.table.shape)
        drawn = generator.standard_normal(shape, np.float32) * np.float32(_SPREAD)
        weights = np.zeros(len(drawn), np.float32)
        if counts is not None:
            share = counts / max(int(counts.sum()), 1)
            weights = np.log(_COMMON / (_COMMON + share)).astype(np.float32)
        with torch.no_grad():
            self.table.copy_(torch.as_tensor(drawn))
            self.log_weights.copy_(torch.as_tensor(weights))

    def forward(self, ids: Tensor, starts: Tensor) -> Tensor:
        """Embed texts.

        Args:
            ids: Numbers of the pieces of all texts, shape (pieces,).
            starts: Where each text starts, and where the last one ends, shape (texts + 1,).

        Returns:
            Shape (texts, size); zeros for a text without pieces.
        """
        # Weighting the vectors of the whole vocabulary takes four times as long.
        return functional.embedding_bag(
            ids,
            self.table,
            starts,
            mode="sum",
            per_sample_weights=self.log_weights.exp()[ids],
            include_last_offset=True,
        )

    def folded(self) -> Tensor:
        """Returns the vectors times their weights, shape (pieces, size)."""
        return self.table.detach() * self.log_weights.detach().exp().unsqueeze(1)


def embed(encoder: StaticEncoder | Tensor, tokens: Tokens) -> NDArray[np.float32]:
    """Embed texts for use.

    Args:
        encoder: The encoder, or its `folded` vectors.
        tokens: Pieces of the texts.

    Returns:
        Shape (texts, size); vectors of length 1, and zeros for a text without pieces.
    """
    table = encoder.folded() if isinstance(encoder, StaticEncoder) else encoder
    vectors = np.empty((tokens.texts, table.shape[1]), np.float32)
    for begin in range(0, tokens.texts, _BLOCK):
        end = min(begin + _BLOCK, tokens.texts)
        ids, starts = tensors(tokens.take(np.arange(begin, end)))
        with torch.no_grad():
            # The mean, as sentence-transformers computes it, so that all numbers are the same.
            means = functional.embedding_bag(ids, table, starts, include_last_offset=True)
            vectors[begin:end] = functional.normalize(means, dim=-1).numpy()
    return vectors


def tensors(tokens: Tokens) -> tuple[Tensor, Tensor]:
    """Returns pieces and starts as `StaticEncoder` takes them."""
    return torch.as_tensor(tokens.ids.astype(np.int64)), torch.as_tensor(tokens.starts)
