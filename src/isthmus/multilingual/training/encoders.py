"""Encoders of every type as training sees them: pieces to embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from isthmus.core import seeds
from isthmus.core.errors import SpecError
from isthmus.multilingual.training import token_files
from isthmus.multilingual.training.token_files import TokensByLanguage
from isthmus.text import model_folder, static
from isthmus.text.contrast import cached
from isthmus.text.spec import Encoder
from isthmus.text.static import StaticEncoder
from isthmus.text.static_learning import Learning
from isthmus.text.tokenizer import Tokenizer
from isthmus.text.tokens import Tokens


class TextEncoder(Protocol):
    """A network that turns pieces into embeddings."""

    @property
    def module(self) -> nn.Module:
        """The network, with its parameters."""
        ...

    def vectors(self, tokens: Tokens) -> Tensor:
        """Returns embeddings to learn from, shape (texts, size)."""
        ...

    def embed(self, tokens: Tokens) -> NDArray[np.float32]:
        """Returns vectors of length 1 for use, shape (texts, size)."""
        ...

    def store(
        self, folder: Path, tokenizer: Tokenizer, card: str, languages: Sequence[str]
    ) -> None:
        """Write the folder of the encoder, with its model card."""
        ...


@dataclass(frozen=True)
class Static:
    """A weighted sum of the vectors of the pieces."""

    module: StaticEncoder

    def vectors(self, tokens: Tokens) -> Tensor:
        """Returns embeddings to learn from, shape (texts, size)."""
        device = self.module.table.device
        if device.type == "cpu":
            return self._learning.vectors(tokens)
        ids, starts = static.tensors(tokens)
        vectors: Tensor = self.module(ids.to(device), starts.to(device))
        return vectors

    @cached_property
    def _learning(self) -> Learning:
        return Learning(self.module)

    def embed(self, tokens: Tokens) -> NDArray[np.float32]:
        """Returns vectors of length 1 for use, shape (texts, size)."""
        return static.embed(self.module, tokens)

    def store(
        self, folder: Path, tokenizer: Tokenizer, card: str, languages: Sequence[str]
    ) -> None:
        """Write the folder of the encoder, with its model card."""
        model_folder.write_static(folder, self.module.folded(), tokenizer, card, languages)


def in_parts(encoder: TextEncoder, tokens: Tokens, parts: int) -> Tensor:
    """Embed a batch whose activations are kept of one part at a time.

    Args:
        encoder: The encoder.
        tokens: The texts.
        parts: Most parts; 1 for all texts at once.

    Returns:
        Embeddings to learn from, shape (texts, size).
    """
    if parts == 1:
        return encoder.vectors(tokens)
    rows = np.array_split(np.arange(tokens.texts), min(parts, tokens.texts))
    return cached(encoder.vectors, [tokens.take(part) for part in rows])


def make(
    spec: Encoder,
    folder: Path,
    tokenizer: Tokenizer,
    seed: int,
    tokens: TokensByLanguage | None = None,
) -> TextEncoder:
    """Make an encoder with its first parameters.

    Args:
        spec: The `encoder` table.
        folder: Folder of the job file.
        tokenizer: Its vocabulary.
        seed: The job's seed.
        tokens: Pieces of the texts to learn from: common pieces weigh less in a static encoder.
            None: all weigh the same.

    Returns:
        The encoder.

    Raises:
        SpecError: It cannot be what it says.
    """
    generator = seeds.generator(seed, "first parameters")
    if spec.type == "static":
        if spec.continued is not None:
            return _continued(spec, folder / spec.continued)
        module = StaticEncoder(tokenizer.size, spec.vector_size)
        counts = None if tokens is None else token_files.frequencies(tokens, tokenizer.size)
        module.begin(generator, counts)
        return Static(module)
    from isthmus.multilingual.training import layered  # its library takes seconds to load

    if spec.continued is not None:
        return layered.continued(spec, folder / spec.continued, generator)
    return layered.make(spec, tokenizer, generator)


def _continued(spec: Encoder, folder: Path) -> Static:
    """Open a static encoder to train on; all its vectors begin with the same weight.

    Args:
        spec: The `encoder` table.
        folder: Where its vectors are.

    Returns:
        The encoder; it has the size that the folder says.

    Raises:
        SpecError: The folder is not that of a static encoder, or the job says another size.
    """
    table = model_folder.read_static(folder).table
    if spec.size is not None and spec.size != table.shape[1]:
        raise SpecError(
            f"{folder}: has vectors of {table.shape[1]:,} numbers, and `multilingual.encoder.size` "
            f"is {spec.size:,}: leave it out."
        )
    module = StaticEncoder(*table.shape)
    module.table.data.copy_(table)
    return Static(module)
