"""The door to transformers: ModernBERT, on packed rows.

Given a plain 4-D mask it would leave out its sliding windows, so each kind of layer gets its own.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import ModernBertConfig, ModernBertForMaskedLM

from isthmus.core.arrays import Bools, Integers
from isthmus.core.errors import SpecError
from isthmus.text.packing import Packed, pack, same_text, surrounded
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Specials
from isthmus.text.tokens import Tokens

_HEAD = 64  # numbers of a head
_BLOCK = 1024  # texts at a time


class Transformer(nn.Module):
    """ModernBERT with its head for masked pieces: texts to embeddings, or places to logits."""

    def __init__(self, config: ModernBertConfig, specials: Specials) -> None:
        """Make an encoder; `transformer_parameters` sets its parameters.

        Args:
            config: Of its network.
            specials: Numbers of the special pieces of its tokenizer.
        """
        super().__init__()
        # The library draws parameters, which `begin` replaces, from the generator of everybody.
        with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]
            self.network = ModernBertForMaskedLM(config)
        self._specials = specials
        self.half_precision = False
        """Whether to compute in 16 bits where that is enough (bfloat16)."""

    @property
    def specials(self) -> Specials:
        """Returns the numbers of the special pieces."""
        return self._specials

    @property
    def config(self) -> ModernBertConfig:
        """Returns the configuration of the network."""
        return self.network.config

    @property
    def size(self) -> int:
        """Returns the size of an embedding."""
        return int(self.config.hidden_size)

    @property
    def pieces(self) -> int:
        """Returns the size of the vocabulary."""
        return int(self.config.vocab_size)

    @property
    def table(self) -> nn.Parameter:
        """Returns the vectors of the pieces, shape (pieces, size)."""
        return cast(nn.Parameter, self.network.model.embeddings.tok_embeddings.weight)

    def recompute(self) -> None:
        """Compute each layer again for its gradient: less memory, a third more time."""
        cast(Any, self.network).activation_checkpointing_enable()

    def places(self, packed: Packed, seen: Bools, ids: Integers | None = None) -> Tensor:
        """Compute what stands at each place.

        Args:
            packed: The texts.
            seen: Which place sees which, shape (rows, places, places); each sees itself.
            ids: Pieces to read in place of those of the texts, shape (rows, places).

        Returns:
            Shape (rows, places, size).
        """
        found: Tensor = self._computed(packed, seen, ids).last_hidden_state
        return found.float()

    def layers(self, packed: Packed) -> list[Tensor]:
        """Compute the embeddings of texts after each layer.

        Args:
            packed: The texts.

        Returns:
            Shape (texts, size) each: first before any layer, last as `forward` returns it.
        """
        made = self._computed(packed, same_text(packed), output_hidden_states=True)
        return [self.means(packed, places.float()) for places in made.hidden_states]

    def _computed(
        self, packed: Packed, seen: Bools, ids: Integers | None = None, **asked: bool
    ) -> Any:
        positions = self._tensor(packed.positions)
        far = (positions[:, :, None] - positions[:, None, :]).abs() > self.config.sliding_window
        mask = self._tensor(seen)
        masks = {"full_attention": mask[:, None], "sliding_attention": (mask & ~far)[:, None]}
        with self._precision():
            return self.network.model(
                input_ids=self._tensor(packed.ids if ids is None else ids),
                position_ids=positions,
                attention_mask=masks,
                **asked,
            )

    def logits(self, places: Tensor) -> Tensor:
        """Predict pieces.

        Args:
            places: What stands at the places to predict, shape (places, size).

        Returns:
            Logits, shape (places, pieces).
        """
        with self._precision():
            logits: Tensor = self.network.decoder(self.network.head(places))
        return logits.float()

    def forward(self, packed: Packed) -> Tensor:
        """Returns the embedding of each text: the mean over its places, shape (texts, size)."""
        return self.means(packed, self.places(packed, same_text(packed)))

    def means(self, packed: Packed, places: Tensor) -> Tensor:
        """Returns the mean over the places of each text, shape (texts, size)."""
        present = self._tensor(packed.present)
        texts = self._tensor(packed.texts)[present]
        sums = places.new_zeros((packed.total, self.size)).index_add(0, texts, places[present])
        return sums / torch.bincount(texts, minlength=packed.total).unsqueeze(1)

    def packed(self, tokens: Tokens, together: int = 1) -> Packed:
        """Returns texts in rows, each with the special pieces around it; see `pack`."""
        return pack(self.around(tokens), self.specials.pad, together)

    def around(self, tokens: Tokens) -> Tokens:
        """Returns texts with the special pieces before and after each."""
        return surrounded(tokens, self.specials.start, self.specials.end)

    @property
    def predicts(self) -> bool:
        """Returns whether the head has learned something: its biases begin as 0."""
        return bool(self.network.decoder.bias.any())

    def stored(self) -> dict[str, Tensor]:
        """Returns the parameters by the names of the library, with the head if it predicts."""
        if not self.predicts:
            return dict(self.network.model.state_dict())
        parameters = self.network.state_dict()
        if self.config.tie_word_embeddings:
            del parameters["decoder.weight"]  # is the table
        return dict(parameters)

    def described(self) -> str:
        """Returns the configuration as JSON, of what is `stored`."""
        network = self.network if self.predicts else self.network.model
        content: dict[str, Any] = cast(Any, self.config).to_dict() | {
            "architectures": [type(network).__name__],
            "dtype": "float32",
        }
        return json.dumps(content, indent=2, sort_keys=True) + "\n"

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.table.device.type, torch.bfloat16, enabled=self.half_precision)

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.as_tensor(array, device=self.table.device)


def make(encoder: Encoder, pieces: int, specials: Specials) -> Transformer:
    """Make the transformer of a job; `transformer_parameters` sets its parameters.

    Args:
        encoder: The `encoder` table; its type is `tiny`, `small` or `base`.
        pieces: Size of the vocabulary.
        specials: Numbers of its special pieces.

    Returns:
        It.

    Raises:
        SpecError: Its size is odd.
    """
    size = encoder.vector_size
    config = ModernBertConfig(
        vocab_size=pieces,
        hidden_size=size,
        intermediate_size=size * 3 // 2,
        num_hidden_layers=encoder.depth,
        num_attention_heads=_heads(size),
        max_position_embeddings=encoder.length + 2,
        pad_token_id=specials.pad,
        bos_token_id=specials.start,
        eos_token_id=specials.end,
        cls_token_id=specials.start,
        sep_token_id=specials.end,
        classifier_pooling="mean",
    )
    return Transformer(config, specials)


def configured(described: Mapping[str, Any], pieces: int) -> ModernBertConfig:
    """Read the configuration of a transformer.

    Args:
        described: What the file `config.json` of its folder says.
        pieces: Size of the vocabulary of the tokenizer beside it.

    Returns:
        The configuration.

    Raises:
        SpecError: It is not that of a ModernBERT, or has fewer pieces.
    """
    kind = described.get("model_type")
    if kind != ModernBertConfig.model_type:
        raise SpecError(
            f"describes a model of type {str(kind)[:40]!r}, and only "
            f"{ModernBertConfig.model_type!r} can be trained on or served here."
        )
    try:
        config: ModernBertConfig = cast(Any, ModernBertConfig).from_dict(dict(described))
        with torch.device("meta"):
            ModernBertForMaskedLM(config)
    except Exception as error:  # noqa: BLE001  the library checks by many kinds of errors
        raise SpecError(
            f"does not describe a ModernBERT: {_first_line(error)}. Copy the folder again."
        ) from None
    if config.vocab_size < pieces:
        raise SpecError(
            f"has vectors of {config.vocab_size:,} pieces, and the tokenizer beside it has "
            f"{pieces:,}. Copy the whole folder again."
        )
    return config


def embed(transformer: Transformer, tokens: Tokens) -> NDArray[np.float32]:
    """Embed texts for use.

    Args:
        transformer: The encoder.
        tokens: Pieces of the texts, without special ones.

    Returns:
        Vectors of length 1, shape (texts, size).
    """
    vectors = np.empty((tokens.texts, transformer.size), np.float32)
    with torch.no_grad():
        for rows, packed in _alike(transformer, tokens):
            vectors[rows] = _unit(transformer(packed))
    return vectors


def embed_by_layer(transformer: Transformer, tokens: Tokens) -> NDArray[np.float32]:
    """Embed texts for use after each layer: where do texts come to lie beside their translations?

    Args:
        transformer: The encoder.
        tokens: Pieces of the texts, without special ones.

    Returns:
        Vectors of length 1, shape (layers + 1, texts, size): the first ones before any layer, the
        last ones are those of `embed`.
    """
    layers = transformer.config.num_hidden_layers + 1
    vectors = np.empty((layers, tokens.texts, transformer.size), np.float32)
    with torch.no_grad():
        for rows, packed in _alike(transformer, tokens):
            for layer, means in enumerate(transformer.layers(packed)):
                vectors[layer, rows] = _unit(means)
    return vectors


def _alike(transformer: Transformer, tokens: Tokens) -> Iterator[tuple[NDArray[np.int64], Packed]]:
    """Yields texts of about the same length, and which they are."""
    order = np.argsort(tokens.lengths, kind="stable")
    for at in range(0, tokens.texts, _BLOCK):
        rows = order[at : at + _BLOCK]
        yield rows, transformer.packed(tokens.take(rows))


def _unit(means: Tensor) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = functional.normalize(means, dim=-1).cpu().numpy()
    return vectors


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:200].rstrip(".") or type(error).__name__


def _heads(size: int) -> int:
    """Divide a size between heads.

    Args:
        size: Numbers of an embedding.

    Returns:
        Number of heads; each has 64 numbers, or more if that does not divide the size.

    Raises:
        SpecError: It is odd.
    """
    fitting = (heads for heads in range(max(size // _HEAD, 1), 0, -1) if size % (2 * heads) == 0)
    heads = next(fitting, 0)
    if not heads:
        raise SpecError(
            f"`encoder.size` is {size}, and that of a transformer is even: give a multiple of 64."
        )
    return heads
