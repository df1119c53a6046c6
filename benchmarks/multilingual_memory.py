"""How much memory it takes to read a corpus, as a program.

`python -m benchmarks.multilingual_memory FORM ROWS` writes a corpus of different texts in a form,
reads it in a process of its own, and answers with that process's peak.
"""

import random
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from xml.sax import saxutils

import msgspec
import pyarrow as pa
from pyarrow import parquet

from benchmarks import programs
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.corpora.preparation import prepare
from isthmus.multilingual.spec import Corpus, Multilingual

LANGUAGES = ("en", "de")
ROWS = (50_000, 500_000)

READ = "read"
"""In place of ROWS: read what lies in FORM, which is then a folder."""

_CATALOGUE = 1000  # messages of a .po file
_BLOCK = 8192

Row = tuple[str, str]


class Peak(msgspec.Struct, frozen=True):
    """What it took to read a corpus."""

    form: str
    bytes: int
    cpu: float


def _rows(count: int) -> Iterator[Row]:
    numbers = random.Random(count)
    words = [f"word{number}" for number in range(20_000)]
    for _ in range(count):
        left, right = (" ".join(numbers.choices(words, k=12)) for _ in LANGUAGES)
        yield left, right


def _blocks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while block := list(islice(rows, size)):
        yield block


def _lines(folder: Path, rows: Iterator[Row]) -> None:
    with (folder / "a.en").open("w") as left, (folder / "a.de").open("w") as right:
        for ours, theirs in rows:
            left.write(f"{ours}\n")
            right.write(f"{theirs}\n")
    for language in LANGUAGES:
        (folder / f"a.{language}").rename(folder / f"{language}.txt")


def _table(folder: Path, rows: Iterator[Row]) -> None:
    with (folder / "a.tsv").open("w") as file:
        file.write("\t".join(LANGUAGES) + "\n")
        file.writelines("\t".join(row) + "\n" for row in rows)


def _objects(folder: Path, rows: Iterator[Row]) -> None:
    with (folder / "a.jsonl").open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(dict(zip(LANGUAGES, row, strict=True))) + b"\n")


def _columns(folder: Path, rows: Iterator[Row]) -> None:
    schema = pa.schema([(language, pa.string()) for language in LANGUAGES])
    with parquet.ParquetWriter(folder / "a.parquet", schema) as file:
        for block in _blocks(rows, _BLOCK):
            columns = [pa.array(column) for column in zip(*block, strict=True)]
            file.write_table(pa.table(columns, schema=schema))


def _memory(folder: Path, rows: Iterator[Row]) -> None:
    with (folder / "a.tmx").open("w") as file:
        file.write('<?xml version="1.0"?>\n<tmx version="1.4"><header/><body>\n')
        for row in rows:
            sides = "".join(
                f'<tuv xml:lang="{language}"><seg>{saxutils.escape(text)}</seg></tuv>'
                for language, text in zip(LANGUAGES, row, strict=True)
            )
            file.write(f"<tu>{sides}</tu>\n")
        file.write("</body></tmx>\n")


def _catalogues(folder: Path, rows: Iterator[Row]) -> None:
    (folder / "po").mkdir()
    for number, block in enumerate(_blocks(rows, _CATALOGUE)):
        with (folder / "po" / f"{number}.po").open("w") as file:
            _catalogue(file, block)


def _catalogue(file: IO[str], rows: list[Row]) -> None:
    file.write('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n')
    file.writelines(f'msgid "{ours}"\nmsgstr "{theirs}"\n\n' for ours, theirs in rows)


FORMS: Mapping[str, Callable[[Path, Iterator[Row]], None]] = {
    "txt": _lines,
    "tsv": _table,
    "jsonl": _objects,
    "parquet": _columns,
    "tmx": _memory,
    "po": _catalogues,
}


def peaks(form: str) -> list[Peak]:
    """What it takes to read a corpus of few rows, and one of many."""
    return [
        msgspec.json.decode(programs.answer("multilingual_memory", [form, rows]), type=Peak)
        for rows in ROWS
    ]


def growth(found: list[Peak]) -> float:
    """By what share the peak grows from the fewest to the most rows."""
    return max(after.bytes / before.bytes for before, after in pairwise(found)) - 1


def write_and_read(form: str, rows: int) -> bytes:
    """Write a corpus; returns what reading it in another process says."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        FORMS[form](folder, _rows(rows))
        return programs.answer("multilingual_memory", [folder, READ])


def read(folder: Path) -> Peak:
    """Read what lies in a folder, and look at the memory of this process."""
    paths = sorted(each for each in folder.iterdir())
    form = paths[0].suffix.removeprefix(".") or paths[0].name
    path = {each.stem: each.name for each in paths} if form == "txt" else paths[0].name
    corpora = {"a": Corpus(path=path, languages=() if form == "txt" else LANGUAGES)}
    with TemporaryDirectory() as place:
        prepare(Multilingual(corpora=corpora), folder, 0, Path(place, "corpora"), Telemetry())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    return Peak(form, usage.ru_maxrss * 1024, cpu)


def main() -> None:
    """Answer on standard output."""
    what, rows = sys.argv[1:]
    if rows == READ:
        print(msgspec.json.encode(read(Path(what))).decode())
    else:
        print(write_and_read(what, int(rows)).decode())


if __name__ == "__main__":
    main()
