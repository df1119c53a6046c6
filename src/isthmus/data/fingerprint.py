"""Digests of data, to tell whether a machine brings the same again."""

import glob
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Value = str | bytes | float | NDArray[Any] | Sequence[Any] | Mapping[str, Any] | None


def of_values(*values: Value) -> str:
    """Digest arrays, texts and numbers.

    Args:
        *values: Also in sequences and mappings; sets have no order.

    Returns:
        SHA-256, in hex: equal for the same values in the same order.
    """
    digest = hashlib.sha256()
    for piece in _pieces(values):
        digest.update(b"%d:" % len(piece))
        digest.update(piece)
    return digest.hexdigest()


def of_files(said: Any, folder: Path) -> str:
    """Digest names, sizes and times of files, which are not read.

    Args:
        said: Strings, lists and dicts of strings: each may be the path of a file or of a folder, or
            a pattern of paths.
        folder: The folder that paths are relative to.

    Returns:
        SHA-256, in hex: another one as soon as somebody has written to one of the files.
    """
    stated = list[str]()
    for path in sorted({found for text in _texts(said) for found in _files(folder, text)}):
        about = path.stat()
        stated.append(f"{path} {about.st_size} {about.st_mtime_ns}")
    return of_values(stated)


def _pieces(value: Value) -> Iterator[bytes | memoryview]:
    match value:
        case np.ndarray():
            yield f"{value.dtype.str}{value.shape}".encode()
            yield np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
        case bytes():
            yield value
        case Mapping():
            yield from _pieces([*value.items()])
        case str():
            yield value.encode()
        case Sequence():
            yield b"%d" % len(value)
            for each in value:
                yield from _pieces(each)
        case _:
            yield f"{type(value).__name__} {value!r}".encode()


def _texts(said: Any) -> Iterator[str]:
    match said:
        case str() if said:  # an empty one would be the folder itself
            yield said
        case Mapping():
            for each in cast(Mapping[str, Any], said).values():
                yield from _texts(each)
        case list() | tuple():
            for each in cast(Sequence[Any], said):
                yield from _texts(each)
        case _:
            pass


def _files(folder: Path, text: str) -> Iterable[Path]:
    try:
        path = folder / text
        if path.is_dir():
            return [each for each in path.rglob("*") if each.is_file()]
        if path.is_file():
            return [path]
        if not glob.has_magic(text) or not {"/", "."} & set(text):  # such as a pattern of columns
            return []
        found = glob.glob(str(path), recursive=True)  # noqa: PTH207 - it may begin anywhere
        return [Path(each) for each in found if Path(each).is_file()]
    except (OSError, ValueError):  # no text that could be a path
        return []
