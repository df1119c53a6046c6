"""Building the modules of a network from its spec."""

from torch import nn

from isthmus.nn.image import Cnn, PatchDecoder, Vit
from isthmus.nn.spec import Image, Network, Tabular, Text
from isthmus.nn.tabular import RowDecoder, TabularEncoder
from isthmus.nn.text import BYTES, TextEncoder


def encoder(network: Network) -> nn.Module:
    """Make an encoder: samples to embeddings of shape (batch, size). `draw` sets its parameters."""
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
    """Make a decoder: embeddings to samples or, for texts, places to logits of bytes."""
    match network:
        case Tabular():
            return RowDecoder(network)
        case Image():
            return PatchDecoder(network)
        case Text():
            return nn.Linear(network.size, BYTES)


def projection(network: Network) -> nn.Module:
    """Make a projection head for a contrastive loss: embeddings to shape (batch, size)."""
    size = network.size
    return nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size))


def head(network: Network, classes: int) -> nn.Module:
    """Make a classification head: embeddings to logits of shape (batch, classes)."""
    return nn.Linear(network.size, classes)
