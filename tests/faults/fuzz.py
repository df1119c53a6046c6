"""Gives readers bytes that coverage has found: `python -m tests.faults.fuzz READER FOLDER SECONDS`.

A reader takes them, or refuses them in a sentence. Anything else, and what takes ten seconds or
3 GB, ends this program with the exit code of `atheris`, and leaves the bytes in the folder.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

atheris: Any = importlib.import_module("atheris")  # it has no types, and not everybody has it

with atheris.instrument_imports(include=["isthmus"], enable_loader_override=False):
    from tests.faults import readers


def main(name: str, folder: Path, seconds: int) -> None:
    """Fuzz one reader for some seconds, in a folder of its own."""
    corpus, work = folder / "corpus", folder / "work"
    for each in (corpus, work):
        each.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(readers.seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    read = readers.READERS[name](work)
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=3000", "-max_len=65536"]
    options = [*limits, f"-artifact_prefix={folder}/", "-print_final_stats=1", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: readers.check(read, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
