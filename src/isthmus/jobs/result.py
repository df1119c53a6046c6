"""Structs of result.json, which a finished run leaves.

Results are a tagged union: `kind` is `<family>.<what>`, so that whoever reads one needs to know no
family. Metrics are nested everywhere: value by measure, then by model.
"""

from collections.abc import Sequence

import msgspec

from isthmus.evaluation.comparison import TextTable
from isthmus.evaluation.description import Learned, PartialMetrics


class Egress(msgspec.Struct, frozen=True):
    """What left a party."""

    messages: int
    bytes: int


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


class SimulatedResult(AnyResult, frozen=True, kw_only=True):
    """What every result of a simulated run says: all parties were on this machine."""

    parties: dict[str, str]
    egress: dict[str, Egress]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a run for people: what a terminal and a notebook show of it."""

    metrics: PartialMetrics = {}
    tables: Sequence[TextTable] = []

    facts: list[tuple[str, str]] = []
