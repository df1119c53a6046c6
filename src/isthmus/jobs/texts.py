"""Uses the encoder of a run: vectors of texts, pairs of translations, figures on other texts."""

from collections.abc import Sequence
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.jobs import finished, registry
from isthmus.jobs.load import load_job
from isthmus.jobs.trained import job_of, written
from isthmus.outcomes import Embedded, MinedPairs, MixedText, Score, ScoredTexts
from isthmus.store import atomic
from isthmus.store.runs import Run, find
from isthmus.system import EncodesTexts, LocalInputs, MixesTexts

VECTORS = ".parquet"
"""The end of the name of a file with vectors."""

PAIRS = ".tsv"
"""The end of the name of a file with pairs of texts."""


def embed(folder: Path, file: Path, out: Path) -> Embedded:
    """Turn the texts of a file into vectors.

    Args:
        folder: The run folder, or a folder of runs for its latest one.
        file: The texts: a line each, or the column `text` of a table.
        out: The Parquet file for the vectors; one that is there is replaced.

    Returns:
        How many there are.

    Raises:
        SpecError: The run has no encoder, the file cannot be read, or the vectors not be written.
    """
    run = _finished(folder)
    system, spec = _encoder(run, "embed")
    _check_name(out, VECTORS, file)
    with written(out), atomic.replacing(out) as vectors:
        return system.embed(spec, run, file, vectors)


def mine(
    folder: Path,
    left: Path,
    right: Path,
    out: Path,
    score: Score = "fused",
    least: float | None = None,
) -> MinedPairs:
    """Find texts of two files that are translations of each other.

    Args:
        folder: The run folder, or a folder of runs for its latest one.
        left: Texts in one language, a line each.
        right: Texts in another language.
        out: The file for the pairs; one that is there is replaced.
        score: What the likeness of two texts is told by.
        least: The least margin of a pair. None: it is chosen on texts that are held out.

    Returns:
        How many pairs there are, and how sure they are.

    Raises:
        SpecError: The run has no encoder, a file cannot be read, or the pairs not be written.
    """
    run = _finished(folder)
    system, spec = _encoder(run, "mine")
    _check_name(out, PAIRS, left, right)
    with written(out), atomic.replacing(out) as pairs:
        return system.mine(spec, run, (left, right), pairs, score, least)


def evaluate(folder: Path, files: Sequence[Path]) -> ScoredTexts:
    """Measure the encoder of a run on texts that it was not trained on.

    Args:
        folder: The run folder, or a folder of runs for its latest one.
        files: Tables with a column per language, or a file of text per language, in step.

    Returns:
        How well texts find their translations.

    Raises:
        SpecError: The run has no encoder, or a file is not what it should be.
    """
    run = _finished(folder)
    system, spec = _encoder(run, "evaluate")
    return system.evaluate(spec, run, files)


def mix(job_file: Path, count: int) -> Sequence[MixedText]:
    """Make mixed-language texts as training does, to look at.

    Args:
        job_file: The job.
        count: How many.

    Returns:
        Originals with their mixed texts.

    Raises:
        SpecError: The job mixes no languages, or its data are not as it says.
    """
    loaded = load_job(job_file)
    code: object = loaded.code
    if not isinstance(code, MixesTexts):
        raise SpecError(f"{job_file}: this job trains no encoder of texts in several languages.")
    inputs = LocalInputs(folder=loaded.folder, seed=loaded.job.seed, job=loaded.job.digest)
    return code.mix(loaded.spec, inputs, count)


def _finished(folder: Path) -> Run:
    run = find(folder)
    finished.read(run)
    return run


def _encoder(run: Run, verb: str) -> tuple[EncodesTexts, object]:
    """The system of a run, and what its job says of it.

    Args:
        run: The run folder.
        verb: What it is asked for.

    Returns:
        The system, and its table.

    Raises:
        SpecError: It trains no encoder of texts.
    """
    job = job_of(run)
    row, code = registry.system_of(job.tables) or (None, None)
    if row is None or not isinstance(code, EncodesTexts):
        what = f"a run of [{row.table}]" if row else "a run that trained nothing"
        raise SpecError(
            f"{run.folder}: `isthmus {verb}` takes the run of an encoder of texts, such as one of "
            f"[multilingual], and this is {what}."
        )
    return code, job.tables[row.table]


def _check_name(out: Path, ending: str, *files: Path) -> None:
    if out.suffix != ending:
        raise SpecError(f"{out}: give the file a name that ends in {ending}.")
    if any(out.exists() and file.exists() and out.samefile(file) for file in files):
        raise SpecError(f"{out}: holds the texts. Give another file for the result.")
