"""When training stops before its last round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.training import Fused
from isthmus.horizontal.weighting.spec import Stop
from isthmus.store.checkpoint import Arrays

_PART = "stop."


class _Trained(Protocol):
    @property
    def samples(self) -> int: ...


BroughtT = TypeVar("BroughtT")


@dataclass(frozen=True)
class Progress:
    """How far training is; stored with the state of training."""

    rounds: int = 0
    samples: int = 0
    """Samples of all children, counted once for each round that they were in."""

    best: float = 0.0
    """Best accuracy on the master's own samples so far."""

    idle: int = 0
    """Rounds since it was reached."""

    def after(self, accuracy: float, samples: int) -> "Progress":
        """Returns the progress after one more round."""
        gained = accuracy > self.best
        return Progress(
            rounds=self.rounds + 1,
            samples=self.samples + samples,
            best=max(accuracy, self.best),
            idle=0 if gained else self.idle + 1,
        )

    def enough(self, stop: Stop) -> bool:
        """Returns whether training stops here."""
        return (
            (stop.accuracy is not None and self.best >= stop.accuracy and not self.idle)
            or (stop.plateau is not None and self.idle >= stop.plateau)
            or (stop.samples is not None and self.samples >= stop.samples)
        )

    def arrays(self) -> Arrays:
        """Returns the progress as arrays, which are stored with the state of training."""
        numbers = np.array([self.rounds, self.samples, self.idle])
        return {f"{_PART}numbers": numbers, f"{_PART}best": np.array(self.best)}


def progress(kept: Arrays) -> Progress:
    """Returns the progress in stored arrays, or the progress before the first round."""
    if f"{_PART}numbers" not in kept:
        return Progress()
    rounds, samples, idle = (int(it) for it in kept[f"{_PART}numbers"])
    return Progress(rounds, samples, float(kept[f"{_PART}best"]), idle)


def stopping(
    fuse: Callable[[Parameters, BroughtT, Arrays], Fused],
    stop: Stop,
    accuracy: Callable[[Parameters, int], float],
    taken: Callable[[BroughtT], Sequence[_Trained]],
) -> Callable[[Parameters, BroughtT, Arrays], Fused]:
    """Let a fusion end training when no further round is needed.

    Args:
        fuse: The fusion.
        stop: When to stop.
        accuracy: From parameters and the number of the round to the accuracy on the master's own
            samples.
        taken: From the input of the fusion to the contributions of the round.

    Returns:
        The same fusion, with `Fused.done` set; its progress is stored beside the state of the rule.
    """

    def fused(start: Parameters, brought: BroughtT, kept: Arrays) -> Fused:
        inner = {name: it for name, it in kept.items() if not name.startswith(_PART)}
        result = fuse(start, brought, inner)
        before = progress(kept)
        reached = accuracy(result.parameters, before.rounds + 1)
        now = before.after(reached, sum(it.samples for it in taken(brought)))
        state = {**result.state, **now.arrays()}
        return result._replace(state=state, done=result.done or now.enough(stop))

    return fused
