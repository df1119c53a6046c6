"""Networks for rows of numbers."""

from itertools import pairwise

from torch import nn

from isthmus.nn.spec import Tabular


class TabularEncoder(nn.Sequential):
    """Multilayer perceptron with ReLU: (batch, columns) to (batch, size)."""

    def __init__(self, network: Tabular) -> None:
        units = (len(network.columns), *network.hidden, network.size)
        layers = [layer for each in pairwise(units) for layer in (nn.Linear(*each), nn.ReLU())]
        super().__init__(*layers[:-1])


class RowDecoder(nn.Sequential):
    """Decoder of embeddings to rows: (batch, size) to (batch, columns)."""

    def __init__(self, network: Tabular) -> None:
        wide = max(network.hidden, default=network.size)
        super().__init__(
            nn.Linear(network.size, wide), nn.ReLU(), nn.Linear(wide, len(network.columns))
        )
