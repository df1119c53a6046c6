"""Small networks, samples for them, and a federation of them without messages."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec.structs import replace

from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.rounds.training import Contribution, Fused, Training
from isthmus.horizontal.spec import LocalTraining
from isthmus.nn.spec import Image, Network, Tabular, Text
from isthmus.store.checkpoint import Arrays

CLASSES = ("even", "odd")
TABULAR = Tabular(columns=("a", "b", "c"), hidden=(5,), size=4)
RANGED = replace(TABULAR, ranges={"a": (-5.0, 8.0), "b": (-5.0, 8.0), "c": (-5.0, 8.0)})
"""The same with public ranges, as `privacy.sample_level` wants it."""
CNN = Image(height=6, width=7, channels=2, size=4, layers=1, filters=4, patch=3)
VIT = Image(height=6, width=7, channels=2, size=4, layers=1, kind="vit", heads=2, patch=3)
TEXT = Text(length=12, size=4, layers=1, heads=2)
NETWORKS: tuple[Network, ...] = (TABULAR, CNN, VIT, TEXT)


def encoders(network: Network = TABULAR, **changes: Any) -> Encoders:
    """A job that trains a network on labels, in steps that a test can follow."""
    usual: dict[str, Any] = {"training": LocalTraining(steps=3, batch=4), "objective": "labels"}
    wanted = usual | changes
    classes = CLASSES if wanted["objective"] == "labels" else ()
    return Encoders(network=network, classes=classes, **wanted)


def samples(network: Network = TABULAR, rows: int = 10, seed: int = 0) -> Samples:
    """Samples whose class can be learned from them."""
    generator = np.random.default_rng(seed)
    numbers = generator.integers(2, size=rows)
    labels = tuple(CLASSES[number] for number in numbers)
    match network:
        case Tabular(columns=names):
            inputs = generator.normal(3 * numbers[:, None], 1, (rows, len(names))).astype(
                np.float32
            )
            return Samples("tabular", inputs, names, labels=labels)
        case Image(height=height, width=width, channels=channels):
            size = height * width * channels
            bright = np.arange(size) < numbers[:, None] * size / 2  # the upper half, or nothing
            pixels = generator.uniform(0, 155, (rows, size)) + 100 * bright
            return Samples("image", pixels.astype(np.float32), labels=labels)
        case Text():
            texts = tuple(
                f"{'zwei' if number else 'un'} ä {it}" for it, number in enumerate(numbers)
            )
            return Samples("text", np.empty((rows, 0), np.float32), ("text",), texts, labels)


def contribution(child: str, trainer: LocalTrainer, start: Parameters, number: int) -> Contribution:
    """What a child sends in a round."""
    trained, metrics = trainer.train(start, number)
    update = {name: np.asarray(trained[name] - before) for name, before in start.items()}
    return Contribution(child, trainer.samples, update, dict(metrics))


def play(
    training: Training,
    trainers: Mapping[str, LocalTrainer],
    rounds: range,
    start: Parameters | None = None,
    kept: Arrays | None = None,
) -> Fused:
    """Rounds without messages; those after a cut start from what the last one fused."""
    fused = Fused(training.initial if start is None else start, state=kept or {})
    for number in rounds:
        taken = [
            contribution(it, trainers[it], fused.parameters, number) for it in sorted(trainers)
        ]
        fused = training.fuse(fused.parameters, taken, fused.state)
    return fused
