"""Trains an encoder in which a text and its translation lie together (S2, S8).

`docs/systems/s2.md` and `s8.md` name the function of each step of the sources.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual import objectives
from isthmus.multilingual.objectives import SECOND
from isthmus.multilingual.processes import places
from isthmus.multilingual.spec import Multilingual
from isthmus.outcomes import (
    Embedded,
    Exported,
    LocalOutcome,
    LocalTrained,
    MinedPairs,
    MixedText,
    Score,
    ScoredTexts,
)
from isthmus.store.runs import Run
from isthmus.system import LocalInputs

if TYPE_CHECKING:  # it loads pyarrow
    from isthmus.multilingual.corpora.checks import Facts


@dataclass(frozen=True)
class Data:
    """Corpora that were looked at."""

    inputs: LocalInputs
    facts: "Facts"


def check(spec: Multilingual) -> None:
    """Refuse a table that contradicts itself.

    Args:
        spec: The `[multilingual]` table.

    Raises:
        SpecError: Objectives and encoder do not fit each other.
    """
    objectives.check(spec)
    if spec.encoder.continued is None:
        objectives.check_lengths(spec.matryoshka, spec.encoder.vector_size)
    if spec.encoder.tokenizer is not None and spec.encoder.continued is not None:
        raise SpecError(
            "`multilingual.encoder.continued` has a tokenizer of its own: take "
            "`multilingual.encoder.tokenizer` out."
        )
    if spec.encoder.tokenizer is not None and spec.encoder.type == "bytes":
        raise SpecError(
            '`multilingual.encoder.type = "bytes"` reads bytes, and no pieces of a tokenizer: take '
            "`multilingual.encoder.tokenizer` out."
        )


def sources(spec: Multilingual) -> Sequence[str]:
    """Returns the names of the corpora and of the texts to test on."""
    return [*spec.corpora, *spec.tests]


def steps(spec: Multilingual) -> Sequence[str]:
    """Returns what will happen in training, in order, a sentence each."""
    return list(_steps(spec))


def _steps(spec: Multilingual) -> Iterator[str]:
    encoder, training = spec.encoder, spec.training
    weights = objectives.weights(spec.objectives)
    if spec.held_out:
        yield (
            f"Hold out {spec.held_out:.0%} of the documents, and leave out of training whatever is "
            "in them, in the texts to test on, or there twice."
        )
    else:
        yield "Leave out of training whatever is in the texts to test on, or there twice."
    if encoder.type == "bytes":
        yield "Take the bytes of texts as their pieces, and mine a dictionary."
    elif encoder.tokenizer is None and encoder.continued is None:
        yield f"Train a vocabulary of {encoder.vocabulary:,} pieces at most, and mine a dictionary."
    else:
        yield "Take the vocabulary as it is given, and mine a dictionary."
    shared = f", shared by {training.processes:,} processes" if training.processes > 1 else ""
    first = ", ".join(f"{name} x {weight:g}" for name, weight in weights.items() if name != SECOND)
    what = (
        f"Train a {encoder.type} encoder" if encoder.continued is None else "Go on with the encoder"
    )
    yield (
        f"{what} on {first}, all in each step, {training.batch:,} texts "
        f"each, for {training.steps:,} steps at most{shared}."
    )
    if SECOND in weights:
        yield (
            f"Add {SECOND} x {weights[SECOND]:g} when the losses of the others are flat, at half "
            "of the steps at the latest."
        )
    yield (
        f"Stop when all losses are flat: the average of {training.flat_steps:,} steps has fallen "
        f"by less than {training.flat_below:.1%} since the {training.flat_steps:,} before."
    )
    other = "an untrained encoder" if encoder.continued is None else "the encoder before"
    yield (
        f"Store the encoder, then measure how texts find their translations, beside {other}, "
        "characters and the dictionary."
    )


def load(spec: Multilingual, inputs: LocalInputs) -> Data:
    """Look at the files of all corpora, at the first rows, and at what the job begins with."""
    from isthmus.multilingual import given_models
    from isthmus.multilingual.corpora.checks import check as look_at

    given_models.check(spec, inputs.folder)
    return Data(inputs, look_at(spec, inputs.folder))


def facts(spec: Multilingual, data: Data) -> Mapping[str, object]:
    """Returns what is known of the corpora, and a forecast of memory and steps, by name."""
    from isthmus.multilingual import forecast

    return forecast.facts(spec, data.facts)


def peak(spec: Multilingual, data: Data) -> int:
    """Returns about how many bytes of memory a run takes at most."""
    from isthmus.multilingual import forecast

    return forecast.peak(spec, data.facts)


def train(spec: Multilingual, data: Data, run: Run, telemetry: Telemetry) -> LocalTrained:
    """Train and store an encoder."""
    from isthmus.multilingual import pipeline

    return pipeline.train(spec, data.inputs, run, telemetry)


def helps() -> bool:
    """Whether a launcher started this process to help the first one of a training."""
    place = places.here()
    return place is not None and place.rank > 0


def assist(spec: Multilingual, inputs: LocalInputs) -> None:
    """Help the first process to train, until it has what it needs."""
    from isthmus.multilingual import helping

    place = places.here()
    assert place is not None, "ask `helps` first"  # noqa: S101 - a mistake of ours
    helping.assist(spec, inputs, place)


def page(run: Run, shown: Mapping[str, Any], outcome: LocalOutcome) -> str:
    """Returns the report as HTML."""
    from isthmus.multilingual import report

    return report.page(run, shown, outcome)


def export(_spec: Multilingual, run: Run, into: Path, since: int | None) -> Exported:
    """Write the folder of the encoder, and beside it the same encoder as ONNX."""
    from isthmus.multilingual import exporting

    return exporting.export(run, into, since)


def embed(_spec: Multilingual, run: Run, file: Path, out: IO[bytes]) -> Embedded:
    """Write the vectors of the texts of a file, as Parquet."""
    from isthmus.multilingual import serving

    return serving.embed(run, file, out)


def mine(
    _spec: Multilingual,
    run: Run,
    files: tuple[Path, Path],
    out: IO[bytes],
    score: Score,
    least: float | None,
) -> MinedPairs:
    """Write the texts of two files that are translations of each other, as TSV."""
    from isthmus.multilingual import serving

    return serving.mine(run, files, out, score, least)


def evaluate(spec: Multilingual, run: Run, files: Sequence[Path]) -> ScoredTexts:
    """Returns how well texts of files find their translations."""
    from isthmus.multilingual import evaluating

    return evaluating.score(spec, run, files)


def mix(spec: Multilingual, inputs: LocalInputs, count: int) -> Sequence[MixedText]:
    """Returns some mixed-language texts as training makes them."""
    from isthmus.multilingual import mixed_texts

    return mixed_texts.some(spec, inputs, count)
