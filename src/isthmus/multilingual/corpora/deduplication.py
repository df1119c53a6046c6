"""The fate of each row: trained on, held out, or left out as it says nothing new."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools
from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.hashes import Hashes, HashFile, by_language, hashes_of_rows
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
            excluded.add(texts)
    for _, texts in trained_rows(corpora, fates):
        trained.add(texts)
    for test in tests:
        _refuse_inside(test, trained, folder)
    _mark_trained(fates.values(), trained.found_in(excluded), Fate.FOUND_IN_TESTS)
    rows = HashFile(folder / "rows")
    for corpus, texts in trained_rows(corpora, fates):
        rows.add(hashes_of_rows(texts, corpus.source.languages).reshape(-1, 1))
    _mark_trained(fates.values(), rows.repeated(), Fate.DUPLICATE)
    return fates


def _held_out(corpus: ReadCorpus, held: Hashes, excluded: HashFile, folder: Path) -> Fates:
    """Mark rows of documents that are held out, each text once: retrieval looks for one."""
    fates = np.full(corpus.rows, Fate.TRAINED, np.uint8)
    texts_before, begin = HashFile(folder / "held_out" / corpus.source.name), 0
    for documents, texts in corpus.blocks():
        chosen = np.isin(documents, held)
        fates[begin : begin + len(documents)][chosen] = Fate.HELD_OUT
        begin += len(documents)
        excluded.add(texts[chosen])
        texts_before.add(by_language(texts[chosen], corpus.source.languages))
    _mark(fates, Fate.HELD_OUT, texts_before.repeated(), Fate.DUPLICATE)
    return fates


def trained_rows(
    corpora: Sequence[ReadCorpus], fates: Mapping[str, Fates]
) -> Iterator[tuple[ReadCorpus, Hashes]]:
    """Yields each corpus with hashes of texts to train on, shape (rows, languages), in turn."""
    for corpus in corpora:
        begin = 0
        for _, texts in corpus.blocks():
            fate = fates[corpus.source.name][begin : begin + len(texts)]
            begin += len(texts)
            yield corpus, texts[fate == Fate.TRAINED]


def _mark_trained(fates: Iterable[Fates], marked: Bools, after: Fate) -> None:
    """Change the fate of some rows to train on; `marked` goes through those of all corpora."""
    begin = 0
    for fate in fates:
        end = begin + int((fate == Fate.TRAINED).sum())
        _mark(fate, Fate.TRAINED, marked[begin:end], after)
        begin = end


def _mark(fates: Fates, before: Fate, marked: Bools, after: Fate) -> None:
    """Change the fate of some rows; numbers of rows would take eight times the memory of marks.

    Args:
        fates: Fates of the rows of a corpus; receives the change.
        before: The fate of the rows that `marked` is about.
        marked: Which of them to change.
        after: Their new fate.
    """
    fates[fates == before] = np.where(marked, np.uint8(after), np.uint8(before))


def _refuse_inside(test: ReadCorpus, trained: HashFile, folder: Path) -> None:
    texts = HashFile(folder / "tests" / test.source.name)
    for _, hashes in test.blocks():
        texts.add(hashes.reshape(-1, 1))
    present = sum(test.tally.texts.values())
    if texts.found_in(trained).sum() == present:
        raise SpecError(
            f"`{test.source.key}`: all its {present:,} texts are in the corpora to train on too, "
            "so nothing of it would be new to the encoder. Leave it out there, or test on another "
            "corpus; documents that `multilingual.held_out` keeps apart are tested on anyway."
        )
