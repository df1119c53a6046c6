"""Layers of a transformer, for patches of an image and for bytes of a text."""

import torch
from torch import Tensor, nn

_WIDER = 4  # the units between the two linear layers, by the size of an embedding


class Layer(nn.Module):
    """Attention between places, then a small network at each place, each after a norm."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(size)
        self.attention = Attention(size, heads)
        self.place_norm = nn.LayerNorm(size)
        self.place = nn.Sequential(
            nn.Linear(size, _WIDER * size), nn.GELU(), nn.Linear(_WIDER * size, size)
        )

    def forward(self, places: Tensor, present: Tensor) -> Tensor:
        """One step of all places.

        Args:
            places: Shape (batch, places, size).
            present: False where there is only padding, shape (batch, places).

        Returns:
            Shape (batch, places, size).
        """
        places = places + self.attention(self.attention_norm(places), present)
        after: Tensor = places + self.place(self.place_norm(places))
        return after


class Attention(nn.Module):
    """Every place looks at all that are present."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.asks_and_answers = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)

    def forward(self, places: Tensor, present: Tensor) -> Tensor:
        """What each place takes from the others.

        Args:
            places: Shape (batch, places, size).
            present: False where there is only padding, shape (batch, places).

        Returns:
            Shape (batch, places, size).
        """
        batch, count, size = places.shape
        split = self.asks_and_answers(places).view(batch, count, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        seen: Tensor = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=present[:, None, None, :]
        )
        out: Tensor = self.out(seen.transpose(1, 2).reshape(batch, count, size))
        return out


class Positions(nn.Module):
    """A learned vector for each place."""

    def __init__(self, places: int, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(places, size)

    def forward(self, places: Tensor) -> Tensor:
        """Add its vector to each place, shape (batch, places, size)."""
        batch, count, _ = places.shape
        numbers = torch.arange(count, device=places.device).expand(batch, count)
        after: Tensor = places + self.table(numbers)
        return after
