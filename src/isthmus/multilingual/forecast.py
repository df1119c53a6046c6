"""A forecast of what a job takes, as far as its table and its files tell."""

from collections.abc import Mapping

from rich.filesize import decimal

from isthmus.multilingual.corpora.checks import CorpusFacts, Facts
from isthmus.multilingual.spec import Multilingual
from isthmus.text.spec import Encoder

_COPIES = 4
"""A parameter, its gradient, and two moments of Adam."""

_BYTES = 4
_BYTE_PIECES = 256 + 5  # bytes, and special pieces


def facts(spec: Multilingual, found: Facts) -> Mapping[str, object]:
    """Returns what `isthmus check` shows: corpora, and a forecast of memory and steps, by name."""
    languages = sorted({each for corpus in found.corpora.values() for each in corpus.languages})
    shown: dict[str, object] = {"languages": f"{len(languages)}: {', '.join(languages)}"}
    for name, corpus in found.corpora.items():
        shown[f"corpus {name}"] = _described(corpus)
    for name, corpus in found.tests.items():
        shown[f"test {name}"] = _described(corpus)
    training = spec.training
    shown["encoder"] = _encoder(spec.encoder)
    shown["parameters"] = f"about {parameters(spec.encoder):,}"
    shown["steps"] = f"{training.steps:,} at most, of {training.batch:,} texts each"
    return shown


def peak(spec: Multilingual, found: Facts) -> int:
    """Forecast the memory that a run takes at most.

    Args:
        spec: The `[multilingual]` table.
        found: Facts about the corpora.

    Returns:
        Bytes of the program, of texts in several forms, and of the encoder with a batch.
    """
    encoder, described = spec.encoder, {**spec.corpora, **spec.tests}
    texts = sum(
        corpus.bytes * (_PACKED if ".gz" in str(described[name].path) else 1)
        for name, corpus in (*found.corpora.items(), *found.tests.items())
    )
    numbers = spec.training.batch * encoder.length * encoder.depth * encoder.vector_size
    model = _COPIES * parameters(encoder) + _OF_LAYER * numbers
    return _PROGRAM + _FORMS * texts + _BYTES * model


_PROGRAM = 525 * 10**6
_PACKED = 4
_FORMS = 26
"""Bytes per byte of text: rows, hashes, counts of words, pieces, and what is compared with."""

_OF_LAYER = 32
"""Numbers that a layer keeps of a piece for each number of its vector, until the gradient."""


def parameters(encoder: Encoder) -> int:
    """Returns about how many parameters an encoder has."""
    size = encoder.vector_size
    layer = 9 * size * size  # attention 4, its two linear layers 3 * 1.5 and a little
    pieces = _BYTE_PIECES if encoder.type == "bytes" else encoder.vocabulary
    return pieces * (size + 1) + encoder.depth * layer


def _encoder(encoder: Encoder) -> str:
    if encoder.continued is not None:
        return f"goes on from {encoder.continued}"
    pieces = f"{encoder.vocabulary:,} pieces at most" if encoder.tokenizer is None else "given"
    if encoder.type == "bytes":
        pieces = "bytes"
    return f"{encoder.type}, vectors of {encoder.vector_size} numbers, vocabulary: {pieces}"


def _described(corpus: CorpusFacts) -> str:
    rows = f"{corpus.rows:,} rows, " if corpus.rows is not None else ""
    files = "1 file" if corpus.files == 1 else f"{corpus.files:,} files"
    return f"{rows}{files}, {decimal(corpus.bytes)}, {', '.join(corpus.languages)}"
