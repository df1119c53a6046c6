"""The files of a data set: one, those of a folder, or those that a pattern finds."""

import glob
from collections.abc import Sequence
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.data.encoding import MARK_BYTES, is_utf_16

TABLES = (".csv", ".csv.gz", ".parquet", ".arrow", ".feather")
"""Endings of files that hold a table with a type for each column, or text."""


def files_of(path: Path, endings: Sequence[str] = TABLES, also: str = "") -> Sequence[Path]:
    """Find the files of a data set.

    Args:
        path: A file, a folder of files, or a pattern such as `part-*.parquet`.
        endings: What their names may end with.
        also: What else can be read, for the errors.

    Returns:
        At least one file, in the order of their names; a single one need not be there.

    Raises:
        SpecError: There is none that can be read.
    """
    try:
        if path.is_dir():
            return _folder(path, endings)
        if not path.exists() and glob.has_magic(str(path)):
            return _pattern(path, endings)
    except OSError:  # too long a name, for one: who opens it says so
        return (path,)
    if not path.name.endswith(tuple(endings)):
        raise SpecError(
            f"{path}: only files {', '.join(endings)}, folders of these, patterns such as "
            f"`*{endings[0]}`{also or ' and queries (`sql`)'} can be read. Convert the file, or "
            "rename it if it is one of these."
        )
    return (path,)


def check_readable(path: Path) -> None:
    """Refuse a file that cannot be opened, and text that is not UTF-8.

    Args:
        path: The file.

    Raises:
        SpecError: There is no such file, it cannot be read, or it is in UTF-16.
    """
    try:
        with path.open("rb") as file:
            head = file.read(MARK_BYTES)
    except FileNotFoundError:
        raise SpecError(f"{path}: there is no such file. Correct the path.") from None
    except OSError as error:
        raise SpecError(
            f"{path}: cannot be read: {error.strerror}. Correct the path, or the permissions."
        ) from None
    if is_utf_16(head):  # a spreadsheet's "Unicode text"
        raise SpecError(f"{path}: the file is in UTF-16. Export it as CSV in UTF-8.")


def _folder(path: Path, endings: Sequence[str]) -> Sequence[Path]:
    found = sorted(each for each in path.iterdir() if _is_meant(each))
    others = [each for each in found if each.is_dir() or not each.name.endswith(tuple(endings))]
    if others or not found:
        what = f"{len(others)} of its {len(found)} files are" if found else "it has no file that is"
        raise SpecError(
            f"{path}: {what} {'not ' if found else ''}{', '.join(endings)}. Give a folder of such "
            f"files alone, or a pattern such as `{path}/*{endings[0]}`."
        )
    return tuple(found)


def _pattern(path: Path, endings: Sequence[str]) -> Sequence[Path]:
    matches = (Path(each) for each in glob.glob(str(path), recursive=True))  # noqa: PTH207 - it may begin anywhere
    found = sorted(each for each in matches if _is_meant(each) and not each.is_dir())
    others = [each for each in found if not each.name.endswith(tuple(endings))]
    if not found or others:
        what = f"{len(others)} of the {len(found)} files" if others else "no file"
        raise SpecError(
            f"{path}: {what} that the pattern finds {'are not' if others else 'is'} "
            f"{', '.join(endings)}. Correct the pattern."
        )
    return tuple(found)


def _is_meant(path: Path) -> bool:
    return not path.name.startswith((".", "_"))
