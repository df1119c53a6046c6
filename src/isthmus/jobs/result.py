"""What a finished run says about itself, in result.json."""

import msgspec

from isthmus.evaluation.report import Learned
from isthmus.store.runs import Run


class Egress(msgspec.Struct, frozen=True):
    """What left a party."""

    messages: int
    bytes: int


class Alignment(msgspec.Struct, frozen=True):
    """How the shared rows were found, and how many there are."""

    method: str
    size: int


class Result(msgspec.Struct, frozen=True):
    """One party's result of a run."""

    job: str
    digest: str
    system: str
    version: str
    party: str
    role: str
    peers: list[str]
    started: str
    alignment: Alignment
    rows: dict[str, int]
    columns: int
    metrics: dict[str, float]
    seconds: dict[str, float]
    egress: Egress
    rounds: int
    converged: bool
    curve: list[dict[str, float]]
    learned: list[Learned]


class SimulationResult(msgspec.Struct, frozen=True):
    """All parties' results of a simulated run, and the central model beside them."""

    job: str
    digest: str
    version: str
    parties: dict[str, str]
    alignment: Alignment
    rows: dict[str, int]
    metrics: dict[str, float]
    seconds: dict[str, float]
    egress: dict[str, Egress]
    rounds: int
    converged: bool
    reports: dict[str, str]


def is_simulation(run: Run) -> bool:
    """Whether a run folder is that of a simulated run, with one folder per party in it."""
    return "parties" in run.read_json(run.result.name, dict[str, object])
