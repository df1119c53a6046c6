"""A look at the corpora of a job before it runs: files, languages, columns and first rows."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import msgspec

from isthmus.multilingual.corpora.files import form_of
from isthmus.multilingual.corpora.misalignment import check_in_step
from isthmus.multilingual.corpora.reading import columns_of, present
from isthmus.multilingual.corpora.sources import Source, sources_of
from isthmus.multilingual.corpora.tables import rows_in_parquet
from isthmus.multilingual.corpora.tallies import Tally, refuse_same
from isthmus.multilingual.spec import Multilingual, Name

_ROWS = 1000
"""First rows of a corpus that are looked at."""


class CorpusFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about one corpus that need no reading of all of it."""

    languages: tuple[str, ...]
    files: int
    bytes: int
    rows: int | None
    """None where counting them takes reading all of it."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about all corpora of a job, by name."""

    corpora: dict[Name, CorpusFacts]
    tests: dict[Name, CorpusFacts]


def check(spec: Multilingual, folder: Path) -> Facts:
    """Look at all files, and read the first rows of each.

    Args:
        spec: The `[multilingual]` table.
        folder: The folder that its paths are relative to.

    Returns:
        Facts about the corpora.

    Raises:
        SpecError: A corpus is not what the job says, as far as its first rows tell.
    """
    trained, tests = sources_of(spec, folder)
    refuse_same([_look_at(source) for source in (*trained, *tests)])
    return Facts(corpora=_facts(trained), tests=_facts(tests))


def _look_at(source: Source) -> Tally:
    rows, tally = list(islice(source.rows(), _ROWS)), Tally(source)
    if rows:
        columns, texts = columns_of(rows, source.languages)
        check_in_step(source, columns, 0)
        tally.add(len(rows), texts[present(texts)])
    tally.check_rows()
    if len(rows) < _ROWS:  # these are all
        tally.check_texts()
    tally.check_equal()
    if not source.in_step:
        for path in source.files[1:]:
            next(source.rows_of(path), None)
    return tally


def _facts(sources: Sequence[Source]) -> dict[str, CorpusFacts]:
    return {source.name: _facts_of(source) for source in sources}


def _facts_of(source: Source) -> CorpusFacts:
    counted = all(form_of(path) == ".parquet" for path in source.files)
    return CorpusFacts(
        languages=source.languages,
        files=len(source.files),
        bytes=sum(path.stat().st_size for path in source.files),
        rows=sum(map(rows_in_parquet, source.files)) if counted else None,
    )
