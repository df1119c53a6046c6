"""Files of dictionaries: a Parquet file of a run, or a user's own table of words."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.store import atomic
from isthmus.text.dictionary.dictionary import Dictionary, Row, of_rows
from isthmus.text.languages import normalised
from isthmus.text.spec import Language

SCHEMA = pa.schema(
    [
        ("language", pa.string()),
        ("word", pa.string()),
        ("into", pa.string()),
        ("translation", pa.string()),
        ("score", pa.float64()),
    ]
)

_WIDTH = 4  # columns of a user's table
_SIZE = 2**26  # bytes of a user's table that are read at most


def save(dictionary: Dictionary, path: Path) -> None:
    """Write a dictionary as a Parquet file.

    Args:
        dictionary: What is written.
        path: The file; an existing one is replaced.

    Raises:
        DiskError: The disk is full.
        OSError: The file cannot be written for another reason.
    """
    columns = list(zip(*dictionary.rows(), strict=True)) or [()] * len(SCHEMA)
    arrays = [pa.array(list(c), field.type) for c, field in zip(columns, SCHEMA, strict=True)]
    with atomic.replacing(path) as file:
        parquet.write_table(pa.table(arrays, schema=SCHEMA), file)


def load(path: Path) -> Dictionary:
    """Read what `save` wrote.

    Args:
        path: The file.

    Returns:
        The dictionary.

    Raises:
        SpecError: It is not there, or is no dictionary.
    """
    if not path.exists():
        raise SpecError(f"{path}: there is no dictionary. Train the job again.")
    rows = _stored(path)
    if rows is None:
        raise SpecError(f"{path}: is no dictionary of isthmus, or is damaged. Train the job again.")
    return of_rows(iter(rows))


def _stored(path: Path) -> list[Row] | None:
    """Returns the rows of a file, None if they are not those of a dictionary."""
    try:
        columns = parquet.read_table(path, schema=SCHEMA).to_pydict()
    except (OSError, pa.ArrowException, ValueError):
        return None
    if any(None in values for values in columns.values()):
        return None
    if not all(0 < score <= 1 for score in columns["score"]):
        return None
    return list(zip(*columns.values(), strict=True))


def load_table(path: Path) -> Dictionary:
    """Read a user's own table of words: language, word, language of the translation, translation.

    Args:
        path: A file of tab-separated lines in UTF-8; empty lines, and lines that begin with `#`,
            are left out.

    Returns:
        The dictionary; translations of a word that come first are the better ones.

    Raises:
        SpecError: The file cannot be read, or a line does not fit.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_SIZE + 1)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. Check the path.") from None
    if len(content) > _SIZE:
        raise SpecError(f"{path}: is over {_SIZE // 2**20} MiB. Give a table of common words.")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SpecError(f"{path}, line {line}: is not UTF-8. Save the file as UTF-8.") from None
    dictionary = of_rows(_rows(path, lines))
    if not len(dictionary):
        raise SpecError(f"{path}: has no line. A line is {_FORM}.")
    return dictionary


_FORM = "language, word, language of the translation, translation, with tabs between"


def _rows(path: Path, lines: list[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [normalised(cell) for cell in line.split("\t")]
        if len(cells) != _WIDTH:
            raise SpecError(
                f"{path}, line {number}: has {len(cells)} columns instead of {_WIDTH}: {_FORM}."
            )
        yield _row(f"{path}, line {number}", cells)


def _row(where: str, cells: list[str]) -> Row:
    language, word, into, translation = cells
    for tag in (language, into):
        try:
            msgspec.convert(tag, Language)
        except msgspec.ValidationError:
            raise SpecError(
                f"{where}: a column of languages holds no tag such as en or zh-Hant. A line is "
                f"{_FORM}."
            ) from None
    if language == into:
        raise SpecError(f"{where}: names {language!r} twice. Translations are in other languages.")
    if not word or not translation:
        raise SpecError(f"{where}: has an empty word. A line is {_FORM}.")
    return language, word.lower(), into, translation, 1.0
