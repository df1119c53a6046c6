"""Which children a master should look at, and why: from the record of the rounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.horizontal.rounds.training import Round

_FEWEST = 4  # rounds of a child before anything is said of it
_LITTLE = 0.3  # of the weight that its share of the samples gives, in most rounds
_AGAINST = -0.05  # mean cosine to the others, while all still learn
_AGAINST_WITH_HARM = 0.0  # the same of a child that does harm
_MOST, _NEARLY_ALL = 0.5, 0.9  # of the rounds
_LONG = 9.0  # times the median norm, in most rounds


@dataclass(frozen=True)
class Suspect:
    """A child that differs from the others, and why: one clause for each reason."""

    child: str
    reasons: tuple[str, ...]


def find_suspects(rounds: Sequence[Round]) -> tuple[Suspect, ...]:
    """Find children to which an actor-critic gave little weight, and the reasons.

    A low weight alone is no reason: a child may only have little to add, or too few samples to
    learn from. Nor is harm to the master's loss, which goes with it. What tells a child that turns
    its updates or has wrong labels from one that has other samples than most is that it pulls
    against what the others agree on, early on: later, honest updates are small and go anywhere.
    The least pull against the others is enough of a child that does harm in nearly all rounds, or
    in most and pulls more than every child that counts. A child that stands out need not cheat: its
    labels may be wrong unknowingly. Nor is one that does not stand out cleared: who is good at what
    the master measures gets weight, and is not named.

    Args:
        rounds: The record of the rounds, in order.

    Returns:
        The children, sorted by name.
    """
    found = _measured(rounds)
    those_that_count = [it.early_cosine for it in found.values() if it.weight >= _LITTLE]
    lowest = min(those_that_count, default=0.0)
    reasons = {child: _reasons(it, lowest) for child, it in found.items()}
    return tuple(Suspect(child, each) for child, each in reasons.items() if each)


@dataclass(frozen=True)
class _Measures:
    """What the record says of one child, in the rounds that it was in."""

    weight: float
    """By its share of the samples, in the middle round."""

    cosines: Floats
    lengths: Floats
    changes: Floats

    @property
    def early(self) -> Floats:
        """Cosines while all still learn."""
        return self.cosines[: (len(self.cosines) + 1) // 2]

    @property
    def early_cosine(self) -> float:
        return float(self.early.mean())

    @property
    def harm(self) -> float:
        """Share of the rounds in which more of it makes the master's samples worse."""
        return float((self.changes > 0).mean())


def _measured(rounds: Sequence[Round]) -> dict[str, _Measures]:
    found = dict[str, _Measures]()
    for child in sorted({child for it in rounds for child in it.taken}):
        here = [it for it in rounds if child in it.taken and it.taken[child].evidence]
        if len(here) >= _FEWEST:
            columns = (
                np.array([it.taken[child].evidence[measure] for it in here])
                for measure in ("cosine", "length", "loss_change")
            )
            weights = [_relative_weight(it, child) for it in here]
            found[child] = _Measures(float(np.median(weights)), *columns)
    return found


def _reasons(child: _Measures, lowest: float) -> tuple[str, ...]:
    reasons = [it for it in (_against(child, lowest), _long(child.lengths)) if it]
    if child.weight >= _LITTLE or not reasons:
        return ()
    return (
        f"it counts for {child.weight:.0%} of what its samples would give it",
        *reasons,
        *_harm(child.changes),
    )


def _against(child: _Measures, lowest: float) -> str:
    mean = child.early_cosine
    harmful = child.harm > _MOST and (child.harm >= _NEARLY_ALL or mean < lowest)
    if mean >= (_AGAINST_WITH_HARM if harmful else _AGAINST):
        return ""
    return (
        "its updates point against those of the others, with a mean cosine of "
        f"{mean:.2f} in the first {len(child.early)} of {len(child.cosines)} rounds"
    )


def _long(lengths: Floats) -> str:
    times = int((lengths > _LONG).sum())
    if 2 * times <= len(lengths):
        return ""
    rounds = f"in {times} of {len(lengths)} rounds"
    return f"its updates are over {_LONG:g} times as long as usual, {rounds}"


def _harm(changes: Floats) -> list[str]:
    times = int((changes > 0).sum())
    if 2 * times <= len(changes):
        return []
    return [f"more of it makes the master's samples worse, in {times} of {len(changes)} rounds"]


def _relative_weight(record: Round, child: str) -> float:
    # By the weights of the children alone: a node of the master's own has its part before them.
    weights = {name: it.weight or 0.0 for name, it in record.taken.items()}
    share = record.taken[child].samples / sum(it.samples for it in record.taken.values())
    total = sum(weights.values())
    return weights[child] / total / share if total else 1.0
