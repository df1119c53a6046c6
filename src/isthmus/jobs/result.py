"""Structs of result.json, which a finished run leaves.

Results are a tagged union: `kind` is `<family>.<what>`, so that whoever reads one needs to know no
family. Metrics are nested everywhere: value by measure, then by model.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from isthmus.evaluation.comparison import TextTable
from isthmus.evaluation.description import Learned, PartialMetrics


class Egress(msgspec.Struct, frozen=True):
    """What left a party."""

    messages: int
    bytes: int


class Exposed(msgspec.Struct, frozen=True):
    """How much of one kind a peer was told at the most, over all runs of a party."""

    peer: str
    what: str  # in words
    run: float  # by this run
    total: float  # by this run and all before it, over the same data or rows
    most: float | None  # that the policy or the job allows; None: no limit
    kind: str = ""  # of what, by name: `vertical/system.py:EQUATIONS` and the like

    @property
    def words(self) -> str:
        """How much it is, and of how much."""
        limit = "" if self.most is None else f" of {self.most:,.4g}"
        return f"{self.total:.4g}{limit} {self.what}"

    @property
    def sentence(self) -> str:
        """The same as a sentence for people."""
        return (
            f"Over all runs on these data, {self.peer} was told {self.words}; this run told "
            f"{self.run:,.4g} of them at most."
        )


class WithExposure(msgspec.Struct, frozen=True):
    """The part of a result that says what peers were told over all runs, whatever its kind."""

    exposure: list[Exposed] = []


class AnyResult(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every result says."""

    job: str
    digest: str
    version: str
    seconds: dict[str, float]
    missing: dict[str, str] = {}  # why a figure, a comparison or a page is missing, by its name


class PartyResult(AnyResult, frozen=True, kw_only=True):
    """What every result of one party among others says."""

    party: str
    role: str
    peers: list[str]
    started: str
    rows: dict[str, int]
    egress: Egress
    learned: list[Learned]
    engine: str = ""  # what computed this party's encryption, where engines differ in that


class SimulatedResult(AnyResult, frozen=True, kw_only=True):
    """What every result of a simulated run says: all parties were on this machine."""

    parties: dict[str, str]
    egress: dict[str, Egress]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found with one choice of values."""

    values: dict[str, Any]  # by dotted key of the job
    metrics: dict[str, float]  # of the joint model, by measure; the mean over all repetitions
    deviations: dict[str, float]  # standard deviation over the repetitions, by measure
    rounds: float  # the mean
    seconds: float  # of all repetitions
    runs: list[str]  # folders of the repetitions
    failed: list[str] = []  # why repetitions have no result


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What all repetitions of a search told a reader with messages of one type."""

    message: str
    direction: str
    learns: str
    count: int  # in all repetitions
    per_run: float


class SearchResult(AnyResult, frozen=True, kw_only=True):
    """The result of a search: the same training with several values, over one alignment."""

    started: str
    folds: int  # 0: each choice was trained once, and scored on the test rows
    measure: str  # the best trial is best by this one
    trials: list[Trial]  # the best first
    told: list[Told]
    equations: float | None  # about each label, that all repetitions told; None: not counted


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a run for people: what a terminal and a notebook show of it."""

    metrics: PartialMetrics = {}
    measured_on: str = "test rows"
    tables: Sequence[TextTable] = []

    facts: list[tuple[str, str]] = []
