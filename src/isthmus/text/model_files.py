"""The files that folders of encoders have in common; sentence-transformers reads them too.

    modules.json, config_sentence_transformers.json    the modules that make vectors of texts
    tokenizer.json                                     how texts are divided into pieces
    model.safetensors                                  parameters
    isthmus.json                                       which encoder and which tokenizer it is
    README.md                                          the model card

Nothing in such a folder is code.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
import torch
from safetensors import SafetensorError
from safetensors import torch as tensors
from torch import Tensor

from isthmus.core.broken import fault
from isthmus.core.errors import SpecError
from isthmus.text.tokenizer import Tokenizer

MODEL, TOKENIZER, FACTS = "model.safetensors", "tokenizer.json", "isthmus.json"
MODULES, CONFIG = "modules.json", "config.json"

_SENTENCES, _CARD = "config_sentence_transformers.json", "README.md"
_PACKAGE = "sentence_transformers.models."
_OLDEST = "3.2.0"  # version of sentence-transformers that can read such a folder
_ADVICE = "Copy the folder again, or run the job again."
_Decoded = TypeVar("_Decoded")


Kind = Literal["static", "transformer"]
"""Kinds of encoders that are read here."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder says of its encoder."""

    type: Kind
    size: int
    """Numbers of a vector."""

    languages: tuple[str, ...]
    """What it was trained on."""

    tokenizer: str
    """Digest of the tokenizer that it was trained with."""

    format: Literal[1] = 1


class Module(NamedTuple):
    """A step from texts to vectors, as sentence-transformers takes it."""

    name: str
    """Name of a class of that library."""

    path: str = ""
    """Its folder in that of the model."""

    config: dict[str, Any] | None = None
    """What the file `config.json` of its folder holds; None if it has no file."""


class _ModuleRow(msgspec.Struct):
    type: str
    path: str = ""


def write_common(
    folder: Path, facts: Facts, tokenizer: Tokenizer, modules: Sequence[Module], card: str
) -> None:
    """Write all files but the parameters.

    Args:
        folder: Where to.
        facts: Of the encoder.
        tokenizer: The tokenizer that it was trained with.
        modules: The steps from texts to vectors.
        card: The model card, in Markdown.
    """
    tokenizer.save(folder / TOKENIZER)
    write_json(folder / FACTS, facts)
    rows = [
        {"idx": number, "name": str(number), "path": it.path, "type": _PACKAGE + it.name}
        for number, it in enumerate(modules)
    ]
    write_json(folder / MODULES, rows)
    for module in modules:
        (folder / module.path).mkdir(exist_ok=True)
        if module.config is not None:
            write_json(folder / module.path / CONFIG, module.config)
    sentences = {
        "__version__": {"sentence_transformers": _OLDEST},
        "model_type": "SentenceTransformer",
        "prompts": {},
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }
    write_json(folder / _SENTENCES, sentences)
    write_card(folder, facts.languages, card)


def write_card(folder: Path, languages: Sequence[str], card: str) -> None:
    """Write the model card, or replace it.

    Args:
        folder: The folder of the encoder.
        languages: What it was trained on.
        card: What the card says, in Markdown.
    """
    (folder / _CARD).write_text(_header(languages) + card, encoding="utf-8")


def read_facts(folder: Path) -> Facts | None:
    """Read what a folder says of its encoder.

    Args:
        folder: The folder.

    Returns:
        None if the folder was not written by this package.

    Raises:
        SpecError: It is no model, or the file is broken.
    """
    if not any((folder / name).is_file() for name in (FACTS, MODULES, CONFIG)):
        raise SpecError(
            f"{folder}: is not the folder of a model: it has no file {MODULES} or {CONFIG}. Give "
            "the folder `model` of a finished run, or one of sentence-transformers."
        )
    if not (folder / FACTS).is_file():
        return None
    return read_json(folder / FACTS, Facts)


def first_module(folder: Path) -> str:
    """Returns the class of the first step from texts to vectors; empty if no file tells."""
    if not (folder / MODULES).is_file():
        return ""
    rows = read_json(folder / MODULES, list[_ModuleRow])
    return rows[0].type.rpartition(".")[2] if rows else ""


def read_tokenizer(folder: Path, facts: Facts | None) -> Tokenizer:
    """Read the tokenizer of a folder.

    Args:
        folder: The folder.
        facts: What the folder says of its encoder.

    Returns:
        The tokenizer.

    Raises:
        SpecError: It is missing, broken or another than the encoder was trained with.
    """
    return Tokenizer.load(folder / TOKENIZER, facts.tokenizer if facts else None)


def read_parameters(path: Path) -> dict[str, Tensor]:
    """Read parameters of an encoder.

    Args:
        path: A file of safetensors.

    Returns:
        The parameters by name; all of them are finite.

    Raises:
        SpecError: The file is missing or broken, or a parameter is not a finite number.
    """
    try:
        found = tensors.load(path.read_bytes())
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror or error}. {_ADVICE}") from None
    except SafetensorError:
        raise SpecError(f"{path}: does not hold parameters of a model. {_ADVICE}") from None
    for name, tensor in found.items():
        wrong = int((~torch.isfinite(tensor)).sum())
        if wrong:
            raise SpecError(
                f"{path}: {wrong:,} of the {tensor.numel():,} numbers of {name} are not finite. "
                f"{_ADVICE}"
            )
    return found


def write_parameters(path: Path, parameters: dict[str, Tensor]) -> None:
    """Write parameters of an encoder."""
    stored = {name: it.contiguous() for name, it in parameters.items()}
    path.write_bytes(tensors.save(stored, {"format": "pt"}))


def read_json(path: Path, kind: type[_Decoded]) -> _Decoded:
    """Read a file of JSON.

    Args:
        path: The file.
        kind: What it holds.

    Returns:
        Its content.

    Raises:
        SpecError: It cannot be read, or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. {_ADVICE}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SpecError(f"{path}: does not describe a model: {fault(error)}. {_ADVICE}") from None


def write_json(path: Path, content: Any) -> None:
    """Write a file of JSON, for readers."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def _header(languages: Sequence[str]) -> str:
    names = "".join(f"- {language}\n" for language in languages)
    spoken = f"language:\n{names}" if names else ""
    return (
        f"---\n{spoken}library_name: sentence-transformers\npipeline_tag: sentence-similarity\n"
        "tags:\n- sentence-similarity\n- feature-extraction\n---\n\n"
    )
