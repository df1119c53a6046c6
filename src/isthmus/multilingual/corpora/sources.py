"""Corpora as a job names them: their languages, their files, and the rows of these."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.catalogues import rows_of_catalogue
from isthmus.multilingual.corpora.files import files_of, form_of, opened, plain_name
from isthmus.multilingual.corpora.rows import Row
from isthmus.multilingual.corpora.tables import rows_of_json, rows_of_parquet, rows_of_tsv
from isthmus.multilingual.corpora.text_lines import rows_of_text
from isthmus.multilingual.corpora.translation_memories import rows_of_memory
from isthmus.multilingual.spec import Corpus, Multilingual

_TABLES: Mapping[str, Callable[[Path, Sequence[str], str | None], Iterator[Row]]] = {
    ".tsv": rows_of_tsv,
    ".jsonl": rows_of_json,
    ".parquet": rows_of_parquet,
}
_OF_A_FILE = (".tmx", ".po")
"""Forms whose files are documents, if there are several."""

_CATALOGUE = ".po"


@dataclass(frozen=True)
class Source:
    """One corpus of a job, with all that reading it takes."""

    key: str
    """Where the job names it, for errors; empty if no job does."""

    name: str
    spec: Corpus
    languages: tuple[str, ...]
    files: tuple[Path, ...]
    folder: Path | None
    """The folder of `files`, if the job names a folder."""

    documents: Path | None
    """A file with the name of the document of each line, if there is one."""

    @property
    def in_step(self) -> bool:
        """Whether its files are one per language, line by line."""
        return isinstance(self.spec.path, dict)

    def rows(self) -> Iterator[Row]:
        """Read all files, one after another.

        Yields:
            The rows, each with the name of its document.

        Raises:
            SpecError: A file is not what the job says.
        """
        if self.in_step:
            yield from self._numbered(rows_of_text(self.files, self.documents), "")
            return
        for path in self.files:
            yield from self.rows_of(path)

    def rows_of(self, path: Path) -> Iterator[Row]:
        """Read one of several files; yields its rows, each with the name of its document."""
        folder = self.folder
        label = "" if folder is None else str(path.relative_to(folder).with_name(plain_name(path)))
        return self._numbered(self._read(path), label)

    def _read(self, path: Path) -> Iterator[Row]:
        form = form_of(path) or ""
        if form == _CATALOGUE:
            return rows_of_catalogue(path)
        if form in _TABLES:
            columns = [self.spec.columns.get(each, each) for each in self.languages]
            return _TABLES[form](path, columns, self.spec.documents)
        if form == ".tmx":
            return rows_of_memory(path, self.languages, self.spec.documents)
        return rows_of_text([path], self.documents)

    def _numbered(self, rows: Iterator[Row], label: str) -> Iterator[Row]:
        """Name documents by their file and number where nothing else names them."""
        size = self.spec.document_rows
        whole = label.endswith(_OF_A_FILE)
        for number, row in enumerate(rows):
            if row.document is not None:
                yield row
            elif whole:
                yield Row(label, row.texts)
            else:
                yield Row(f"{label}#{number // size}", row.texts)


def sources_of(spec: Multilingual, folder: Path) -> tuple[Sequence[Source], Sequence[Source]]:
    """Find all corpora of a job; reads nothing of them.

    Args:
        spec: The `[multilingual]` table.
        folder: The folder that its paths are relative to.

    Returns:
        Those to train on, and those to test on.

    Raises:
        SpecError: A corpus contradicts itself, its files are not there, or an objective needs
            translations and no corpus has them.
    """
    trained = [_source("corpora", name, each, folder) for name, each in spec.corpora.items()]
    tests = [_source("tests", name, each, folder) for name, each in spec.tests.items()]
    if not any(len(source.languages) > 1 for source in trained):
        _refuse_pairs(spec)
    return trained, tests


def _refuse_pairs(spec: Multilingual) -> None:
    weights = spec.objectives
    needing = [name for name in ("pairs", "tlm", "camlm") if getattr(weights, name) > 0]
    if needing:
        raise SpecError(
            f"`multilingual.objectives.{needing[0]}` needs texts with their translations, but each "
            f"of the {len(spec.corpora)} corpora has one language alone. Add a corpus of two "
            "languages, or set it to 0."
        )


def _source(table: str, name: str, corpus: Corpus, folder: Path) -> Source:
    key = f"multilingual.{table}.{name}"
    languages = _languages(key, corpus)
    documents: Path | None = None
    if isinstance(corpus.path, dict):
        files = tuple(folder / corpus.path[language] for language in languages)
        within = None
        for path in files:
            _check_text(path)
    else:
        path = folder / corpus.path
        files, within = tuple(files_of(path)), path if path.is_dir() else None
        for each in files:
            _check_languages(key, each, languages)
    if corpus.documents is not None and form_of(files[0]) in {".txt", None}:
        documents = folder / corpus.documents
        _check_documents(key, documents, files, within)
    return Source(key, name, corpus, languages, files, within, documents)


def _languages(key: str, corpus: Corpus) -> tuple[str, ...]:
    """Find the languages of a corpus.

    Args:
        key: Where the job names it, for the error.
        corpus: The corpus.

    Returns:
        At least one language, each once.

    Raises:
        SpecError: It names none, one twice, or not all of its paths or columns.
    """
    named = tuple(corpus.path) if isinstance(corpus.path, dict) else tuple(corpus.columns)
    languages = corpus.languages or named
    if not languages:
        raise SpecError(f"`{key}.languages`: say which languages its texts are in.")
    if len(set(languages)) < len(languages):
        raise SpecError(f"`{key}.languages` names a language twice. Name each once.")
    strange = set(named) - set(languages)
    missing = set(languages) - set(named) if isinstance(corpus.path, dict) else set[str]()
    if strange or missing:
        found = sorted(strange | missing)[0]
        raise SpecError(
            f"`{key}`: {found!r} is not in both its `languages` and its paths or columns. Leave "
            "`languages` out, or correct it."
        )
    return languages


def _check_text(path: Path) -> None:
    if path.is_dir() or form_of(path) not in {".txt", None}:
        raise SpecError(
            f"{path}: a path per language is for files of text, a sentence a line. Give a file "
            "with all languages as one `path`, and its `languages`."
        )
    with opened(path):
        pass


def _check_languages(key: str, path: Path, languages: Sequence[str]) -> None:
    form = form_of(path)
    if form == ".txt" and len(languages) > 1:
        raise SpecError(
            f"{path}: a file of text is in one language, but `{key}` has {len(languages)}. Give a "
            "`path` per language, such as { en = ..., fr = ... }."
        )
    if form == _CATALOGUE and len(languages) != _SIDES:
        raise SpecError(
            f"{path}: a catalogue has two languages, but `{key}` has {len(languages)}: name in "
            "`languages` that of the messages and that of their translations."
        )


_SIDES = 2
"""Languages of a catalogue."""


def _check_documents(key: str, documents: Path, files: Sequence[Path], folder: Path | None) -> None:
    if folder is not None and len(files) > 1:
        raise SpecError(
            f"`{key}.documents`: a file with a name a line is for one file of text, but there are "
            f"{len(files)} in {folder}. Leave it out, or give one file."
        )
    with opened(documents):
        pass
