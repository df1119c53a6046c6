"""One training of the product on texts that were read before, as a program.

`python -m benchmarks.multilingual_training FOLDER`: the folder has a job and `base`, a run folder
with corpora, vocabulary and dictionary. It answers with a `Trained`.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import torch

from benchmarks import bibles
from benchmarks.census_training import CpuTelemetry
from isthmus.core.telemetry import Telemetry
from isthmus.jobs.load import load_job
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import encoders, loop, tasks
from isthmus.multilingual.training.checkpoints import Checkpoints
from isthmus.multilingual.training.preparation import prepared
from isthmus.store.runs import Run
from isthmus.text import model_folder

BASE = "base"
JOB = "job.toml"
TABLE = "multilingual"


class Asked(msgspec.Struct, frozen=True):
    """What to train."""

    seed: int
    table: dict[str, object]
    """Of `[multilingual]`, beside the corpora."""

    keep: str
    """Folder to leave the encoder in."""


class Trained(msgspec.Struct, frozen=True):
    """What it took."""

    cpu: float
    """CPU seconds of training."""

    pairs_per_cpu_s: float
    tokens_per_cpu_s: float
    texts_per_cpu_s: float
    """That the encoder embeds."""


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
    table = {**msgspec.to_builtins(_spec(folder)), **asked.table}
    spec = msgspec.convert(table, Multilingual)
    made = prepared(spec, folder, 0, RunFiles(Run(folder / BASE)), Telemetry())
    with TemporaryDirectory() as place:
        began = time.process_time()
        encoder = encoders.make(spec.encoder, folder, made.tokenizer, asked.seed)
        learned = tasks.make(spec, made, encoder, asked.seed)
        checkpoints = Checkpoints(Path(place, "checkpoint.npz"), "benchmark")
        done = loop.train(encoder.module, learned, spec.training, checkpoints, Telemetry())
        cpu = time.process_time() - began
    encoder.store(Path(asked.keep), made.tokenizer, "", made.corpora.languages)
    return Trained(
        cpu=cpu,
        pairs_per_cpu_s=done.steps * spec.training.batch / cpu,
        tokens_per_cpu_s=done.tokens / cpu,
        texts_per_cpu_s=_speed(folder, Path(asked.keep)),
    )


def _spec(folder: Path) -> Multilingual:
    spec: Multilingual = load_job(folder / JOB).spec
    return spec


def _speed(folder: Path, model: Path) -> float:
    texts = bibles.lines_to_embed(folder)
    encoder = model_folder.read(model)
    encoder.embed(texts)
    began, times = time.process_time(), 0
    while time.process_time() - began < 1:
        encoder.embed(texts)
        times += 1
    return times * len(texts) / (time.process_time() - began)


def main() -> None:
    """Answer on standard output."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    print(msgspec.json.encode(train(Path(sys.argv[1]), asked)).decode())


if __name__ == "__main__":
    main()
