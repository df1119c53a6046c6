"""Results of jobs over aligned columns."""

from collections.abc import Mapping

import msgspec

from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.validation import Stability, Validation
from isthmus.jobs.result import Exposed, PartyResult, SearchResult, SimulatedResult


class Alignment(msgspec.Struct, frozen=True):
    """How the shared rows were found, and how many there are."""

    method: str
    protects: bool  # whether identifiers were safe; not where simulated enclaves are accepted
    size: int | None  # None where the job does not tell this party
    reused: bool  # whether an earlier run found them
    notice: str = ""  # what every reader must know
    found: dict[str, float] = {}  # share of a party's own rows that is shared, by party
    warnings: list[str] = []  # what may not be meant in the data


class AlignmentResult(PartyResult, frozen=True, kw_only=True, tag="aligned.alignment"):
    """One party's result of a run that ended with the alignment."""

    alignment: Alignment


class TrainedResult(PartyResult, frozen=True, kw_only=True, tag="aligned.trained"):
    """One party's result of a run that trained."""

    alignment: Alignment
    system: str
    model: str = ""  # digest of the trained run, the same at all parties: jobs name the model by it
    columns: int
    metrics: PartialMetrics
    rounds: int
    converged: bool | None  # None where training has no tolerance to reach
    ending: str  # how training ended, in a few words
    curve: list[dict[str, float]]
    prepared: dict[str, int] = {}  # columns that parties train, where they were prepared
    level: str = ""  # of protection, where a system has several
    functions: list[int] = []  # products that made up a residual, in each round at level "shared"
    workers: int = 1  # processes that computed
    leakage: dict[str, float] = {}  # how much other parties can have learned of the labels
    exposure: list[Exposed] = []  # what all runs have told, by peer and kind
    validation: Validation | None = None  # where scores are probabilities and labels are known
    stability: Stability | None = None


class ScoredResult(PartyResult, frozen=True, kw_only=True, tag="aligned.scored"):
    """One party's result of a run that scored rows with a stored model."""

    alignment: Alignment
    model: str  # digest of the run that trained it
    system: str  # what that run trained
    columns: int
    metrics: PartialMetrics  # of the rows whose label is known, at the active party
    validation: Validation | None = None
    stability: Stability | None = None  # against the rows that were trained on
    requests: dict[int, int] | None = None  # online, by their number of rows; the last has none


class SimulatedAlignment(
    SimulatedResult, frozen=True, kw_only=True, tag="aligned.simulated_alignment"
):
    """All parties' results of a simulated run that ended with the alignment."""

    alignment: Alignment


class SimulatedTraining(SimulatedResult, frozen=True, kw_only=True, tag="aligned.simulated"):
    """All parties' results of a simulated run, and the model on pooled columns beside them."""

    alignment: Alignment
    system: str
    model: str = ""
    rows: dict[str, int]
    metrics: PartialMetrics
    rounds: int
    converged: bool | None
    ending: str
    level: str = ""
    engine: str = ""  # of the first party
    workers: dict[str, int] = {}  # of each party
    leakage: dict[str, float] = {}
    validation: Validation | None = None
    stability: Stability | None = None
    reports: dict[str, str]


class SimulatedScoring(SimulatedResult, frozen=True, kw_only=True, tag="aligned.simulated_scoring"):
    """All parties' results of a simulated run that scored rows with a stored model."""

    alignment: Alignment
    model: str
    system: str
    rows: dict[str, int]
    metrics: PartialMetrics
    validation: Validation | None = None
    stability: Stability | None = None
    reports: dict[str, str]


class SearchedResult(SearchResult, frozen=True, kw_only=True, tag="aligned.searched"):
    """The result of a search over one alignment."""


AlignedRun = (
    AlignmentResult
    | TrainedResult
    | ScoredResult
    | SimulatedAlignment
    | SimulatedTraining
    | SimulatedScoring
)

AlignedResult = AlignedRun | SearchedResult


def requests_for_rows(requests: Mapping[int, int]) -> int:
    """Returns how often rows were asked for; the last request is for none."""
    return sum(count for rows, count in requests.items() if rows)
