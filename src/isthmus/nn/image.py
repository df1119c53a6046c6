"""Networks for images of shape (batch, channels, height, width)."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from isthmus.nn.spec import Image
from isthmus.nn.transformer import Layer, Positions

_GRID = 4  # most rows and columns of an image after the convolutions


class Cnn(nn.Sequential):
    """Convolutional network; each layer halves the image. (batch, c, h, w) to (batch, size)."""

    def __init__(self, network: Image) -> None:
        filters = [network.channels, *(network.filters * 2**it for it in range(network.layers))]
        grid = [min(_GRID, side >> network.layers) for side in (network.height, network.width)]
        super().__init__(
            *(_Convolution(*each) for each in pairwise(filters)),
            nn.AdaptiveAvgPool2d((grid[0], grid[1])),
            nn.Flatten(),
            nn.Linear(filters[-1] * math.prod(grid), network.size),
        )


class _Convolution(nn.Sequential):
    def __init__(self, before: int, after: int) -> None:
        super().__init__(
            nn.Conv2d(before, after, kernel_size=3, padding=1),
            # Not BatchNorm: its running statistics of a batch would be sent to other parties.
            nn.GroupNorm(math.gcd(after, 4), after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )


class Vit(nn.Module):
    """Vision transformer: (batch, channels, height, width) to (batch, size)."""

    def __init__(self, network: Image) -> None:
        super().__init__()
        self.grid = Grid(network)
        self.patches = nn.Conv2d(
            network.channels, network.size, kernel_size=network.patch, stride=network.patch
        )
        self.positions = Positions(self.grid.places, network.size)
        self.layers = nn.ModuleList(
            Layer(network.size, network.heads) for _ in range(network.layers)
        )
        self.norm = nn.LayerNorm(network.size)

    def forward(self, images: Tensor) -> Tensor:
        """Returns embeddings of images, shape (batch, size)."""
        patches = self.patches(self.grid.padded(images))
        places = self.positions(patches.flatten(2).transpose(1, 2))
        everywhere = torch.ones(places.shape[:2], dtype=torch.bool, device=places.device)
        for layer in self.layers:
            places = layer(places, everywhere)
        embeddings: Tensor = self.norm(places).mean(dim=1)
        return embeddings


class PatchDecoder(nn.Module):
    """Decoder of embeddings to images, patch by patch."""

    def __init__(self, network: Image) -> None:
        super().__init__()
        self.grid = Grid(network)
        self.wide = nn.Linear(network.size, network.size)
        self.positions = Positions(self.grid.places, network.size)
        self.pixels = nn.Linear(network.size, network.channels * network.patch**2)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Returns images for embeddings of shape (batch, size)."""
        everywhere = self.wide(embeddings)[:, None].expand(-1, self.grid.places, -1)
        hidden = torch.relu(self.positions(everywhere))
        return self.grid.joined(self.pixels(hidden))


class Grid:
    """The division of an image into square patches; right and bottom are padded with zeros."""

    def __init__(self, network: Image) -> None:
        self._network = network
        self.rows = math.ceil(network.height / network.patch)
        self.columns = math.ceil(network.width / network.patch)

    @property
    def places(self) -> int:
        """Number of patches."""
        return self.rows * self.columns

    def padded(self, images: Tensor) -> Tensor:
        """Pad images so that patches cover them exactly."""
        patch, (height, width) = self._network.patch, images.shape[-2:]
        right, below = self.columns * patch - width, self.rows * patch - height
        return nn.functional.pad(images, (0, right, 0, below))

    def joined(self, patches: Tensor) -> Tensor:
        """Join patches of shape (batch, places, channels * pixels of a patch) to images."""
        network = self._network
        side, channels = network.patch, network.channels
        cut = patches.view(-1, self.rows, self.columns, channels, side, side)
        whole = cut.permute(0, 3, 1, 4, 2, 5).reshape(
            -1, channels, self.rows * side, self.columns * side
        )
        return whole[:, :, : network.height, : network.width]

    def spread(self, marks: Tensor) -> Tensor:
        """Repeat the value of each patch at each of its pixels.

        Args:
            marks: One value per patch, shape (batch, places).

        Returns:
            Shape (batch, 1, height, width).
        """
        side = self._network.patch
        grid = marks.view(-1, 1, self.rows, self.columns)
        whole = grid.repeat_interleave(side, dim=2).repeat_interleave(side, dim=3)
        return whole[:, :, : self._network.height, : self._network.width]
