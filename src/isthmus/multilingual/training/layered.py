"""Encoders with layers as training sees them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from isthmus.text import modern_bert
from isthmus.text.modern_bert import Transformer
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Tokenizer
from isthmus.text.tokens import Tokens


@dataclass(frozen=True)
class Layered:
    """A transformer over the pieces; the mean over its places."""

    module: Transformer

    def vectors(self, tokens: Tokens) -> Tensor:
        """Returns embeddings to learn from, shape (texts, size)."""
        vectors: Tensor = self.module(self.module.packed(tokens))
        return vectors

    def embed(self, tokens: Tokens) -> NDArray[np.float32]:
        """Returns vectors of length 1 for use, shape (texts, size)."""
        return modern_bert.embed(self.module, tokens)


def begun(spec: Encoder, tokenizer: Tokenizer, generator: np.random.Generator) -> Layered:
    """Returns a transformer with its first parameters."""
    transformer = modern_bert.make(spec, tokenizer.size, tokenizer.specials())
    modern_bert.begin(transformer, generator)
    return Layered(transformer)
