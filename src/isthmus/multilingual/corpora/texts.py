"""The corpora of a run, as its folder keeps them: Arrow IPC files that are read piece by piece."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import mmap
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray
from pyarrow import ipc

from isthmus.core.arrays import Bools
from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.multilingual.spec import Name
from isthmus.text.spec import Language

_POOL = pa.system_memory_pool()
"""Arrow's own pools keep memory that was freed, more the longer a file is."""

Columns = Mapping[str, Sequence[str | None]]
"""Texts of some rows, by language; None where a row has none in that language."""

pc = cast(Any, pyarrow.compute)  # its functions are made at import

Batch = Any
"""A `pyarrow.RecordBatch`."""

BATCH = 8192
"""Rows that are read, checked and written at a time; but for the last, batches have as many."""

COUNTS = "counts.json"
PARTS = ("trained", "held_out", "tests")

_ENDING = ".arrow"
_BATCHES_AT_ONCE = 16
"""Batches to look into until their pages are let go: the system maps some 64 kB around each row."""


class CorpusCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one corpus: what was read is what is kept and what was left out."""

    read: int
    empty: int = 0
    """Left out: no text, or only one where the corpus has several languages."""

    duplicates: int = 0
    """Left out: the same row before, in this corpus or another; of held-out rows, a text before."""

    found_in_tests: int = 0
    """Left out of training: a text of theirs is held out, or in a corpus to test on."""

    trained: int = 0
    held_out: int = 0
    documents: int = 0
    held_out_documents: int = 0
    texts: dict[Language, int] = {}
    """Texts to train on or, of a corpus to test on, to test on, by language."""

    equal: dict[str, float] = {}
    """Share of the rows whose texts in two languages are equal, by pair such as en-fr."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of all corpora."""

    corpora: dict[Name, CorpusCounts]
    tests: dict[Name, CorpusCounts]

    @property
    def trained(self) -> int:
        """Rows to train on."""
        return sum(counts.trained for counts in self.corpora.values())


class Texts:
    """Rows of one corpus: a row has a text in some or all of its languages."""

    def __init__(self, name: str, path: Path) -> None:
        """Open a file that `written` wrote.

        Args:
            name: Name of the corpus.
            path: The file.

        Raises:
            SpecError: It is not there or not whole.
        """
        self.name = name
        self._path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._file: Any = ipc.open_file(pa.BufferReader(pa.py_buffer(self._map)))
        except (OSError, ValueError, pa.ArrowException):
            raise SpecError(
                f"{path}: is not a corpus of a run, or is cut short. Begin a new run with "
                "`--into FOLDER`."
            ) from None
        self.languages: tuple[str, ...] = tuple(self._file.schema.names)
        self.rows = _rows_in(self._file)

    def blocks(self, size: int = 4096) -> Iterator[Columns]:
        """Read all rows in order; a block is all that is in memory.

        Args:
            size: Rows of a block; only the last one has fewer.

        Yields:
            The texts of each block, by language.
        """
        parts, held = list[Any](), 0
        for batch in self.batches():
            begin = 0
            while begin < batch.num_rows:
                part = batch.slice(begin, size - held)
                begin += part.num_rows
                held += part.num_rows
                parts.append(part)
                if held == size:
                    yield _columns(parts)
                    parts, held = [], 0
        if parts:
            yield _columns(parts)

    def batches(self) -> Iterator[Batch]:
        """Read all rows in order, in batches as they were written."""
        # Not from the map: pages of a map that were read count as memory of this process.
        with pa.OSFile(str(self._path)) as opened:
            file = ipc.open_file(opened, memory_pool=_POOL)
            for number in range(file.num_record_batches):
                yield file.get_batch(number)

    def read(self, language: str, rows: NDArray[np.int64]) -> list[str | None]:
        """Read rows in any order.

        Args:
            language: One of `languages`.
            rows: Their numbers, each below `self.rows`.

        Returns:
            The text of each row, or None where it has none in this language.
        """
        column, found = self.languages.index(language), np.empty(len(rows), object)
        batches = rows // BATCH
        for done, number in enumerate(np.unique(batches), 1):
            chosen = np.flatnonzero(batches == number)
            texts = self._file.get_batch(number).column(column)
            found[chosen] = texts.take(pa.array(rows[chosen] % BATCH)).to_pylist()
            if done % _BATCHES_AT_ONCE == 0:
                self._release()
        self._release()
        return found.tolist()

    def present(self, language: str) -> Bools:
        """Returns which rows have a text in a language, shape (rows,)."""
        column, found = self.languages.index(language), np.empty(self.rows, np.bool_)
        for number in range(self._file.num_record_batches):
            valid = self._file.get_batch(number).column(column).is_valid()
            found[number * BATCH :][: len(valid)] = valid.to_numpy(zero_copy_only=False)
            if number % _BATCHES_AT_ONCE == 0:
                self._release()
        self._release()
        return found

    def _release(self) -> None:
        """Let go of pages that were read: the system keeps them, but not in our name."""
        self._map.madvise(mmap.MADV_DONTNEED)


