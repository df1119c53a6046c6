"""When a loss is flat: its moving average falls no more."""

from collections.abc import Sequence

from isthmus.multilingual.spec import Training


class Losses:
    """The last losses of one task: as many as the rule looks at."""

    def __init__(self, spec: Training, last: Sequence[float] = ()) -> None:
        self._width = spec.flat_steps
        self._below = spec.flat_below
        self.last = list(last)

    def add(self, loss: float) -> None:
        """Take the loss of a step in."""
        self.last = [*self.last[1 - 2 * self._width :], loss]

    @property
    def average(self) -> float:
        """The moving average; of fewer steps at the begin."""
        newest = self.last[-self._width :]
        return sum(newest) / max(1, len(newest))

    @property
    def flat(self) -> bool:
        """Whether the average has fallen by less than the job's share since the one before."""
        if len(self.last) < 2 * self._width:
            return False
        before = sum(self.last[: self._width]) / self._width
        return self.average > before * (1 - self._below)
