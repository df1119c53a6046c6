"""How fast do several processes train an encoder of texts, beside one with as many threads?

Pairs of texts that a step takes, by wall seconds, in `isthmus run` of the example's corpora.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import tomli_w

from benchmarks.measurement import Measurement, Row

CORPORA = Path(__file__).parents[1] / "examples" / "multilingual"
LANGUAGES = ("fr", "de")


class Encoder(NamedTuple):
    """What is trained."""

    name: str
    batch: int
    steps: int


ENCODERS = (Encoder("static", 1024, 200), Encoder("tiny", 128, 24))


class Way(NamedTuple):
    """Who trains."""

    processes: int
    threads: int

    def __str__(self) -> str:
        return f"{self.processes} x {self.threads} thread{'s' if self.threads > 1 else ''}"


ONE, THREADS, PROCESSES = Way(1, 1), Way(1, 2), Way(2, 1)


def measure() -> Measurement:
    """Train each encoder in each way.

    Returns:
        The measurement.
    """
    found = {
        (encoder.name, way): pairs_per_s(encoder, way)
        for encoder in ENCODERS
        for way in (ONE, THREADS, PROCESSES)
    }
    gains = {name: found[name, PROCESSES] / found[name, ONE] for name, *_ in ENCODERS}
    beside = {name: found[name, PROCESSES] / found[name, THREADS] for name, *_ in ENCODERS}
    told = [
        f"two processes train a {name} encoder {gains[name]:.2f} times as fast as one with a "
        f"thread, and {beside[name]:.2f} times as fast as one with two"
        for name in gains
    ]
    answer = "; ".join(told)
    return Measurement(
        answer=f"{answer[0].upper()}{answer[1:]}.",
        tables={"Pairs/s": [_row(encoder, found) for encoder in ENCODERS]},
        notes=[
            "Processes times threads of each; two processes say so by "
            "`multilingual.training.processes = 2`, and share two cores.",
            "A batch of pairs a step; wall seconds from the first event of training to the last: "
            "starting and checkpoints are left out.",
            f"The example's messages, English with {' and '.join(LANGUAGES)}; 256 numbers a "
            "vector, 16,384 pieces at most, `pairs` alone.",
            "A step ends with the sum of gradients over the processes; of the static encoder's "
            "table, of the rows that were touched.",
            "More machines or GPUs were not measured.",
        ],
        falls_short=[
            f"Two processes of a {name} encoder are no faster than one with two threads."
            for name, ratio in beside.items()
            if ratio <= 1
        ],
    )


def pairs_per_s(encoder: Encoder, way: Way) -> float:
    """Run a job, and read its events."""
    with TemporaryDirectory() as folder:
        job = Path(folder, "job.toml")
        job.write_text(tomli_w.dumps(_job(encoder, way.processes)))
        run = Path(folder, "run")
        subprocess.run(  # noqa: S603 - our own interpreter and arguments
            [sys.executable, "-m", "isthmus", "run", str(job), "--into", str(run)],
            check=True,
            capture_output=True,
            env={**os.environ, "OMP_NUM_THREADS": str(way.threads)},
        )
        events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    trained = [event for event in events if event["stage"] == "train"]
    steps = trained[-1]["done"] - trained[0]["done"]
    return float(encoder.batch * steps / (trained[-1]["time"] - trained[0]["time"]))


def _job(encoder: Encoder, processes: int) -> dict[str, Any]:
    corpora = {
        f"en-{other}": {"path": str(CORPORA / f"en-{other}.tsv.gz"), "languages": ["en", other]}
        for other in LANGUAGES
    }
    training = {
        "batch": encoder.batch,
        "steps": encoder.steps,
        "flat_below": 0.0,
        "save_every": 1000,
        "processes": processes,
    }
    return {
        "name": "processes",
        "seed": 1,
        "multilingual": {
            "corpora": corpora,
            "test_rows": 50,
            "encoder": {"type": encoder.name},
            "training": training,
        },
    }


def _row(encoder: Encoder, found: Mapping[tuple[str, Way], float]) -> Row:
    ways = {str(way): round(found[encoder.name, way]) for way in (ONE, THREADS, PROCESSES)}
    return {"encoder": encoder.name, "pairs a step": encoder.batch, **ways}
