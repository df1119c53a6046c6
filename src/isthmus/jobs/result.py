"""What a finished run says about itself, in result.json."""

import msgspec

from isthmus.evaluation.description import Learned
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.store.runs import Run


class Egress(msgspec.Struct, frozen=True):
    """What left a party."""

    messages: int
    bytes: int


class Alignment(msgspec.Struct, frozen=True):
    """How the shared rows were found, and how many there are."""

    method: str
    protects: bool  # whether identifiers were safe; not where simulated enclaves are accepted
    size: int | None  # None where the job does not tell this party
    reused: bool  # whether an earlier run found them
    notice: str = ""  # what every reader must know


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What every result of one party says."""

    job: str
    digest: str
    version: str
    party: str
    role: str
    peers: list[str]
    started: str
    rows: dict[str, int]
    seconds: dict[str, float]
    egress: Egress
    learned: list[Learned]


class AlignmentResult(RunResult, frozen=True, kw_only=True):
    """One party's result of a run that ended with the alignment."""

    alignment: Alignment


class Result(AlignmentResult, frozen=True, kw_only=True):
    """One party's result of a run that trained."""

    system: str
    columns: int
    metrics: dict[str, float]
    rounds: int
    converged: bool
    ending: str  # how training ended, in a few words
    curve: list[dict[str, float]]
    leakage: dict[str, float] = {}  # how much other parties can have learned of the labels


class RoundsResult(RunResult, frozen=True, kw_only=True):
    """One party's result of a run in rounds."""

    system: str
    network: str  # its type
    rule: str  # of fusion
    privacy: Privacy
    model: str  # SHA-256 of its parameters
    metrics: dict[str, float]
    rounds: int
    ending: str  # how training ended, in a few words
    weights: dict[str, float] = {}  # what each child counted for in the last round, at the master
    suspects: dict[str, list[str]] = {}  # why, by child, at the master
    holders: list[str] = []  # children that keep the model, at the master


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """What every result of a simulated run says."""

    job: str
    digest: str
    version: str
    parties: dict[str, str]
    seconds: dict[str, float]
    egress: dict[str, Egress]


class SimulatedRounds(Simulated, frozen=True, kw_only=True):
    """All parties' results of a simulated run in rounds, and what they are compared with."""

    rows: dict[str, dict[str, int]]  # by party
    metrics: dict[str, dict[str, float]]  # by measure, then by party or by way of training
    model: str
    rounds: int
    ending: str
    weights: dict[str, float]  # of each child in the last round
    suspects: dict[str, list[str]]
    reports: dict[str, str]


class SimulatedAlignment(Simulated, frozen=True, kw_only=True):
    """All parties' results of a simulated run that ended with the alignment."""

    alignment: Alignment


class SimulationResult(SimulatedAlignment, frozen=True, kw_only=True):
    """All parties' results of a simulated run, and the central model beside them."""

    rows: dict[str, int]
    metrics: dict[str, float]
    rounds: int
    converged: bool
    ending: str
    leakage: dict[str, float] = {}
    reports: dict[str, str]


def is_simulation(run: Run) -> bool:
    """Whether a run folder is that of a simulated run, with one folder per party in it."""
    return "parties" in run.read_json(run.result.name, dict[str, object])


def in_rounds(run: Run) -> bool:
    """Whether a finished run trained a network in rounds."""
    return "suspects" in run.read_json(run.result.name, dict[str, object])


def has_trained(run: Run) -> bool:
    """Whether a finished run went on after the alignment."""
    return "metrics" in run.read_json(run.result.name, dict[str, object])
