"""The folder of an encoder, as sentence-transformers loads it.

Its vectors are those of `SentenceTransformer(folder).encode`, to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.core.errors import SpecError
from isthmus.store import atomic
from isthmus.text import model_files, static
from isthmus.text.model_files import Facts, Kind, Module
from isthmus.text.tokenizer import Tokenizer

_TABLE = "embedding.weight"
_STATIC = "StaticEmbedding"
_DIMENSIONS = 2  # pieces, and numbers of a vector


class Embedder(Protocol):
    """An encoder that serves: texts to vectors."""

    @property
    def size(self) -> int:
        """Returns the numbers of a vector."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """Returns what it was trained on; nothing if its folder does not tell."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """Returns how it divides texts into pieces."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns vectors of length 1, shape (texts, size); an empty text may have zeros."""
        ...


@runtime_checkable
class LayeredEmbedder(Embedder, Protocol):
    """An encoder with layers that serves."""

    def embed_by_layer(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns vectors after each layer, shape (layers + 1, texts, size)."""
        ...


@dataclass(frozen=True)
class StaticEmbedder:
    """A static encoder that serves."""

    table: Tensor
    """The vectors of the pieces times their weights, shape (pieces, size)."""

    tokenizer: Tokenizer
    languages: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Returns the numbers of a vector."""
        return int(self.table.shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns vectors of length 1, shape (texts, size); zeros of an empty text."""
        return static.embed(self.table, self.tokenizer.tokens(texts))


def write_static(
    folder: Path, table: Tensor, tokenizer: Tokenizer, card: str, languages: Sequence[str] = ()
) -> None:
    """Store a static encoder.

    Args:
        folder: Where to; a folder that is there is replaced.
        table: The vectors of the pieces times their weights, shape (pieces, size).
        tokenizer: The tokenizer that it was trained with.
        card: What the model card says, in Markdown.
        languages: What it was trained on.

    Raises:
        DiskError: The disk is full.
    """
    facts = Facts(
        type="static",
        size=table.shape[1],
        languages=tuple(languages),
        tokenizer=tokenizer.digest,
    )
    modules = [Module(_STATIC), Module("Normalize", "1_Normalize", {})]
    with atomic.replacing_folder(folder) as new:
        model_files.write_common(new, facts, tokenizer, modules, card)
        model_files.write_parameters(new / model_files.MODEL, {_TABLE: table.detach().float()})


def read(folder: Path) -> Embedder:
    """Open an encoder.

    Args:
        folder: Where `write_static` stored it, or a folder that sentence-transformers stored.

    Returns:
        The encoder.

    Raises:
        SpecError: It is no model, or a file is missing, broken or of another model.
    """
    if kind(folder) == "static":
        return read_static(folder)
    from isthmus.text import transformer_folder  # its library takes seconds to load

    return transformer_folder.read_transformer(folder)


def kind(folder: Path) -> Kind:
    """Find which kind of encoder a folder holds; its parameters are not read.

    Args:
        folder: Where `write_static` stored it, or a folder that sentence-transformers stored.

    Returns:
        The kind.

    Raises:
        SpecError: It is no model, or one of another kind.
    """
    facts = model_files.read_facts(folder)
    first = model_files.first_module(folder)
    if facts:
        return facts.type
    if first == _STATIC:
        return "static"
    if first in {"", "Transformer"}:
        return "transformer"
    raise SpecError(
        f"{folder}: is a model of another kind than those that can be read here: it begins with "
        f"{first[:40]!r}. Give a static encoder or a ModernBERT."
    )


def read_static(folder: Path) -> StaticEmbedder:
    """Open a static encoder.

    Args:
        folder: Where `write_static` or sentence-transformers stored it.

    Returns:
        The encoder.

    Raises:
        SpecError: It is no static encoder, or a file is missing, broken or of another model.
    """
    facts = model_files.read_facts(folder)
    tokenizer = model_files.read_tokenizer(folder, facts)
    path = folder / model_files.MODEL
    table = model_files.read_parameters(path).get(_TABLE, torch.empty(0))
    if not table.is_floating_point() or table.ndim != _DIMENSIONS:
        raise SpecError(
            f"{path}: holds no table of vectors named {_TABLE}: is it a static encoder?"
        )
    pieces, size = table.shape
    due = facts.size if facts else size
    if pieces < tokenizer.size or size != due:
        raise SpecError(
            f"{path}: holds {pieces:,} vectors of size {size:,}, and the files beside it are about "
            f"{tokenizer.size:,} of size {due:,}. Copy the whole folder again."
        )
    return StaticEmbedder(table.float(), tokenizer, facts.languages if facts else ())
