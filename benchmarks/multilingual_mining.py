"""How many of the pairs that `isthmus mine` finds are translations, where some texts have none.

Of each test the first rows are on both sides; of the others, half are on one side alone, and half
on the other.
"""

import io
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from benchmarks.bibles import ENGLISH, NTREX, TATOEBA
from benchmarks.multilingual_training import BASE
from isthmus.multilingual import serving
from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.run_files import RunFiles
from isthmus.outcomes import Score
from isthmus.store.runs import Run

SCORES: Sequence[Score] = ("dense", "lexical", "fused")

PAIRED = 0.6
"""Share of the rows that are on both sides."""


class Mined(msgspec.Struct, frozen=True):
    """What was found in one test."""

    test: str
    score: Score
    pairs: int
    """That there are."""

    precision: float
    recall: float
    told: float | None
    """Precision that the product tells, from other held-out texts."""


def measure(work: Path, model: Path) -> list[Mined]:
    """Mine in the texts of Tatoeba and of NTREX, each language with English.

    Args:
        work: The folder of a job that was prepared.
        model: An encoder that was trained on it.

    Returns:
        What was found in each test by each score.
    """
    with TemporaryDirectory() as place:
        run = Path(place, "run")
        shutil.copytree(work / BASE, run)
        files = RunFiles(Run(run))
        shutil.copytree(model, files.model)
        found = list[Mined]()
        for name, texts in files.corpora.tests.items():
            if name.partition("-")[0] not in {TATOEBA, NTREX}:
                continue
            for language in texts.languages:
                if language != ENGLISH:
                    test = f"{name.partition('-')[0]}, {language}"
                    found += _of(Run(run), Path(place), test, texts, language)
        return found


def _of(run: Run, folder: Path, test: str, texts: Texts, language: str) -> list[Mined]:
    rows = np.flatnonzero(texts.present(language) & texts.present(ENGLISH))
    ours, theirs = ([text or "" for text in texts.read(each, rows)] for each in (language, ENGLISH))
    both = int(len(rows) * PAIRED)
    middle = (both + len(rows)) // 2
    left, right = ours[:middle], [*theirs[:both], *theirs[middle:]]
    true = set(zip(ours[:both], theirs[:both], strict=True))
    paths = (folder / f"left.{language}.txt", folder / f"right.{ENGLISH}.txt")
    for path, side in zip(paths, (left, right), strict=True):
        random.Random(0).shuffle(side)
        path.write_text("\n".join(side) + "\n", encoding="utf-8")
    return [_scored(run, paths, score, test, true) for score in SCORES]


def _scored(
    run: Run, paths: tuple[Path, Path], score: Score, test: str, true: set[tuple[str, str]]
) -> Mined:
    out = io.BytesIO()
    said = serving.mine(run, paths, out, score, None)
    lines = out.getvalue().decode().splitlines()[1:]
    found = [tuple(line.split("\t")[-2:]) for line in lines]
    right = sum(pair in true for pair in found)
    return Mined(
        test=test,
        score=score,
        pairs=len(true),
        precision=100 * right / max(1, len(found)),
        recall=100 * right / len(true),
        told=None if said.precision is None else 100 * said.precision,
    )
