"""Reads the corpora of a job once, into the files that training and evaluation read."""

import shutil
from pathlib import Path

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.corpora import splitting, trained_texts
from isthmus.multilingual.corpora.deduplication import Fate, Fates, fates_of, trained_rows
from isthmus.multilingual.corpora.hashes import Hashes
from isthmus.multilingual.corpora.reading import ReadCorpus, read
from isthmus.multilingual.corpora.sources import sources_of
from isthmus.multilingual.corpora.tallies import refuse_same
from isthmus.multilingual.corpora.texts import (
    COUNTS,
    PARTS,
    CorpusCounts,
    Counts,
    Texts,
    copy,
    file_of,
)
from isthmus.multilingual.spec import Multilingual
from isthmus.store import atomic
from isthmus.store.encoding import to_json

_TRAINED, _HELD_OUT, _TESTS = PARTS
_READ, _HASHED = "read", "hashed"  # for the time of the preparation


def prepare(spec: Multilingual, folder: Path, seed: int, into: Path, telemetry: Telemetry) -> None:
    """Read, normalise, deduplicate and split the corpora of a job.

    Args:
        spec: The `[multilingual]` table.
        folder: The folder that its paths are relative to.
        seed: The job's seed, which decides which documents are held out.
        into: The folder to leave them in, for `texts.Corpora`; where it is there, it is whole, and
            nothing is done.
        telemetry: Receives the progress.

    Raises:
        SpecError: A file is not what the job says, or nothing is left of a corpus.
    """
    if into.exists():
        return
    with telemetry.timed("read"), atomic.replacing_folder(into) as work:
        for part in (*PARTS, _READ, f"{_HASHED}/{_TRAINED}", f"{_HASHED}/{_TESTS}"):
            (work / part).mkdir(mode=0o700, parents=True)
        atomic.write(work / COUNTS, to_json(_prepared(spec, folder, seed, work, telemetry)))
        shutil.rmtree(work / _READ)
        shutil.rmtree(work / _HASHED)


def _prepared(
    spec: Multilingual, folder: Path, seed: int, work: Path, telemetry: Telemetry
) -> Counts:
    """Pass over all corpora: read, hold out, compare, and write what is left."""
    sources, test_sources = sources_of(spec, folder)
    hashed = work / _HASHED
    tests = [
        read(each, seed, work / _TESTS, hashed / _TESTS / each.name, telemetry)
        for each in test_sources
    ]
    corpora = [
        read(each, seed, work / _READ, hashed / _TRAINED / each.name, telemetry) for each in sources
    ]
    refuse_same([corpus.tally for corpus in (*corpora, *tests)])
    documents = {corpus.source.name: splitting.documents_of(corpus) for corpus in corpora}
    held = splitting.chosen(corpora, documents, spec.held_out)
    fates = fates_of(corpora, tests, held, hashed / "compared")
    texts = (texts for _, texts in trained_rows(corpora, fates))
    trained_texts.write(texts, work, hashed / "trained_on")
    return Counts(
        corpora={
            corpus.source.name: _write(
                corpus, fates[corpus.source.name], documents[corpus.source.name], held, work
            )
            for corpus in corpora
        },
        tests={
            test.source.name: CorpusCounts(
                read=test.tally.read,
                empty=test.empty,
                texts=test.tally.texts,
                equal=test.tally.equal,
            )
            for test in tests
        },
    )


def _write(
    corpus: ReadCorpus, fate: Fates, documents: Hashes, held: Hashes, work: Path
) -> CorpusCounts:
    """Write the rows to train on and those that are held out.

    Args:
        corpus: The corpus.
        fate: What becomes of its rows.
        documents: Hashes of its documents.
        held: Hashes of the documents that are held out.
        work: The folder that both are written into.

    Returns:
        What became of its rows.

    Raises:
        SpecError: There is nothing left to train on.
    """
    name = corpus.source.name
    rows = {kind: int((fate == kind).sum()) for kind in Fate}
    if not rows[Fate.TRAINED]:
        raise SpecError(
            f"`{corpus.source.key}`: nothing is left to train on of its {corpus.rows:,} rows: "
            f"{rows[Fate.DUPLICATE]:,} are in it twice or in other corpora, "
            f"{rows[Fate.FOUND_IN_TESTS]:,} are in text to test on, and {rows[Fate.HELD_OUT]:,} "
            "are held out. Leave it out, or lower `multilingual.held_out`."
        )
    path = file_of(work / _TRAINED, name)
    copy(corpus.texts, fate == Fate.TRAINED, path)
    if rows[Fate.HELD_OUT]:
        copy(corpus.texts, fate == Fate.HELD_OUT, file_of(work / _HELD_OUT, name))
    trained = Texts(name, path)
    return CorpusCounts(
        read=corpus.tally.read,
        empty=corpus.empty,
        duplicates=rows[Fate.DUPLICATE],
        found_in_tests=rows[Fate.FOUND_IN_TESTS],
        trained=rows[Fate.TRAINED],
        held_out=rows[Fate.HELD_OUT],
        documents=len(documents),
        held_out_documents=int(np.isin(documents, held).sum()),
        texts={each: int(trained.present(each).sum()) for each in trained.languages},
        equal=corpus.tally.equal,
    )
