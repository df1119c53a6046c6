"""Encoders with layers as training sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

    def store(
        self, folder: Path, tokenizer: Tokenizer, card: str, languages: Sequence[str]
    ) -> None:
        """Write the folder of the encoder, with its model card."""
        raise NotImplementedError


def begun(spec: Encoder, tokenizer: Tokenizer, generator: np.random.Generator) -> Layered:
    """Returns a transformer with its first parameters."""
    transformer = modern_bert.make(spec, tokenizer.size, tokenizer.specials())
    modern_bert.begin(transformer, generator)
    return Layered(transformer)
