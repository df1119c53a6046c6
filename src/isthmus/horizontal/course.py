"""The course of training at the master: what a round takes in, and what the fusion makes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from isthmus.core.errors import JobError
from isthmus.horizontal.parameters import Layout, Parameters, digest, finite, misfit
from isthmus.horizontal.privacy.spec import EightBit, SecureAggregation, TopK
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class Contribution:
    """What a child brings to a round."""

    child: str
    samples: int
    update: Parameters
    metrics: dict[str, float]

    @property
    def digest(self) -> str:
        """SHA-256 of the update."""
        return digest(self.update)


@dataclass(frozen=True)
class Veiled:
    """What the master knows of a child whose update it sees under masks only."""

    child: str
    samples: int
    digest: str
    """SHA-256 of the update under masks."""

    metrics: dict[str, float]


@dataclass(frozen=True)
class Summed:
    """What a round brings where the master sees no update by itself."""

    update: Parameters
    """The weighted mean of the updates."""

    weights: Mapping[str, float]
    """What each child counts for in it, sum 1."""

    taken: Sequence[Veiled]
    """Whose updates are in it, by name of the child."""


class Fused(NamedTuple):
    """What a fusion makes of a round."""

    parameters: Parameters
    """For the next round."""

    weights: Mapping[str, float] = {}
    """What each child counted for, where the rule gives weights."""

    state: Arrays = {}
    """What the rule wants to have again in the next round."""

    done: bool = False
    """Whether no further round is needed."""

    evidence: Mapping[str, Mapping[str, float]] = {}
    """What the rule saw of each child, where it tells."""


Fuse = Callable[[Parameters, Sequence[Contribution], Arrays], Fused]
"""Takes the parameters of a round, its contributions by name of the child, and its own state."""

Examine = Callable[[Contribution], str]
"""Says in one clause why a contribution is refused, or nothing where it is not."""


@dataclass(frozen=True)
class Blind:
    """The rule of a master that sees the sum of a round and no update by itself."""

    spec: SecureAggregation

    weigh: Callable[[Mapping[str, int], Arrays], Mapping[str, float]]
    """From the samples of the children in a round, by child, and the rule's own state, to what each
    counts for: sum 1; the same again for the same."""

    fuse: Callable[[Parameters, Summed, Arrays], Fused]
    """Takes the parameters of a round, the mean of its updates, and its own state."""


@dataclass(frozen=True)
class Training:
    """What the master lets its children train."""

    encoder: str
    """The type, as the job says."""

    initial: Parameters
    """Before the first round."""

    fuse: Fuse
    examine: Examine = lambda _: ""
    """Asked about what has the right round, names, shapes and type of numbers already."""

    compression: TopK | EightBit | None = None
    """How children make their updates smaller."""

    blind: Blind | None = None
    """Where there is one, updates come under masks, and `fuse` and `examine` are not called."""


class Taken(msgspec.Struct, frozen=True):
    """The record of one contribution."""

    samples: int
    digest: str
    """SHA-256 of the update, or of the update under masks."""

    metrics: dict[str, float]
    """What the child said of its training."""

    weight: float | None
    """What it counted for, where the fusion gives weights."""

    evidence: dict[str, float] = {}
    """What the fusion saw of it, where it tells."""


class Round(msgspec.Struct, frozen=True):
    """The record of one round."""

    taken: dict[str, Taken]
    """By child."""

    left_out: dict[str, str]
    """Why, by child."""

    model: str
    """SHA-256 of the parameters after the round."""


@dataclass(frozen=True)
class Course:
    """Training between two rounds: all that the master needs to go on."""

    parameters: Parameters
    state: Arrays = field(default_factory=Arrays)
    rounds: tuple[Round, ...] = ()
    done: bool = False

    def after(
        self, taken: Sequence[Contribution | Veiled], fused: Fused, left_out: dict[str, str]
    ) -> "Course":
        """The course after one more round.

        Args:
            taken: What the children brought.
            fused: What the fusion made of it.
            left_out: Why other children are not in it.

        Returns:
            The course.

        Raises:
            ValueError: The fused parameters are not those of the encoder.
            JobError: They are not finite.
        """
        flaw = misfit(fused.parameters, Layout.of(self.parameters))
        if flaw:
            raise ValueError(f"the fusion gave another encoder: {flaw}")
        if not finite(fused.parameters):
            raise JobError(
                f"the fused parameters of round {len(self.rounds) + 1} are not finite numbers: the "
                "updates have grown too large. Agree on smaller steps, or on bounds of updates."
            )
        notes = {it.child: _note(it, fused) for it in taken}
        record = Round(taken=notes, left_out=left_out, model=digest(fused.parameters))
        parameters = {name: np.asarray(it) for name, it in fused.parameters.items()}
        return Course(parameters, fused.state, (*self.rounds, record), fused.done)


def _note(taken: Contribution | Veiled, fused: Fused) -> Taken:
    weight = fused.weights.get(taken.child)
    return Taken(
        samples=taken.samples,
        digest=taken.digest,
        metrics=taken.metrics,
        weight=None if weight is None else float(weight),
        evidence={name: float(it) for name, it in fused.evidence.get(taken.child, {}).items()},
    )
