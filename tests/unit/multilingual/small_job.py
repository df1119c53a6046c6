"""A small job on made-up languages, which trains in a second."""

from pathlib import Path
from typing import Any

import tomli_w

from tests.unit.multilingual.made_texts import parallel

LANGUAGES = ("xa", "xb", "xc")


def write(folder: Path, rows: int = 200, **keys: Any) -> Path:
    """Write a job with its corpora.

    Args:
        folder: Where to.
        rows: Rows of the corpus.
        **keys: Keys of `[multilingual]` beside the corpora and what makes it small.

    Returns:
        The job file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines(folder, "train", parallel(LANGUAGES, rows))
    lines(folder, "other", parallel(LANGUAGES, 40, seed=9))
    small: dict[str, Any] = {
        "held_out": 0.25,
        "corpora": {
            "train": {
                "path": {language: f"train.{language}.txt" for language in LANGUAGES},
                "document_rows": 10,
                "source": "made up",
                "licence": "CC0-1.0",
            }
        },
        "tests": {"other": {"path": {it: f"other.{it}.txt" for it in LANGUAGES}}},
        "encoder": {"size": 16, "vocabulary": 512, "length": 32},
        "training": {"batch": 48, "steps": 24, "flat_steps": 5, "save_every": 10},
    }
    job = {"name": "small", "seed": 7, "multilingual": small | keys}
    (folder / "job.toml").write_text(tomli_w.dumps(job))
    return folder / "job.toml"


def lines(folder: Path, name: str, texts: dict[str, list[str]]) -> None:
    """Write a file of text per language."""
    for language, each in texts.items():
        (folder / f"{name}.{language}.txt").write_text("\n".join(each) + "\n")
