"""Speeds of training and of embedding, ours and a rival's in turns: CPU seconds of one thread.

`python -m benchmarks.multilingual_speed FOLDER NAME...` measures what FOLDER, which
`multilingual_trials` has made, lacks.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import programs
from benchmarks.multilingual_training import Asked, Trained
from benchmarks.multilingual_trials import Kept

TURNS = 2

STATIC, LAYERED = "static", "tiny"
PAIRS, TOKENS, TEXTS = "pairs trained on", "pieces trained on, masked", "texts embedded"

NAMES = ("pairs", "masked", STATIC, LAYERED)
"""What is measured, in this order."""

LAYERED_BATCH = 64


class Speed(msgspec.Struct, frozen=True):
    """Both speeds, each the median of the turns."""

    what: str
    encoder: str
    rival: str
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """How many times as fast we are."""
        return self.ours / self.theirs


def measure(name: str, work: Path, models: Path, python: Path | None) -> Speed | None:
    """Measure a speed.

    Args:
        name: One of `NAMES`.
        work: The folder of a job that was prepared.
        models: A folder for encoders; those of "pairs" and "masked" are embedded with.
        python: Interpreter of sentence-transformers' trainer; None: it cannot be measured.

    Returns:
        The speed; None without the rival.
    """
    if name == "pairs":
        return None if python is None else _static(work, models, python)
    if name == "masked":
        return _masked(work, models)
    return _embedding(work, models, name)


def _static(work: Path, models: Path, python: Path) -> Speed:
    def ours() -> float:
        return _train(work, models / STATIC, {"training": {"steps": 150}}).pairs_per_cpu_s

    def theirs() -> float:
        keep = str(models / "theirs")
        asked: Mapping[str, object] = {
            "seed": 0,
            "steps": 30,
            "batch": 1024,
            "size": 256,
            "rate": 0.2,
            "keep": keep,
        }
        text = msgspec.json.encode(asked)
        said = programs.answer("rival_sentence_transformers", [work], text, python, ours_too=True)
        return float(json.loads(said)["pairs_per_cpu_s"])

    turns = [(ours(), theirs()) for _ in range(TURNS)]
    return _speed(PAIRS, STATIC, "the trainer of sentence-transformers", turns)


def _masked(work: Path, models: Path) -> Speed:
    table: Mapping[str, object] = {
        "encoder": {"type": "tiny"},
        "training": {"batch": LAYERED_BATCH, "steps": 24},
        "objectives": {"pairs": 0.0, "mlm": 1.0},
    }

    def theirs() -> float:
        said = programs.answer("rival_transformers", [work, 6, LAYERED_BATCH])
        return float(json.loads(said)["tokens_per_cpu_s"])

    turns = [
        (_train(work, models / LAYERED, dict(table)).tokens_per_cpu_s, theirs())
        for _ in range(TURNS)
    ]
    return _speed(TOKENS, LAYERED, "the trainer of transformers, with its collator", turns)


def _embedding(work: Path, models: Path, name: str) -> Speed:
    def ours() -> float:
        said = programs.answer("multilingual_embedding", [work, models / name])
        return float(json.loads(said)["texts_per_cpu_s"])

    def theirs() -> float:
        said = programs.answer("rival_encode", [work, models / name])
        return float(json.loads(said)["texts_per_cpu_s"])

    turns = [(ours(), theirs()) for _ in range(TURNS)]
    return _speed(TEXTS, name, "SentenceTransformer.encode", turns)


def _train(work: Path, keep: Path, table: dict[str, object]) -> Trained:
    asked = msgspec.json.encode(Asked(0, table, str(keep)))
    said = programs.answer("multilingual_training", [work], asked)
    return msgspec.json.decode(said, type=Trained)


def _speed(what: str, encoder: str, rival: str, turns: list[tuple[float, float]]) -> Speed:
    ours, theirs = zip(*turns, strict=True)
    return Speed(what, encoder, rival, median(ours), median(theirs))


def go_on(kept: Kept, names: Sequence[str], until: float, python: Path | None) -> list[Speed]:
    """Measure what is not measured yet; returns all speeds."""
    models = kept.folder / "speed"
    each = [
        kept.part(f"speed {name}", Speed, partial(measure, name, kept.work, models, python), until)
        for name in names
    ]
    return [speed for speed in each if speed is not None]


def main() -> None:
    """Go on."""
    from benchmarks.bench_multilingual import INSTALLED  # noqa: PLC0415 - it imports us

    with INSTALLED() as python:
        go_on(Kept(Path(sys.argv[1])), sys.argv[2:], float("inf"), python)


if __name__ == "__main__":
    main()
