"""Training at the master: what comes in in a round, what its fusion gives, and the record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.errors import JobError
from isthmus.horizontal.messages import CommonWords
from isthmus.horizontal.parameters import Layout, Parameters, digest, finite, misfit
from isthmus.horizontal.privacy.spec import EightBit, SecureAggregation, TopK
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class Contribution:
    """The update of one child in a round."""

    child: str
    samples: int
    update: Parameters
    metrics: dict[str, float]

    @property
    def digest(self) -> str:
        """SHA-256 of the update."""
        return digest(self.update)


@dataclass(frozen=True)
class MaskedContribution:
    """What the master knows of a child in a secure sum: it sees the update under masks only."""

    child: str
    samples: int
    digest: str
    """SHA-256 of the update under masks."""

    metrics: dict[str, float]


@dataclass(frozen=True)
class SecureSum:
    """The result of secure aggregation: the mean of updates that the master never saw."""

    update: Parameters
    """The weighted mean of the updates; in a row of a table, over those that touched it."""

    weights: Mapping[str, float]
    """Weight of each child in it; they sum to 1."""

    taken: Sequence[MaskedContribution]
    """The children whose updates are in it, sorted by name."""


class Fused(NamedTuple):
    """The result of fusing a round."""

    parameters: Parameters
    """For the next round."""

    weights: Mapping[str, float] = {}
    """Weight of each child, where the rule gives weights."""

    state: Arrays = {}
    """State of the rule for the next round."""

    done: bool = False
    """Whether no further round is needed."""

    evidence: Mapping[str, Mapping[str, float]] = {}
    """Measures by which the rule judged each child, if it reports any."""


Fuse = Callable[[Parameters, Sequence[Contribution], Arrays], Fused]
"""From the parameters of a round, its contributions sorted by child and the state of the rule to
the result of the fusion."""

Examine = Callable[[Contribution], str]
"""Returns in one clause why a contribution is refused, or an empty string."""


@dataclass(frozen=True)
class SecureRule:
    """The rule of a master that sees the sum of a round and no update by itself."""

    spec: SecureAggregation

    weigh: Callable[[Mapping[str, int], Arrays], Mapping[str, float]]
    """From the number of samples of each child in a round and the state of the rule to weights of
    the children that sum to 1. Must be deterministic."""

    fuse: Callable[[Parameters, SecureSum, Arrays], Fused]
    """From the parameters of a round, the mean of its updates and the state of the rule to the
    result of the fusion."""

    tables: tuple[str, ...] = ()
    """Arrays whose rows are averaged over the children that touched them."""


@dataclass(frozen=True)
class Training:
    """What a master and its children train, and how the master fuses updates."""

    encoder: str
    """The type of the network, as the job names it."""

    initial: Parameters
    """Parameters before the first round."""

    fuse: Fuse
    examine: Examine = lambda _: ""
    """Called for contributions whose round, names, shapes and types are right."""

    vocabulary: str = ""
    """SHA-256 of the vocabulary of a network that has one."""

    joint: "JointVocabulary | None" = None
    """If given, everything else but `encoder` comes of it before the first round."""

    compression: TopK | EightBit | None = None
    """How children make their updates smaller."""

    tables: tuple[str, ...] = ()
    """Arrays whose rows are averaged over the children that touched them: children that send
    updates by themselves leave out the other rows."""

    secure_rule: SecureRule | None = None
    """If given, updates come under masks, and `fuse` and `examine` are not called."""


@dataclass(frozen=True)
class JointVocabulary:
    """How a master comes to a vocabulary of the words of its children."""

    spec: SecureAggregation
    """Of the sum of counts."""

    size: int
    """Cells of counts."""

    common: Callable[[NDArray[np.uint32]], NDArray[np.uint8]]
    """From the sum of counts to which cells are large enough, a bit for each."""

    agree: Callable[[Mapping[str, CommonWords]], bytes]
    """From what each child named, sorted by child, to the file `tokenizer.json`."""

    training: Callable[[bytes], Training]
    """What is trained with this file."""


class ContributionRecord(msgspec.Struct, frozen=True):
    """The record of one contribution."""

    samples: int
    digest: str
    """SHA-256 of the update, or of the update under masks."""

    metrics: dict[str, float]
    """What the child reported of its training."""

    weight: float | None
    """Its weight, where the rule gives weights."""

    evidence: dict[str, float] = {}
    """Measures by which the rule judged it, if it reports any."""


class Round(msgspec.Struct, frozen=True):
    """The record of one round."""

    taken: dict[str, ContributionRecord]
    """By child."""

    left_out: dict[str, str]
    """Why a child is not in the round, by child."""

    model: str
    """SHA-256 of the parameters after the round."""

    second_processes: tuple[str, ...] = ()
    """Children of which another process with the same key came since the round before."""


@dataclass(frozen=True)
class TrainingState:
    """The state of training after a round: all that the master needs to go on."""

    parameters: Parameters
    rule_state: Arrays = field(default_factory=Arrays)
    rounds: tuple[Round, ...] = ()
    done: bool = False

    def is_over(self, count: int) -> bool:
        """Returns whether no round comes any more, of so many at most."""
        return self.done or len(self.rounds) >= count

    def after(
        self,
        taken: Sequence[Contribution | MaskedContribution],
        fused: Fused,
        left_out: dict[str, str],
    ) -> "TrainingState":
        """The state after one more round.

        Args:
            taken: Contributions of the round.
            fused: The result of their fusion.
            left_out: Why other children are not in it, by child.

        Returns:
            The new state.

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
        records = {it.child: _record(it, fused) for it in taken}
        round_ = Round(taken=records, left_out=left_out, model=digest(fused.parameters))
        parameters = {name: np.asarray(it) for name, it in fused.parameters.items()}
        return TrainingState(parameters, fused.state, (*self.rounds, round_), fused.done)

    def noting(self, second_processes: Sequence[str]) -> "TrainingState":
        """The same state, where the last round's record names second processes of children."""
        *before, last = self.rounds
        noted = msgspec.structs.replace(last, second_processes=tuple(second_processes))
        return replace(self, rounds=(*before, noted))


def _record(taken: Contribution | MaskedContribution, fused: Fused) -> ContributionRecord:
    weight = fused.weights.get(taken.child)
    return ContributionRecord(
        samples=taken.samples,
        digest=taken.digest,
        metrics=taken.metrics,
        weight=None if weight is None else float(weight),
        evidence={name: float(it) for name, it in fused.evidence.get(taken.child, {}).items()},
    )
