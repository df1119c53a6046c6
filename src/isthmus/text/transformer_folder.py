"""The folder of a transformer, as transformers and sentence-transformers load it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from isthmus.core.errors import SpecError, naming_file
from isthmus.store import atomic
from isthmus.text import model_files, modern_bert, transformer_parameters
from isthmus.text.model_files import Facts, Module
from isthmus.text.modern_bert import Transformer
from isthmus.text.tokenizer import Specials, Tokenizer

_SENTENCES, _TOKENS = "sentence_bert_config.json", "tokenizer_config.json"


class _Sentences(msgspec.Struct):
    """What sentence-transformers says of the texts that a model reads."""

    max_seq_length: int | None = None


@dataclass(frozen=True)
class TransformerEmbedder:
    """A transformer that serves."""

    transformer: Transformer
    tokenizer: Tokenizer
    length: int
    """Pieces that are read of a text, without special ones."""

    languages: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Returns the numbers of a vector."""
        return self.transformer.size

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns vectors of length 1, shape (texts, size)."""
        return modern_bert.embed(self.transformer, self.tokenizer.tokens(texts, self.length))

    def embed_by_layer(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns vectors after each layer, shape (layers + 1, texts, size)."""
        tokens = self.tokenizer.tokens(texts, self.length)
        return modern_bert.embed_by_layer(self.transformer, tokens)


def write_transformer(folder: Path, embedder: TransformerEmbedder, card: str) -> None:
    """Store a transformer, with its head for masked pieces if that has learned something.

    Args:
        folder: Where to; a folder that is there is replaced.
        embedder: The transformer, its tokenizer, and what it was trained on.
        card: What the model card says, in Markdown.

    Raises:
        DiskError: The disk is full.
    """
    transformer, tokenizer = embedder.transformer, embedder.tokenizer
    size, longest = transformer.size, embedder.length + 2
    facts = Facts(
        type="transformer",
        size=size,
        languages=embedder.languages,
        tokenizer=tokenizer.digest,
    )
    pooling = {
        "word_embedding_dimension": size,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_cls_token": False,
        "pooling_mode_max_tokens": False,
    }
    modules = [
        Module("Transformer"),
        Module("Pooling", "1_Pooling", pooling),
        Module("Normalize", "2_Normalize", {}),
    ]
    with atomic.replacing_folder(folder) as new:
        model_files.write_common(new, facts, tokenizer, modules, card)
        model_files.write_json(
            new / _SENTENCES, {"max_seq_length": longest, "do_lower_case": False}
        )
        model_files.write_json(new / _TOKENS, _tokens(tokenizer, longest))
        (new / model_files.CONFIG).write_text(transformer.described(), encoding="utf-8")
        model_files.write_parameters(new / model_files.MODEL, transformer.stored())


def read_transformer(
    folder: Path, generator: np.random.Generator | None = None
) -> TransformerEmbedder:
    """Open a transformer.

    Args:
        folder: Where `write_transformer`, transformers or sentence-transformers stored it.
        generator: Draws what the folder lacks of the head for masked pieces, to train on. None:
            without it, the head must not be used.

    Returns:
        The encoder: the mean over the places of a text.

    Raises:
        SpecError: It is no ModernBERT, or a file is missing, broken or of another model.
    """
    facts = model_files.read_facts(folder)
    tokenizer = model_files.read_tokenizer(folder, facts)
    with naming_file(folder / model_files.TOKENIZER):
        specials = _specials(tokenizer)
    path = folder / model_files.CONFIG
    described = model_files.read_json(path, dict[str, Any])
    with naming_file(path):
        config = modern_bert.configured(described, tokenizer.size)
    transformer = Transformer(config, specials)
    path = folder / model_files.MODEL
    parameters = model_files.read_parameters(path)
    with naming_file(path):
        transformer_parameters.take(transformer, _full_names(parameters), generator)
    length = _longest(folder, config.max_position_embeddings) - 2
    return TransformerEmbedder(transformer, tokenizer, length, facts.languages if facts else ())


def _specials(tokenizer: Tokenizer) -> Specials:
    """Find the special pieces.

    Args:
        tokenizer: The tokenizer.

    Returns:
        Their numbers.

    Raises:
        SpecError: It has not all of them, or puts others around a text.
    """
    found, edges = tokenizer.specials(), tokenizer.edges()
    if edges != [found.start, found.end]:
        raise SpecError(
            f"puts {len(edges)} special pieces around a text, and it has to be one for its start "
            "and one for its end. Give the folder of another model."
        )
    return found


def _full_names(parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns parameters under the names of a model with a head, which the folder may lack."""
    if any(name.startswith("model.") for name in parameters):
        return parameters
    return {f"model.{name}": tensor for name, tensor in parameters.items()}


def _tokens(tokenizer: Tokenizer, longest: int) -> dict[str, Any]:
    names = {number: name for name, number in tokenizer.vocabulary.items()}
    specials = tokenizer.specials()
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        "pad_token": names[specials.pad],
        "unk_token": names[specials.unknown],
        "cls_token": names[specials.start],
        "sep_token": names[specials.end],
        "mask_token": names[specials.mask],
    }


def _longest(folder: Path, most: int) -> int:
    """Returns how many pieces are read of a text, with the special ones."""
    path = folder / _SENTENCES
    if not path.is_file():
        return most
    found = model_files.read_json(path, _Sentences).max_seq_length
    return min(found or most, most)
