"""Transformer layers, for patches of an image and for bytes of a text."""

import torch
from torch import Tensor, nn

_WIDER = 4  # units of the hidden layer of the MLP, as a multiple of the size of an embedding


class Layer(nn.Module):
    """Pre-norm transformer layer: attention between places, then an MLP at each place."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(size)
        self.attention = Attention(size, heads)
        self.mlp_norm = nn.LayerNorm(size)
        self.mlp = nn.Sequential(
            nn.Linear(size, _WIDER * size), nn.GELU(), nn.Linear(_WIDER * size, size)
        )

    def forward(self, places: Tensor, present: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            places: Shape (batch, places, size).
            present: False at padding, shape (batch, places).

        Returns:
            Shape (batch, places, size).
        """
        places = places + self.attention(self.attention_norm(places), present)
        after: Tensor = places + self.mlp(self.mlp_norm(places))
        return after


class Attention(nn.Module):
    """Multi-head self-attention over all places that are not padding."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)

    def forward(self, places: Tensor, present: Tensor) -> Tensor:
        """Apply attention.

        Args:
            places: Shape (batch, places, size).
            present: False at padding, shape (batch, places).

        Returns:
            Shape (batch, places, size).
        """
        batch, count, size = places.shape
        split = self.qkv(places).view(batch, count, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        seen: Tensor = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=present[:, None, None, :]
        )
        out: Tensor = self.out(seen.transpose(1, 2).reshape(batch, count, size))
        return out


class Positions(nn.Module):
    """Learned position embeddings: one vector for each place."""

    def __init__(self, places: int, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(places, size)

    def forward(self, places: Tensor) -> Tensor:
        """Add the vector of each place, shape (batch, places, size)."""
        batch, count, _ = places.shape
        numbers = torch.arange(count, device=places.device).expand(batch, count)
        after: Tensor = places + self.table(numbers)
        return after
