"""Encoders of texts in use, from Python: what the commands of the same name do."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pyarrow as pa
from pyarrow import csv

from isthmus.answers import parts
from isthmus.answers.parts import Part
from isthmus.api.drawn import Drawn
from isthmus.api.frames import write_texts
from isthmus.api.inputs import GivenJob, in_temporary_folder, unnamed
from isthmus.api.runs import Run
from isthmus.core.errors import SpecError
from isthmus.jobs import texts as used
from isthmus.outcomes import MinedPairs, MixedText, Score, ScoredTexts

GivenRun = Run | str | Path
GivenTexts = Sequence[str] | str | Path
"""Texts in memory, or the path of a file."""

_TYPES = {"score": pa.float64(), "left_line": pa.int64(), "right_line": pa.int64()}


@dataclass(frozen=True, repr=False)
class Mined(Drawn):
    """Texts that are translations of each other, one to one, and how sure they are."""

    table: Any
    """A `pyarrow.Table`: score, left_line, right_line (from 1), left and right."""

    found: MinedPairs

    def _page(self) -> Iterator[Part]:
        yield from parts.mined(self.found)


class Scored(Drawn, ScoredTexts, frozen=True):
    """How well texts find their translations."""

    def _page(self) -> Iterator[Part]:
        yield from parts.scored(self)


def mine(
    run: GivenRun,
    left: GivenTexts,
    right: GivenTexts,
    score: Score = "fused",
    threshold: float | None = None,
) -> Mined:
    """Find texts that are translations of each other, one to one.

    Args:
        run: A run of an encoder of texts.
        left: Texts in one language, or the path of a file of them.
        right: Texts in another language.
        score: What the likeness of two texts is told by: "dense" by vectors, "lexical" by the mined
            dictionary and characters, "fused" by all of them.
        threshold: The least margin of a pair. None: it is chosen on texts that are held out.

    Returns:
        The pairs, the most alike first.

    Raises:
        SpecError: The run has no encoder, or a file cannot be read, or both are in one language, or
            there is no such score.
    """
    if score not in get_args(Score):
        raise SpecError(f"`score` is one of {', '.join(get_args(Score))}, and not {score!r}.")
    with TemporaryDirectory(prefix="isthmus-") as name, unnamed(Path(name)):
        sides = _file(left, Path(name, "left.parquet")), _file(right, Path(name, "right.parquet"))
        out = Path(name, "pairs.tsv")
        found = used.mine(_folder(run), *sides, out, score, threshold)
        plain = csv.ParseOptions(delimiter="\t", quote_char=False)
        types = {"left": pa.string(), "right": pa.string()} | _TYPES
        convert = csv.ConvertOptions(column_types=types, strings_can_be_null=False)
        return Mined(csv.read_csv(out, parse_options=plain, convert_options=convert), found)


def evaluate(run: GivenRun, *files: str | Path) -> Scored:
    """Measure an encoder on translations that it was not trained on.

    Args:
        run: A run of an encoder of texts.
        *files: Tables with a column per language, or NAME.LANGUAGE.txt files in step.

    Returns:
        The figures of each pair of languages, and how many rows were left out, since the encoder
        was trained on texts of theirs.

    Raises:
        SpecError: The run has no encoder, or a file is not what it should be.
    """
    if not files:
        raise SpecError("name the files to evaluate on.")
    found = used.evaluate(_folder(run), [Path(file) for file in files])
    return Scored(found.metrics, found.retrieval, found.left_out)


def mix(job: GivenJob, show: int = 20) -> Sequence[MixedText]:
    """Make mixed-language texts as training does, to look at.

    Args:
        job: The job, or its file.
        show: How many texts.

    Returns:
        Originals with their mixed texts.

    Raises:
        SpecError: The job mixes no languages, or its data are not as it says.
    """
    with in_temporary_folder(job, None) as (file, _):
        return used.mix(file, show)


def _folder(run: GivenRun) -> Path:
    return run.folder if isinstance(run, Run) else Path(run)


def _file(given: GivenTexts, path: Path) -> Path:
    """Returns a file of texts; those in memory are written into one."""
    if isinstance(given, str | Path):
        return Path(given)
    write_texts(given, path)
    return path
