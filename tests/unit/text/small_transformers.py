"""Transformers and texts of a size for tests."""

import numpy as np

from isthmus.text import modern_bert, transformer_parameters
from isthmus.text.modern_bert import Transformer
from isthmus.text.spec import Encoder, EncoderType
from isthmus.text.tokenizer import Specials
from isthmus.text.tokens import Tokens

PIECES = 200
SPECIALS = Specials(pad=0, unknown=1, start=2, end=3, mask=4)


def transformer(
    layers: int = 3, *, size: int = 32, length: int = 128, seed: int = 0, kind: EncoderType = "tiny"
) -> Transformer:
    """One with full attention in its first layer, and a window in the next two."""
    made = modern_bert.make(
        Encoder(type=kind, size=size, layers=layers, length=length), PIECES, SPECIALS
    )
    transformer_parameters.begin(made, np.random.default_rng(seed))
    return made


def texts(*lengths: int, seed: int = 0) -> Tokens:
    """Texts of these lengths, without special pieces."""
    drawn = np.random.default_rng(seed).integers(5, PIECES, sum(lengths))
    return Tokens(drawn.astype(np.int32), np.cumsum([0, *lengths]))
