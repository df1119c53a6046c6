"""One training of the product on texts that were read before, as a program.

`python -m benchmarks.multilingual_training FOLDER`: the folder has a job and `base`, a run folder
with corpora, vocabulary and dictionary. It answers with a `Trained`.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, cast

import msgspec
import numpy as np
import torch
from msgspec.structs import replace

from benchmarks import bibles
from benchmarks.bibles import BIBLE
from benchmarks.census_training import CpuTelemetry
from benchmarks.multilingual_embedding import speed
from isthmus.core.telemetry import Event, Telemetry
from isthmus.jobs.load import load_job
from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.objectives import MASKED, SECOND
from isthmus.multilingual.processes.group import ALONE
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual, Objectives, Training
from isthmus.multilingual.training import encoders, loop, static_start, tasks
from isthmus.multilingual.training.checkpoints import Checkpoints
from isthmus.multilingual.training.encoders import TextEncoder
from isthmus.multilingual.training.layered import Layered
from isthmus.multilingual.training.loop import Weighted
from isthmus.multilingual.training.masked_tasks import MaskedPieces
from isthmus.multilingual.training.preparation import Prepared, prepared
from isthmus.store.runs import Run
from isthmus.text import transformer_parameters

BASE = "base"
JOB = "job.toml"
TABLE = "multilingual"

_PILOT = 3
"""Steps that are tried, to know how many go into the seconds."""

_MASKED_BATCHES = 6
"""Batches of held-out texts whose masked pieces are predicted."""


_FEW = Training(batch=256)


class Asked(msgspec.Struct, frozen=True):
    """What to train."""

    seed: int
    table: dict[str, object]
    """Of `[multilingual]`, beside the corpora."""

    keep: str
    """Folder to leave the encoder in."""

    cpu: float | None = None
    """CPU seconds that training may take, from which its steps follow."""

    tokens: int | None = None
    """Pieces that are read in training, from which its steps follow."""

    masked: bool = False
    """Whether to predict masked pieces of held-out texts at the end."""


class Trained(msgspec.Struct, frozen=True):
    """What it took."""

    cpu: float
    """CPU seconds of training."""

    pairs_per_cpu_s: float
    tokens_per_cpu_s: float
    texts_per_cpu_s: float
    """That the encoder embeds."""

    steps: int = 0
    tokens: int = 0
    masked: dict[str, float] = {}
    """Share of masked pieces of held-out texts that were predicted, in percent."""


class Clock:
    """Takes events of training: CPU seconds of its steps but for the first one that is told of."""

    def __init__(self) -> None:
        self._seen = list[tuple[int, float]]()

    def __call__(self, event: Event) -> None:
        """Take an event in."""
        if event.stage == "train":
            self._seen.append((event.done, time.process_time()))

    def of_a_step(self, otherwise: float) -> float:
        """CPU seconds of a step; `otherwise` if nothing was told of between."""
        if len(self._seen) < 2:  # noqa: PLR2004 - a begin and an end
            return otherwise
        (first, began), (last, ended) = self._seen[0], self._seen[-1]
        return (ended - began) / (last - first)


def prepare(folder: Path, texts: bibles.Bibles) -> dict[str, float]:
    """Write a job, and read its corpora.

    Args:
        folder: Where to.
        texts: What it is about.

    Returns:
        CPU seconds of reading, of the vocabulary with all pieces, and of the dictionary.
    """
    bibles.write(texts, folder)
    (folder / JOB).write_bytes(msgspec.toml.encode(bibles.job(texts)))
    (folder / BASE).mkdir(mode=0o700)
    telemetry = CpuTelemetry()
    prepared(_spec(folder), folder, 0, RunFiles(Run(folder / BASE)), telemetry)
    return dict(telemetry.seconds)


def train(folder: Path, asked: Asked) -> Trained:
    """Train on what `prepare` left.

    Args:
        folder: Of the job.
        asked: What to train.

    Returns:
        What it took.
    """
    torch.set_num_threads(1)
    spec = msgspec.convert({**msgspec.to_builtins(_spec(folder)), **asked.table}, Multilingual)
    made = prepared(spec, folder, 0, RunFiles(Run(folder / BASE)), Telemetry())
    with TemporaryDirectory() as place:
        began = time.process_time()
        encoder = encoders.make(spec.encoder, folder, made.tokenizer, asked.seed, made.tokens)
        if spec.encoder.begin == "static":
            first = Checkpoints(Path(place, "static.npz"), "benchmark")
            table = static_start.vectors(spec, made, asked.seed, first, Telemetry(), ALONE)
            transformer_parameters.begin_with(cast(Layered, encoder).module, table)
        learned = tasks.make(spec, made, encoder, asked.seed)
        before = time.process_time() - began
        training = replace(
            spec.fitting_training, steps=_steps(spec, asked, learned, encoder, before)
        )
        began, clock = time.process_time(), Clock()
        checkpoints = Checkpoints(Path(place, "checkpoint.npz"), "benchmark")
        done = loop.train(encoder.module, learned, training, checkpoints, Telemetry(clock))
        cpu = time.process_time() - began
    of_a_step = clock.of_a_step(cpu / done.steps)
    encoder.store(Path(asked.keep), made.tokenizer, "", made.corpora.languages)
    return Trained(
        cpu=before + cpu,
        pairs_per_cpu_s=training.batch / of_a_step,
        tokens_per_cpu_s=done.tokens / done.steps / of_a_step,
        texts_per_cpu_s=speed(folder, Path(asked.keep)),
        steps=done.steps,
        tokens=done.tokens,
        masked=_predicted(spec, made, encoder) if asked.masked else {},
    )


def _steps(
    spec: Multilingual,
    asked: Asked,
    learned: Sequence[Weighted],
    encoder: TextEncoder,
    spent: float,
) -> int:
    """As many as go into the seconds, or as read as many pieces."""
    if asked.tokens is not None:
        # The second task begins at half of the steps.
        read = sum(each.task.loss(0).tokens * (0.5 if each.second else 1) for each in learned)
        return max(1, round(asked.tokens / read))
    if asked.cpu is None:
        return spec.training.steps
    for step in range(_PILOT):
        began = time.process_time()
        for each in learned:
            each.task.loss(step).value.backward()  # type: ignore[no-untyped-call]
        took = time.process_time() - began
    encoder.module.zero_grad(set_to_none=True)
    return max(1, int((asked.cpu - spent) / took))


def _predicted(spec: Multilingual, made: Prepared, encoder: TextEncoder) -> dict[str, float]:
    """How many masked pieces of held-out chapters are predicted, by task, in percent."""
    held = {BIBLE: made.corpora.tests[BIBLE]}
    tokens = {
        BIBLE: {
            language: made.tokenizer.tokens(_texts(held[BIBLE], language), spec.encoder.length)
            for language in held[BIBLE].languages
        }
    }
    apart = Prepared(_Apart(held), made.tokenizer, None, tokens, made.folder)  # type: ignore[arg-type]
    found = dict[str, float]()
    for name in MASKED:
        if name == SECOND:
            continue
        alone = replace(spec, objectives=replace(Objectives(pairs=0), **{name: 1.0}), training=_FEW)
        (task,) = tasks.make(alone, apart, encoder, 1)
        counts = [cast(MaskedPieces, task.task).accuracy(step) for step in range(_MASKED_BATCHES)]
        right, places = np.sum(counts, axis=0)
        found[name] = 100 * float(right) / float(places)
    return found


class _Apart(NamedTuple):
    """Corpora of a run, as far as tasks look at them."""

    trained: Mapping[str, Texts]


def _texts(texts: Texts, language: str) -> list[str]:
    return [text or "" for text in texts.read(language, np.arange(texts.rows))]


def _spec(folder: Path) -> Multilingual:
    spec: Multilingual = load_job(folder / JOB).spec
    return spec


def main() -> None:
    """Answer on standard output."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    print(msgspec.json.encode(train(Path(sys.argv[1]), asked)).decode())


if __name__ == "__main__":
    main()
