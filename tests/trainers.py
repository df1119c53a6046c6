"""Trainers that a process makes from a path, for tests of engines."""

import time
from pathlib import Path
from typing import Any

from isthmus.paramserver.distributed.actors import Recipe
from isthmus.paramserver.window import Float32s, Gradients
from tests.tiers import LinearTrainer


class SlowTrainer(LinearTrainer):
    """Leaves time to end processes."""

    def gradients(self, batch: Any, vectors: Float32s, dense: Float32s) -> Gradients:
        time.sleep(0.05)
        return super().gradients(batch, vectors, dense)


def make(path: Path) -> LinearTrainer:
    """Make a trainer; a file may say that it is slow."""
    return SlowTrainer() if path.is_file() else LinearTrainer()


def recipe(path: Path = Path()) -> Recipe:
    """How a process makes it."""
    return Recipe("tests.trainers:make", path, "tests.tiers:LinearBatch")
