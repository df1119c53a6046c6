"""The checkpoint of a party after every round, so that an interrupted run can continue."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Checkpoint


@dataclass(frozen=True)
class Round:
    """Loss and gradient norm of one round, which only the active party knows."""

    loss: float
    gradient_norm: float


@dataclass
class Memory:
    """Coefficients after each round, and facts about rounds; also on disk if a path is given."""

    path: Path | None = None
    job: str = ""
    weights: list[Floats] = field(default_factory=list[Floats])
    rounds: list[Round] = field(default_factory=list[Round])

    def __len__(self) -> int:
        return len(self.weights)

    def load(self) -> None:
        """Read the checkpoint of an earlier run of this job, if there is one."""
        saved = checkpoint.load(self.path, self.job) if self.path else None
        if saved is not None:
            self.weights = list(saved.arrays["weights"])
            self.rounds = [Round(*map(float, at)) for at in saved.arrays["rounds"]]

    def rewind(self, rounds: int) -> None:
        """Drop all rounds except the first `rounds`."""
        del self.weights[rounds:], self.rounds[rounds:]

    def last(self, start: Floats) -> Floats:
        """Returns the coefficients after the last round, shape (columns,); `start` if none."""
        return self.weights[-1] if self.weights else start

    def add(self, weights: Floats) -> None:
        """Save the coefficients of one more round, before the next one starts."""
        self.weights.append(weights)
        if self.path is not None:
            rounds = [(at.loss, at.gradient_norm) for at in self.rounds[: len(self.weights)]]
            arrays = {
                "weights": np.array(self.weights),
                "rounds": np.array(rounds).reshape(-1, 2),
            }
            checkpoint.save(self.path, self.job, Checkpoint(arrays))
