"""Which children a master should look at, and why: from the record of the rounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.horizontal.rounds.training import Round

_FEWEST = 4  # rounds of a child before anything is said of it
_LITTLE = 0.3  # of the weight that its share of the samples gives, in most rounds
_AGAINST = -0.05  # mean cosine to the others, while all still learn
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
    And a child that stands out need not cheat: its labels may be wrong unknowingly.

    Args:
        rounds: The record of the rounds, in order.

    Returns:
        The children, sorted by name.
    """
    children = sorted({child for it in rounds for child in it.taken})
    found = ((child, _reasons(rounds, child)) for child in children)
    return tuple(Suspect(child, reasons) for child, reasons in found if reasons)


def _reasons(rounds: Sequence[Round], child: str) -> tuple[str, ...]:
    here = [it for it in rounds if child in it.taken and it.taken[child].evidence]
    if len(here) < _FEWEST:
        return ()
    given = np.array([_relative_weight(it, child) for it in here])
    cosines, lengths, changes = (
        np.array([it.taken[child].evidence[measure] for it in here])
        for measure in ("cosine", "length", "loss_change")
    )
    reasons = [it for it in (_against(cosines), _long(lengths)) if it]
    if np.median(given) >= _LITTLE or not reasons:
        return ()
    return (
        f"it counts for {np.median(given):.0%} of what its samples would give it",
        *reasons,
        *_harm(changes),
    )


def _against(cosines: Floats) -> str:
    early = cosines[: (len(cosines) + 1) // 2]
    mean = float(early.mean())
    if mean >= _AGAINST:
        return ""
    return (
        "its updates point against those of the others, with a mean cosine of "
        f"{mean:.2f} in the first {len(early)} of {len(cosines)} rounds"
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
