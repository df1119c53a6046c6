"""The registry: from the type of a network to its modules."""

from torch import nn

from isthmus.nn.image import Cnn, PatchDecoder, Vit
from isthmus.nn.spec import Image, Network, Tabular, Text
from isthmus.nn.tabular import RowDecoder, TabularEncoder
from isthmus.nn.text import BYTES, TextEncoder


def encoder(network: Network) -> nn.Module:
    """What turns samples into embeddings of shape (batch, size); its parameters are arbitrary."""
    match network:
        case Tabular():
            return TabularEncoder(network)
        case Image(kind="cnn"):
            return Cnn(network)
        case Image():
            return Vit(network)
        case Text():
            return TextEncoder(network)


def decoder(network: Network) -> nn.Module:
    """What turns embeddings back into samples, or places of a text into bytes."""
    match network:
        case Tabular():
            return RowDecoder(network)
        case Image():
            return PatchDecoder(network)
        case Text():
            return nn.Linear(network.size, BYTES)


def projection(network: Network) -> nn.Module:
    """What turns embeddings into vectors to contrast, shape (batch, size)."""
    size = network.size
    return nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size))


def head(network: Network, classes: int) -> nn.Module:
    """What turns embeddings into logits, shape (batch, classes)."""
    return nn.Linear(network.size, classes)
