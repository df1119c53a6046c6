"""Memory that rows take: forecast from their number, or from the size of their files."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from pathlib import Path

from pyarrow import parquet

from isthmus.core import memory

_CELL = 20
"""Bytes of a number: as it is read, in the table, and as training takes it, not all at once."""

_ROW = 250
"""Bytes of a row besides: its identifier in several forms, its label, and what is in between."""

_TEXT = 2.0
"""Bytes per byte of a text file: its blocks, and what is made of them."""

_PACKED = 4
"""Times that text shrinks in a .gz file, as far as that is not known."""


_LIBRARIES = 250 * 10**6
"""Bytes of what is loaded and checked between the start of reading and that of a run."""


def of_rows(rows: int, columns: int) -> int:
    """Returns about how many bytes the rows of a table take, from reading to training."""
    return rows * (_CELL * columns + _ROW)


def check_files(paths: Sequence[Path], columns: Sequence[str], where: str) -> None:
    """Refuse files that a limit of this process has no room for, before one is read.

    Libraries that read them may stop for good, or end the process, where memory runs out.

    Args:
        paths: The files, which can be opened.
        columns: The columns to read.
        where: Their place, for the error.

    Raises:
        OutOfMemoryError: There is too little memory.
    """
    need = _LIBRARIES + sum(_of_file(path, columns) for path in paths)
    memory.require(need, f"{where}: reading and checking it")


def _of_file(path: Path, columns: Sequence[str]) -> int:
    size = path.stat().st_size
    if path.name.endswith(".csv"):
        return round(_TEXT * size)
    if path.name.endswith(".gz"):
        return round(_TEXT * _PACKED * size)
    if path.name.endswith(".parquet"):
        return _of_parquet(path, columns)
    return size


def _of_parquet(path: Path, columns: Sequence[str]) -> int:
    found, wanted = parquet.read_metadata(path), set(columns)
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    chunks = (group.column(place) for group in groups for place in range(group.num_columns))
    return sum(
        chunk.total_uncompressed_size
        for chunk in chunks
        if chunk.path_in_schema.partition(".")[0] in wanted
    )
