"""The choice of documents that are held out: by a seeded hash of their names, never by line."""

from collections.abc import Mapping, Sequence

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.hashes import Hashes
from isthmus.multilingual.corpora.reading import ReadCorpus


def documents_of(corpus: ReadCorpus) -> Hashes:
    """Returns the hash of each document of a corpus once, in order."""
    found = np.empty(0, np.uint64)
    for documents, _ in corpus.blocks():
        found = np.union1d(found, documents)
    return found


def chosen(corpora: Sequence[ReadCorpus], documents: Mapping[str, Hashes], share: float) -> Hashes:
    """Choose the documents to hold out, in all corpora that have one of that name.

    Args:
        corpora: The corpora.
        documents: Hashes of the documents of each, in order.
        share: Share of the documents to hold out.

    Returns:
        Hashes of those that are held out; each corpus has one of them, and one that is not.

    Raises:
        SpecError: A corpus has a single document, or documents fit no other choice.
    """
    if share == 0:
        return np.empty(0, np.uint64)
    limit = np.uint64(share * 2**64)
    held = np.unique(np.concatenate([each[each < limit] for each in documents.values()]))
    for corpus in corpora:
        found = documents[corpus.source.name]
        _refuse_single(corpus, found)
        if not np.isin(found, held).any():
            held = np.union1d(held, found[:1])
    for corpus in corpora:
        found = documents[corpus.source.name]
        if np.isin(found, held).all():
            raise SpecError(
                f"`{corpus.source.key}`: all its {len(found)} documents are held out. Set "
                "`multilingual.held_out` lower, or give it more documents with `documents` or "
                "`document_rows`."
            )
    return held


def _refuse_single(corpus: ReadCorpus, documents: Hashes) -> None:
    if len(documents) < _FEWEST:
        raise SpecError(
            f"`{corpus.source.key}`: its {corpus.rows:,} rows are one document, so none can be "
            "held out. Name documents in `documents`, lower `document_rows`, or give a corpus in "
            "`multilingual.tests` and set `multilingual.held_out = 0`."
        )


_FEWEST = 2