def _rows_in(file: Any) -> int:
    full = file.num_record_batches - 1
    return full * BATCH + int(file.get_batch(full).num_rows) if full >= 0 else 0


class Corpora:
    """All corpora of a run, by name; every one of them has rows."""

    def __init__(self, folder: Path) -> None:
        """Open what `preparation.prepare` left.

        Args:
            folder: The folder that it wrote.

        Raises:
            SpecError: A file is missing or not whole.
        """
        try:
            self.counts = msgspec.json.decode((folder / COUNTS).read_bytes(), type=Counts)
        except (OSError, msgspec.DecodeError):
            raise SpecError(
                f"{folder}: holds no corpora of a run. Begin a new run with `--into FOLDER`."
            ) from None
        self.trained: Mapping[str, Texts]
        self.held_out: Mapping[str, Texts]
        self.tests: Mapping[str, Texts]
        self.trained, self.held_out, self.tests = (_open(folder / part) for part in PARTS)

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language that there is a text to train on in."""
        found = {language for texts in self.trained.values() for language in texts.languages}
        return tuple(sorted(found))


class Writer:
    """Writes the file of one corpus, in batches of `BATCH` rows."""

    def __init__(self, schema: Any, out: Any) -> None:
        self._schema = schema
        self._out = out
        self._waiting = pa.table([[]] * len(schema), schema=schema)

    def write(self, columns: Columns) -> None:
        """Append rows; all languages have as many."""
        arrays = [
            pa.array(columns[name], pa.string(), memory_pool=_POOL) for name in self._schema.names
        ]
        self.append(pa.record_batch(arrays, schema=self._schema))

    def append(self, batch: Batch) -> None:
        """Append rows that are in Arrow already."""
        rows = pa.concat_tables([self._waiting, pa.Table.from_batches([batch])], memory_pool=_POOL)
        full = rows.num_rows - rows.num_rows % BATCH
        for part in rows.slice(0, full).combine_chunks(memory_pool=_POOL).to_batches(BATCH):
            self._out.write(part)
        self._waiting = rows.slice(full).combine_chunks(memory_pool=_POOL)

    def end(self) -> None:
        """Write the rows that are left."""
        for part in self._waiting.to_batches(BATCH):
            self._out.write(part)


@contextmanager
def written(path: Path, languages: Sequence[str]) -> Generator[Writer]:
    """Open a file for the rows of a corpus.

    Args:
        path: The file, whose folder is there; only its owner will be able to read it.
        languages: Languages of its texts.

    Yields:
        What writes it.

    Raises:
        DiskError: There is no room for it.
    """
    schema = pa.schema([(language, pa.string()) for language in languages])
    with disk_full_is_error(path):
        path.touch(mode=0o600)
        with pa.OSFile(str(path), "wb") as file, ipc.new_file(file, schema) as out:
            writer = Writer(schema, out)
            yield writer
            writer.end()


def copy(texts: Texts, kept: Bools, path: Path) -> None:
    """Write some rows of a corpus into a file of their own.

    Args:
        texts: The corpus.
        kept: Which rows to write, shape (rows,).
        path: The file, for `Texts`.

    Raises:
        DiskError: There is no room for it.
    """
    with written(path, texts.languages) as out:
        begin = 0
        for batch in texts.batches():
            chosen = pa.array(kept[begin : begin + batch.num_rows])
            out.append(pc.filter(batch, chosen, memory_pool=_POOL))
            begin += batch.num_rows


def file_of(folder: Path, name: str) -> Path:
    """Returns the path of the file of a corpus."""
    return folder / f"{name}{_ENDING}"


def _open(folder: Path) -> Mapping[str, Texts]:
    paths = sorted(folder.glob(f"*{_ENDING}"))
    return {path.name.removesuffix(_ENDING): Texts(path.stem, path) for path in paths}


def _columns(parts: Sequence[Any]) -> Columns:
    rows = pa.concat_batches(parts) if len(parts) > 1 else parts[0]
    return {name: rows.column(name).to_pylist() for name in rows.schema.names}
