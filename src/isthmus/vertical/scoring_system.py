"""The interface between `jobs` and systems that score aligned rows with a stored model."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from isthmus.core.arrays import Floats, Integers
from isthmus.core.telemetry import Telemetry
from isthmus.data.table import Table
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.ledger.record import Record
from isthmus.store.runs import Run
from isthmus.system import ScoresRows
from isthmus.transport.channel import Channel
from isthmus.vertical.system import Measured

if TYPE_CHECKING:  # they load Arrow, and keys
    from isthmus.crypto.identity import Identity
    from isthmus.data.scores import Scores


@dataclass(frozen=True)
class StoredPart:
    """One party's part of a model that a finished run trained."""

    run: Run
    system: str
    """Table of the system in the job of that run."""

    party: str
    role: str


@dataclass(frozen=True)
class ScoringContext:
    """The inputs of a role that scores rows with a stored model."""

    peers: Mapping[str, Channel]
    """The channel to each peer, by name."""

    rows: Table
    """The rows to score, in the common order."""

    part: StoredPart
    telemetry: Telemetry

    identity: "Identity | None" = field(default=None, kw_only=True)
    """Who we are to other passive parties, where they sum something under masks."""


@dataclass(frozen=True)
class OnlineContext(ScoringContext):
    """The inputs of a role that scores rows online; `rows` are all that may be asked for."""

    requests: Counter[int]
    """Counts the requests of the run, by their number of rows; the last one is for none."""

    wait: Callable[[], bool]
    """Waits for the next request, at a passive party; False if it is to stop instead."""


class Asks(Protocol):
    """Scores rows online, at the active party."""

    def __call__(self, rows: Table, positions: Integers, /) -> Floats:
        """Returns scores of rows, given their positions among all shared ones."""
        ...

    def end(self) -> list[str]:
        """Ask no more; returns the names of the parties that know it now."""
        ...


@dataclass(frozen=True)
class Scored:
    """What scoring gave one party."""

    scores: "Scores | None" = None
    """At the active party."""

    measure: Callable[[], Measured] = Measured
    """Measures the scores where labels are known. Called after the scores are stored."""


@runtime_checkable
class ScoringSystem(ScoresRows, Protocol):
    """The functions of a system that scores aligned rows with a stored model: a module."""

    def scoring_steps(self, spec: Any, /) -> Sequence[str]:
        """Returns what will happen after the alignment, in order, a sentence each."""
        ...

    def check_part(self, spec: Any, stored: StoredPart, rows: Table, /) -> None:
        """Raise a SpecError if a part is not what the job says, or does not fit the rows."""

    def forecast(self, spec: Any, passive: str, sizes: Sizes, /) -> list[Flow]:
        """Returns a forecast of the messages between the active party and a passive one."""
        ...

    def of_run(self, stored: StoredPart, model: str, /, *, online: bool, cut: float | None) -> Any:
        """Returns the table of a job that scores with the model of a run."""
        ...

    def score(self, spec: Any, context: ScoringContext, /) -> Scored:
        """Score rows in one role."""
        ...

    def measure_again(self, stored: StoredPart, scores: "Scores", /) -> Measured:
        """Measure scores at the active party, of a run that was stopped meanwhile."""
        ...

    def most_requests(self, spec: Any, /) -> dict[int, int] | None:
        """Returns the requests of a run that take most bytes, by number of rows; None if none."""
        ...

    def recorded(self, spec: Any, party: str, records: Iterable[Record], /) -> Counter[int]:
        """Returns the requests that a ledger of a party knows of, by number of rows."""
        ...

    def ask(self, spec: Any, context: OnlineContext, /) -> Asks:
        """Get ready to score rows online, at the active party."""
        ...

    def answer(self, spec: Any, context: OnlineContext, /) -> bool:
        """Answer requests at a passive party; returns whether the active party ended them."""
        ...
