"""Pieces of all texts of a run, in files that training reads where it needs them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.corpora.texts import Texts
from isthmus.store import atomic
from isthmus.store.encoding import to_json
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Tokenizer
from isthmus.text.tokens import Tokens

TokensByLanguage = Mapping[str, Mapping[str, Tokens]]
"""Pieces of the texts of a corpus by its name, then by language; none of a text that is missing."""

MOST_UNKNOWN = 0.05
"""Share of the pieces of a language that may stand for what the vocabulary lacks."""

_COUNTS = "counts.json"
_BLOCK = 2**20  # pieces at a time


class PieceCounts(msgspec.Struct, frozen=True):
    """Pieces of the texts of one language."""

    pieces: int = 0
    unknown: int = 0
    """Those that stand for what the vocabulary lacks."""

    texts: int = 0
    cut: int = 0
    """Texts that are longer than the encoder reads."""

    @property
    def unknown_share(self) -> float:
        """Share of the unknown pieces."""
        return self.unknown / max(1, self.pieces)

    def __add__(self, other: "PieceCounts") -> "PieceCounts":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return PieceCounts(*(ours + theirs for ours, theirs in pairs))


def write(
    texts: Mapping[str, Texts],
    tokenizer: Tokenizer,
    length: int,
    into: Path,
    telemetry: Telemetry,
) -> None:
    """Divide all texts into pieces.

    Args:
        texts: The texts of each corpus.
        tokenizer: What divides them.
        length: Most pieces of a text.
        into: The folder for the files; where it is there, it is whole, and nothing is done.
        telemetry: Takes the progress.
    """
    if into.exists():
        return
    counts = dict[str, PieceCounts]()
    total, done = sum(each.rows * len(each.languages) for each in texts.values()), 0
    with atomic.replacing_folder(into) as work:
        for name, each in texts.items():
            for language in each.languages:
                found = _write(each, language, tokenizer, length, work)
                counts[language] = counts.get(language, PieceCounts()) + found
                done += each.rows
                unknown = counts[language].unknown_share
                note = f"{name}, {language}"
                telemetry.progress("pieces", done, total, note=note, unknown=unknown)
        atomic.write(work / _COUNTS, to_json(counts))


def read(texts: Mapping[str, Texts], folder: Path) -> TokensByLanguage:
    """Open what `write` wrote; a part of a file is in memory only while it is used."""
    return {
        name: {
            language: Tokens(
                np.load(_path(folder, name, language, "ids"), mmap_mode="r"),
                np.load(_path(folder, name, language, "starts"), mmap_mode="r"),
            )
            for language in each.languages
        }
        for name, each in texts.items()
    }


def counts(folder: Path) -> Mapping[str, PieceCounts]:
    """Returns what `write` counted, by language."""
    return msgspec.json.decode((folder / _COUNTS).read_bytes(), type=dict[str, PieceCounts])


def frequencies(tokens: TokensByLanguage, size: int) -> Integers:
    """Count pieces.

    Args:
        tokens: Those of all texts.
        size: Of the vocabulary.

    Returns:
        How often each piece occurs, shape (size,).
    """
    found = np.zeros(size, np.int64)
    for each in tokens.values():
        for part in each.values():
            for begin in range(0, len(part.ids), _BLOCK):
                found += np.bincount(part.ids[begin : begin + _BLOCK], minlength=size)
    return found


def check_known(found: Mapping[str, PieceCounts], encoder: Encoder) -> None:
    """Refuse a vocabulary that lacks a script.

    Args:
        found: Pieces by language.
        encoder: The `encoder` table.

    Raises:
        SpecError: A language has too many unknown pieces; the one that has most is named.
    """
    language = max(found, key=lambda each: found[each].unknown_share)
    share = found[language].unknown_share
    if share <= MOST_UNKNOWN:
        return
    if encoder.continued is not None:
        advice = (
            f"{encoder.continued} has the vocabulary that it was trained with. Go on from an "
            "encoder that knows the script, or train one from the begin on all languages"
        )
    elif encoder.tokenizer is not None:
        advice = f"give another tokenizer than {encoder.tokenizer}, or leave it out to train one"
    else:
        advice = "raise `multilingual.encoder.vocabulary`"
    raise SpecError(
        f"the vocabulary lacks letters of texts in {language!r}: {share:.0%} of their pieces are "
        f"unknown to it, and {MOST_UNKNOWN:.0%} may be: {advice}."
    )


def _write(
    texts: Texts, language: str, tokenizer: Tokenizer, length: int, folder: Path
) -> PieceCounts:
    found, parts = PieceCounts(), list[Tokens]()
    for block in texts.blocks():
        known = [text or "" for text in block[language]]
        tokens = tokenizer.tokens(known, length + 1)
        found += PieceCounts(
            pieces=len(tokens.ids),
            unknown=int(np.isin(tokens.ids, tokenizer.unknown).sum()),
            texts=sum(map(bool, known)),
            cut=int((tokens.lengths > length).sum()),
        )
        parts.append(tokens.cut(length))
    whole = Tokens.joined(parts)
    np.save(_path(folder, texts.name, language, "ids"), whole.ids, allow_pickle=False)
    np.save(_path(folder, texts.name, language, "starts"), whole.starts, allow_pickle=False)
    return found


def _path(folder: Path, corpus: str, language: str, what: str) -> Path:
    return folder / f"{corpus}.{language}.{what}.npy"


def languages(corpora: Iterable[Texts]) -> tuple[str, ...]:
    """Returns every language that there are texts in."""
    return tuple(sorted({language for texts in corpora for language in texts.languages}))
