"""Results of jobs in rounds."""

from isthmus.evaluation.description import Metrics
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.horizontal.system import VocabularyFacts
from isthmus.jobs.result import PartyResult, SimulatedResult
from isthmus.outcomes import Traffic


class RoundsResult(PartyResult, frozen=True, kw_only=True, tag="rounds.party"):
    """One party's result of a run in rounds."""

    system: str
    network: str  # its type
    rule: str  # of fusion
    privacy: Privacy
    model: str  # SHA-256 of its parameters
    metrics: Metrics
    rounds: int
    ending: str  # how training ended, in a few words
    epsilon: float | None = None  # what the noise that this party adds has cost, in all rounds
    weights: dict[str, float] = {}  # what each child counted for in the last round, at the master
    suspects: dict[str, list[str]] = {}  # why, by child, at the master
    holders: list[str] = []  # children that keep the model, at the master


class SimulatedRounds(SimulatedResult, frozen=True, kw_only=True, tag="rounds.simulated"):
    """All parties' results of a simulated run in rounds, and what they are compared with."""

    system: str
    rows: dict[str, dict[str, int]]  # by party
    metrics: Metrics  # of the master's samples; where it has none, means over the children
    metrics_by_party: dict[str, Metrics]
    model: str
    rounds: int
    ending: str
    weights: dict[str, float]  # of each child in the last round
    suspects: dict[str, list[str]]
    reports: dict[str, str]
    traffic: Traffic | None = None  # that all parties sent together
    vocabulary: VocabularyFacts | None = None  # of a network that has one


AnyRoundsResult = RoundsResult | SimulatedRounds
