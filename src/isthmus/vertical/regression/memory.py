"""What a party keeps of every round, so that a run that was cut off goes on where it was."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Checkpoint


@dataclass(frozen=True)
class Round:
    """One round of training, as the active party sees it."""

    loss: float
    gradient_norm: float


@dataclass
class Memory:
    """Coefficients after each round, and the course of training; on disk where a path is given."""

    path: Path | None = None
    job: str = ""
    weights: list[Floats] = field(default_factory=list[Floats])
    rounds: list[Round] = field(default_factory=list[Round])

    def __len__(self) -> int:
        return len(self.weights)

    def load(self) -> None:
        """Read what an earlier run of this job left, if there is anything."""
        saved = checkpoint.load(self.path, self.job) if self.path else None
        if saved is not None:
            self.weights = list(saved.arrays["weights"])
            self.rounds = [Round(*map(float, at)) for at in saved.arrays["rounds"]]

    def rewind(self, rounds: int) -> None:
        """Forget all but the first rounds."""
        del self.weights[rounds:], self.rounds[rounds:]

    def last(self, start: Floats) -> Floats:
        """Coefficients after the last round, shape (columns,); `start` before the first."""
        return self.weights[-1] if self.weights else start

    def add(self, weights: Floats) -> None:
        """Keep the coefficients of one more round, on disk before the next one starts."""
        self.weights.append(weights)
        if self.path is not None:
            rounds = [(at.loss, at.gradient_norm) for at in self.rounds[: len(self.weights)]]
            arrays = {
                "weights": np.array(self.weights),
                "rounds": np.array(rounds).reshape(-1, 2),
            }
            checkpoint.save(self.path, self.job, Checkpoint(arrays))
