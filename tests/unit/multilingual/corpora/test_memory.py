"""However long a corpus is, reading it takes the same memory."""

import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

READS = """
import resource, sys
from pathlib import Path
import numpy as np
from tests.unit.multilingual.corpora.prepared import job, prepared

folder = Path(sys.argv[1])
[path] = (each.name for each in folder.iterdir())
corpora = prepared(folder, job(corpora={"a": {"path": path, "languages": ["en", "de"]}}))
texts = corpora.trained["a"]
for block in texts.blocks():
    pass
texts.read("de", np.random.default_rng(0).integers(texts.rows, size=10_000))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, corpora.counts.corpora["a"].read)
"""
WORDS = [f"word{number}" for number in range(20_000)]


def write(folder: Path, form: str, rows: int) -> None:
    """Write a corpus of different texts."""
    folder.mkdir()
    numbers = random.Random(rows)
    with (folder / f"a.{form}").open("wb") as file:
        file.write(b"en\tde\n" if form == "tsv" else b"")
        for _ in range(rows):
            texts = [" ".join(numbers.choices(WORDS, k=12)) for _ in range(2)]
            row = dict(zip(("en", "de"), texts, strict=True))
            line = "\t".join(texts).encode() if form == "tsv" else msgspec.json.encode(row)
            file.write(line + b"\n")


def peak_of(folder: Path, form: str, rows: int) -> int:
    """Most memory of a process that reads as many rows, in kB."""
    write(folder, form, rows)
    command = [sys.executable, "-c", READS, str(folder)]
    root = Path(__file__).parents[4]
    found = subprocess.run(command, capture_output=True, check=True, text=True, cwd=root)  # noqa: S603
    peak, read = map(int, found.stdout.split())
    assert read == rows
    return peak


@pytest.mark.long
class TestMemory:
    @pytest.mark.parametrize("form", ["tsv", "jsonl"])
    def test_grows_by_at_most_a_tenth_for_ten_times_the_rows(
        self, tmp_path: Path, form: str
    ) -> None:
        few, many = (peak_of(tmp_path / str(rows), form, rows) for rows in (50_000, 500_000))
        assert many < 1.1 * few
