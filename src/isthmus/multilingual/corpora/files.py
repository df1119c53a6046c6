"""The files of corpora: where they are, how they are opened, and their lines."""

import gzip
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

from isthmus.core.errors import SpecError
from isthmus.data.encoding import UTF_8_MARK, is_utf_16

FORMS = (".txt", ".tsv", ".jsonl", ".parquet", ".tmx", ".po")
"""Endings of the files of a corpus; each may be followed by .gz."""

LONGEST = 2**20
"""Most bytes of a line, and most characters of a text."""

_COMPRESSED = ".gz"
_COMPILED = ".mo"  # lies beside each .po file of an application, and says the same


def plain_name(path: Path) -> str:
    """Returns the name of a file without .gz."""
    return path.name.removesuffix(_COMPRESSED)


def form_of(path: Path) -> str | None:
    """Returns the form that the ending of a file tells, one of `FORMS`, or None."""
    return next((form for form in FORMS if plain_name(path).endswith(form)), None)


def files_of(path: Path) -> Sequence[Path]:
    """Find the files of a corpus.

    Args:
        path: A file, or a folder of files and folders.

    Returns:
        At least one file, in the order of their paths.

    Raises:
        SpecError: There is none, or one of an unknown form.
    """
    if not path.is_dir():
        _check_form(path)
        return (path,)
    found = sorted(each for each in path.rglob("*") if each.is_file() and _is_meant(each, path))
    others = [each for each in found if form_of(each) is None]
    if others:
        raise SpecError(
            f"{others[0]}: {len(others)} of the {len(found)} files in {path} are not "
            f"{', '.join(FORMS)}, with or without .gz. Give a folder of such files alone."
        )
    if not found:
        raise SpecError(f"{path}: the folder has no file. Correct the `path` of this corpus.")
    return tuple(found)


@contextmanager
def opened(path: Path) -> Generator[BinaryIO]:
    """Open a file to read its bytes, decompressed.

    Args:
        path: The file.

    Yields:
        It.

    Raises:
        SpecError: It cannot be read, here or in the block.
    """
    try:
        with path.open("rb") as file:
            if path.name.endswith(_COMPRESSED):
                with gzip.open(file) as inner, BufferedReader(cast(Any, inner)) as buffered:
                    yield buffered
            else:
                yield file
    except (FileNotFoundError, NotADirectoryError):
        raise SpecError(f"{path}: there is no such file. Correct the path.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise SpecError(
            f"{path}: is not gzip, or is cut short or damaged. Copy it again."
        ) from None
    except OSError as error:
        raise SpecError(
            f"{path}: cannot be read: {error.strerror}. Correct the path, or the permissions."
        ) from None


def lines_of(path: Path) -> Iterator[str]:
    """Read a file of text line by line.

    Args:
        path: The file.

    Yields:
        Its lines, without line breaks.

    Raises:
        SpecError: It cannot be read, is not UTF-8, or has a line that is no line of text.
    """
    with opened(path) as file:
        number = 0
        while line := file.readline(LONGEST + 1):
            number += 1
            if len(line) > LONGEST:
                raise SpecError(
                    f"{path}: line {number:,} is longer than {LONGEST:,} bytes. Put each sentence "
                    "on a line of its own."
                )
            if number == 1:
                line = _without_mark(path, line)
            yield decoded(path, line, number)


def decoded(path: Path, line: bytes, number: int) -> str:
    """Decode a line.

    Args:
        path: Its file, for the error.
        line: Its bytes.
        number: Its number in the file, from 1.

    Returns:
        The text, without its line break.

    Raises:
        SpecError: It is not UTF-8.
    """
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{path}: line {number:,} is not UTF-8: byte {error.start + 1:,} of it. Convert the "
            "file, for instance with `iconv -f latin1 -t utf-8`."
        ) from None


def _without_mark(path: Path, line: bytes) -> bytes:
    if is_utf_16(line):
        raise SpecError(
            f"{path}: line 1 is not UTF-8: the file is in UTF-16. Convert it, for instance with "
            "`iconv -f utf-16 -t utf-8`."
        )
    return line.removeprefix(UTF_8_MARK)


def _is_meant(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    return not hidden and path.suffix != _COMPILED


def _check_form(path: Path) -> None:
    if not path.exists():
        raise SpecError(f"{path}: there is no such file. Correct the path.")
    if form_of(path) is None:
        raise SpecError(
            f"{path}: only {', '.join(FORMS)}, with or without .gz, and folders of these can be "
            "read. Convert the file, or rename it if it is one of these."
        )
