"""Networks for texts, which are read as bytes of UTF-8, shape (batch, places)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from isthmus.nn.spec import Text
from isthmus.nn.transformer import Layer, Positions

BYTES = 256
PADDING, MASK, START = BYTES, BYTES + 1, BYTES + 2
"""Token numbers beyond those of bytes: after a text, instead of a masked byte, before a text."""

_NUMBERS = BYTES + 3


def numbers_of(texts: Sequence[str], length: int) -> NDArray[np.int64]:
    """Convert texts to numbers of bytes, with a start token first.

    Args:
        texts: The texts; they may be empty.
        length: Bytes that are read of each text; the rest is cut off.

    Returns:
        Shape (texts, length + 1).
    """
    numbers = np.full((len(texts), length + 1), PADDING, np.int64)
    numbers[:, 0] = START
    for row, text in zip(numbers, texts, strict=True):
        found = np.frombuffer(text.encode(errors="replace")[:length], np.uint8)
        row[1 : len(found) + 1] = found
    return numbers


class TextEncoder(nn.Module):
    """A transformer over bytes: (batch, places) to (batch, size)."""

    def __init__(self, network: Text) -> None:
        super().__init__()
        self.bytes = nn.Embedding(_NUMBERS, network.size)
        self.positions = Positions(network.length + 1, network.size)
        self.layers = nn.ModuleList(
            Layer(network.size, network.heads) for _ in range(network.layers)
        )
        self.norm = nn.LayerNorm(network.size)

    def forward(self, numbers: Tensor) -> Tensor:
        """Returns embeddings of texts: the mean over their places, shape (batch, size)."""
        present = (numbers != PADDING).unsqueeze(-1)
        total = (self.places(numbers) * present).sum(dim=1)
        return total / present.sum(dim=1)

    def places(self, numbers: Tensor) -> Tensor:
        """Returns the output of the transformer at each place, shape (batch, places, size)."""
        present = numbers != PADDING
        places = self.positions(self.bytes(numbers))
        for layer in self.layers:
            places = layer(places, present)
        normed: Tensor = self.norm(places)
        return normed


def longest(numbers: Tensor, padding: int = PADDING) -> Tensor:
    """Returns the same texts, without the last places that are padding in all of them."""
    used = int((numbers != padding).sum(dim=-1).max())
    return numbers[..., :used]
