"""Encoders with layers as training sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from isthmus.core.errors import SpecError
from isthmus.text import modern_bert, transformer_folder, transformer_parameters
from isthmus.text.modern_bert import Transformer
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Tokenizer
from isthmus.text.tokens import Tokens
from isthmus.text.transformer_folder import TransformerEmbedder


@dataclass(frozen=True)
class Layered:
    """A transformer over the pieces; the mean over its places."""

    module: Transformer
    length: int
    """Most pieces that are read of a text."""

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
        made = TransformerEmbedder(self.module, tokenizer, self.length, tuple(languages))
        transformer_folder.write_transformer(folder, made, card)


def make(spec: Encoder, tokenizer: Tokenizer, generator: np.random.Generator) -> Layered:
    """Returns a transformer with its first parameters."""
    transformer = modern_bert.make(spec, tokenizer.size, tokenizer.specials())
    transformer_parameters.begin(transformer, generator)
    return _layered(transformer, spec)


def continued(spec: Encoder, folder: Path, generator: np.random.Generator) -> Layered:
    """Open a transformer to train on.

    Args:
        spec: The `encoder` table.
        folder: Where its parameters are.
        generator: Draws those of a head for masked pieces, if the folder has none.

    Returns:
        The transformer; it has the size and the layers that the folder says.

    Raises:
        SpecError: The folder is not that of a ModernBERT, or it reads fewer pieces of a text.
    """
    found = transformer_folder.read_transformer(folder, generator)
    if found.transformer.config.max_position_embeddings < spec.length + 2:
        raise SpecError(
            f"{folder}: reads at most {found.transformer.config.max_position_embeddings - 2:,} "
            f"pieces of a text: lower `multilingual.encoder.length`, which is {spec.length:,}."
        )
    if found.size != spec.vector_size and spec.size is not None:
        raise SpecError(
            f"{folder}: has vectors of {found.size:,} numbers, and `multilingual.encoder.size` is "
            f"{spec.size:,}: leave it out."
        )
    return _layered(found.transformer, spec)


def _layered(transformer: Transformer, spec: Encoder) -> Layered:
    transformer.half_precision = spec.precision == "bfloat16"
    if spec.recompute:
        transformer.recompute()
    return Layered(transformer, spec.length)
