"""Reading texts of a line each: one file, or a file per language with the same texts in order."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.files import lines_of
from isthmus.multilingual.corpora.rows import Row


def rows_of_text(paths: Sequence[Path], documents: Path | None) -> Iterator[Row]:
    """Read files line by line.

    Args:
        paths: A file per language; line n of each is the same text.
        documents: A file with the name of the document of each line, if there is one.

    Yields:
        A row per line.

    Raises:
        SpecError: A file cannot be read, is not UTF-8, or has fewer lines than the others.
    """
    files = [*paths] if documents is None else [*paths, documents]
    streams = [lines_of(path) for path in files]
    before = 0
    while True:
        line = [next(stream, None) for stream in streams]
        if any(text is None for text in line):
            break
        before += 1
        texts = line[: len(paths)]
        yield Row(None if documents is None else line[-1], texts)
    if any(text is not None for text in line):
        counts = [
            before + (text is not None) + sum(1 for _ in stream)
            for text, stream in zip(line, streams, strict=True)
        ]
        _refuse_unequal(files, counts)


def _refuse_unequal(files: Sequence[Path], counts: Sequence[int]) -> None:
    fewest, most = counts.index(min(counts)), counts.index(max(counts))
    raise SpecError(
        f"{files[fewest]} has {counts[fewest]:,} lines and {files[most]} has {counts[most]:,}: "
        f"line {counts[fewest] + 1:,} of the second has nothing beside it. Line n of each file "
        "must say the same: export both again, with an empty line for what is missing."
    )
