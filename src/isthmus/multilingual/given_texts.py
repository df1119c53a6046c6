"""Texts that people bring to a finished run: a file of one language, or of several."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import pyarrow as pa
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.files import form_of, lines_of, plain_name
from isthmus.multilingual.corpora.rows import Row
from isthmus.multilingual.corpora.tables import rows_of_json, rows_of_parquet, rows_of_tsv
from isthmus.multilingual.corpora.text_lines import rows_of_text
from isthmus.multilingual.spec import Corpus
from isthmus.text.languages import normalised

COLUMN = "text"
"""Column of a table that holds the texts."""

BLOCK = 4096
"""Texts at a time."""


def blocks_of(path: Path) -> Iterator[list[str]]:
    """Read the texts of a file, in one language or mixed.

    Args:
        path: A file of text, a text a line, or a table with a column `text`.

    Yields:
        The next texts, normalised; an empty one where there is none.

    Raises:
        SpecError: The file cannot be read, or is of another form.
    """
    rows = _rows_of(path)
    while block := list(islice(rows, BLOCK)):
        yield [normalised(row.texts[0] or "") for row in block]


def texts_of(path: Path) -> tuple[list[int], list[str]]:
    """Read all texts of a file.

    Args:
        path: As `blocks_of` takes it.

    Returns:
        The number of each text that is not empty, from 1, and the texts.

    Raises:
        SpecError: There is none.
    """
    every = (text for block in blocks_of(path) for text in block)
    found = [(number, text) for number, text in enumerate(every, 1) if text]
    if not found:
        raise SpecError(f"{path}: has no texts. Give a file with a text a line.")
    return [number for number, _ in found], [text for _, text in found]


def _rows_of(path: Path) -> Iterator[Row]:
    match form_of(path):
        case ".tsv":
            return rows_of_tsv(path, [COLUMN], None)
        case ".jsonl":
            return rows_of_json(path, [COLUMN], None)
        case ".parquet":
            return rows_of_parquet(path, [COLUMN], None)
        case ".txt" | None:
            return rows_of_text([path], None)
        case form:
            raise SpecError(
                f"{path}: {form} holds texts in several languages. Give a file of text, a text a "
                f"line, or a table with a column `{COLUMN}`."
            )


def corpora_of(files: Sequence[Path], known: Collection[str]) -> dict[str, Corpus]:
    """Describe files of texts in several languages as a job would.

    Args:
        files: Tables with a column per language, translation memories, or files of text named
            NAME.LANGUAGE.txt whose lines belong together.
        known: Languages of the encoder; columns with other names are left alone.

    Returns:
        The corpora, by name.

    Raises:
        SpecError: A file has one language alone, or its name or columns do not tell its languages.
    """
    of_text = [path for path in files if form_of(path) in {".txt", None}]
    found = _texts_in_step(of_text, known)
    for path in files:
        if path not in of_text:
            languages = _languages_of(path, known)
            found[_name(plain_name(path).partition(".")[0], found)] = Corpus(
                path=str(path.absolute()), languages=languages
            )
    return found


def _texts_in_step(files: Sequence[Path], known: Collection[str]) -> dict[str, Corpus]:
    """Put the files of text together whose names differ by their language alone.

    Args:
        files: The files.
        known: Languages of the encoder.

    Returns:
        The corpora, by name.

    Raises:
        SpecError: A name does not tell a language, or a file has none beside it.
    """
    groups = dict[str, dict[str, str]]()
    for path in files:
        stem = plain_name(path).removesuffix(".txt")
        name, _, language = stem.rpartition(".")
        if language not in known:
            raise SpecError(
                f"{path}: its name does not tell its language. Name it like news.en.txt, with one "
                f"of {', '.join(sorted(known))}."
            )
        groups.setdefault(f"{path.parent}/{name}", {})[language] = str(path.absolute())
    found = dict[str, Corpus]()
    for key, paths in groups.items():
        if len(paths) == 1:
            raise SpecError(
                f"{next(iter(paths.values()))}: is in one language alone. Give the file with its "
                "translations too, in step with it."
            )
        found[_name(Path(key).name or "texts", found)] = Corpus(path=paths)
    return found


def _languages_of(path: Path, known: Collection[str]) -> tuple[str, ...]:
    match form_of(path):
        case ".tsv":
            columns = next(lines_of(path), "").split("\t")
        case ".jsonl":
            columns = _keys(next(lines_of(path), "{}"))
        case ".parquet":
            columns = _fields(path)
        case ".tmx":
            return tuple(sorted(known))
        case form:
            raise SpecError(
                f"{path}: {form} does not tell the languages of its texts. Give a table with a "
                "column per language."
            )
    languages = tuple(column for column in columns if column in known)
    if len(languages) < _SEVERAL:
        raise SpecError(
            f"{path}: no two of its columns are named after languages of this encoder, "
            f"{', '.join(sorted(known))}."
        )
    return languages


def _keys(line: str) -> list[str]:
    try:
        return list(msgspec.json.decode(line, type=dict[str, msgspec.Raw]))
    except msgspec.DecodeError:
        return []


def _fields(path: Path) -> list[str]:
    try:
        return list(parquet.read_schema(path).names)
    except (pa.ArrowException, OSError):
        raise SpecError(f"{path}: is no Parquet file that can be read. Give another.") from None


def _name(stem: str, taken: Mapping[str, Corpus]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:48] or "texts"
    numbered = (f"{plain}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (plain, *numbered) if name not in taken)


_SEVERAL = 2
"""Languages: fewer have no translations."""
