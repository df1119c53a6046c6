"""The fate of each row: trained on, held out, or left out as it says nothing new."""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools
from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.hashes import Hashes, HashFile, hashes_of_rows
from isthmus.multilingual.corpora.reading import ReadCorpus


class Fate(IntEnum):
    """The fate of a row that is not empty."""

    TRAINED = 0
    HELD_OUT = 1
    DUPLICATE = 2
    FOUND_IN_TESTS = 3


Fates = NDArray[np.uint8]
"""`Fate` of each row of a corpus, shape (rows,)."""


def fates_of(
    corpora: Sequence[ReadCorpus], tests: Sequence[ReadCorpus], held: Hashes, folder: Path
) -> Mapping[str, Fates]:
    """Decide what becomes of all rows.

    No text to train on is held out or in a corpus to test on, in whatever language.

    Args:
        corpora: The corpora to train on.
        tests: The corpora to test on.
        held: Hashes of the documents that are held out.
        folder: An empty folder for files.

    Returns:
        The fates of the rows of each corpus in `corpora`, by name.

    Raises:
        SpecError: All of a corpus to test on is in those to train on.
    """
    excluded, trained = HashFile(folder / "excluded"), HashFile(folder / "trained")
    fates = {each.source.name: _held_out(each, held, excluded, folder) for each in corpora}
    for test in tests:
        for _, texts in test.blocks():
            excluded.add(texts.ravel())
    for corpus in corpora:
        for texts, fate in _with_fates(corpus, fates):
            trained.add(texts[fate == Fate.TRAINED].ravel())
    for test in tests:
        _refuse_inside(test, trained, folder)
    _mark_found(corpora, fates, trained.found_in(excluded))
    _mark_duplicates(corpora, fates, HashFile(folder / "rows"))
    return fates


def _held_out(corpus: ReadCorpus, held: Hashes, excluded: HashFile, folder: Path) -> Fates:
    """Mark rows of documents that are held out, each text once: retrieval looks for one."""
    fate = np.full(corpus.rows, Fate.TRAINED, np.uint8)
    languages = corpus.source.languages
    seen = [HashFile(folder / corpus.source.name / language) for language in languages]
    begin = 0
    for documents, texts in corpus.blocks():
        chosen = np.isin(documents, held)
        fate[begin : begin + len(documents)][chosen] = Fate.HELD_OUT
        begin += len(documents)
        excluded.add(texts[chosen].ravel())
        for column, hashes in zip(texts[chosen].T, seen, strict=True):
            hashes.add(column)
    once = np.logical_and.reduce([hashes.first() for hashes in seen])
    _mark(fate, Fate.HELD_OUT, ~once, Fate.DUPLICATE)
    return fate


def _mark(fates: Fates, before: Fate, marked: Bools, after: Fate) -> None:
    """Change the fate of some rows; numbers of rows would take eight times the memory of marks.

    Args:
        fates: Fates of the rows of a corpus; receives the change.
        before: The fate of the rows that `marked` is about.
        marked: Which of them to change.
        after: Their new fate.
    """
    fates[fates == before] = np.where(marked, np.uint8(after), np.uint8(before))


def _with_fates(corpus: ReadCorpus, fates: Mapping[str, Fates]) -> Iterator[tuple[Hashes, Fates]]:
    """Read the hashes of texts with the fates of their rows, which may be written to."""
    begin = 0
    for _, texts in corpus.blocks():
        yield texts, fates[corpus.source.name][begin : begin + len(texts)]
        begin += len(texts)


def _mark_found(corpora: Sequence[ReadCorpus], fates: Mapping[str, Fates], found: Bools) -> None:
    """Mark the rows to train on of which a text was found.

    Args:
        corpora: The corpora.
        fates: Receives the marks.
        found: Of each text of each row to train on, in order, whether it was found.
    """
    begin = 0
    for corpus in corpora:
        fate, languages = fates[corpus.source.name], len(corpus.source.languages)
        end = begin + int((fate == Fate.TRAINED).sum()) * languages
        marked = np.logical_or.reduce(found[begin:end].reshape(-1, languages), axis=1)
        _mark(fate, Fate.TRAINED, marked, Fate.FOUND_IN_TESTS)
        begin = end


def _mark_duplicates(
    corpora: Sequence[ReadCorpus], fates: Mapping[str, Fates], rows: HashFile
) -> None:
    for corpus in corpora:
        for texts, fate in _with_fates(corpus, fates):
            hashes = hashes_of_rows(texts, corpus.source.languages)
            rows.add(hashes[fate == Fate.TRAINED])
    first, begin = rows.first(), 0
    for corpus in corpora:
        fate = fates[corpus.source.name]
        end = begin + int((fate == Fate.TRAINED).sum())
        _mark(fate, Fate.TRAINED, ~first[begin:end], Fate.DUPLICATE)
        begin = end


def _refuse_inside(test: ReadCorpus, trained: HashFile, folder: Path) -> None:
    texts = HashFile(folder / "tests" / test.source.name)
    for _, hashes in test.blocks():
        texts.add(hashes.ravel())
    present = sum(test.tally.texts.values())
    if texts.found_in(trained).sum() == present:
        raise SpecError(
            f"`{test.source.key}`: all its {present:,} texts are in the corpora to train on too, "
            "so nothing of it would be new to the encoder. Leave it out there, or test on another "
            "corpus; documents that `multilingual.held_out` keeps apart are tested on anyway."
        )
