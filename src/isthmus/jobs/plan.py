"""A job that is read and resolved, the plan of a run, and the functions of a family's module."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast, runtime_checkable

import msgspec

from isthmus.core.telemetry import Sink
from isthmus.jobs.job import Data, Job
from isthmus.jobs.party import Party
from isthmus.jobs.registry import Row
from isthmus.jobs.result import Summary
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.store.runs import Run
from isthmus.system import NamesData, ScoresRows


@dataclass(frozen=True)
class Loaded:
    """A job file, read once, with the code that it asks for."""

    job: Job
    path: Path
    family: "FamilyCode"
    row: Row | None
    """None where the job trains nothing and ends with the alignment."""

    code: ModuleType | None
    """The module of the system; None likewise."""

    models: tuple[Path, ...] = ()
    """Folders of runs in which models to score with lie, besides those that party files name."""

    @property
    def trains(self) -> bool:
        """Whether the job has the table of a system, so that more follows than an alignment."""
        return self.row is not None

    @property
    def system(self) -> Any:
        """The module of the system; each family knows which functions it holds."""
        assert self.code is not None, "ask `trains` first"  # noqa: S101 - a mistake of ours
        return self.code

    @property
    def table(self) -> str:
        """The table of the system in the job file."""
        assert self.row is not None, "ask `trains` first"  # noqa: S101 - a mistake of ours
        return self.row.table

    @property
    def spec(self) -> Any:
        """What the job says of its system."""
        return self.job.tables[self.table]

    @property
    def data(self) -> Data:
        """What the job says of the data sets that it uses."""
        assert self.job.data is not None, "ask `names_data` first"  # noqa: S101 - likewise
        return self.job.data

    @property
    def scores(self) -> bool:
        """Whether the job scores rows with the model of an earlier run, and trains nothing."""
        return isinstance(self.code, ScoresRows)

    @property
    def online(self) -> bool:
        """Whether it scores rows one by one, as the first party asks for them."""
        return isinstance(self.code, ScoresRows) and self.code.online(self.spec)

    @property
    def dataset(self) -> str:
        """Name of the data set that the job is about: the one to train on, or to score."""
        name = self.data.score if self.scores else self.data.train
        assert name is not None, "`load_job` refuses a job without"  # noqa: S101 - likewise
        return name

    @property
    def names_data(self) -> bool:
        """Whether the table of the system names the data, so that the job has no `[data]`."""
        return isinstance(self.code, NamesData)

    @property
    def peers(self) -> "PartyFamilyCode":
        """The code of a family with peers; only jobs with `parties` have one."""
        return cast(PartyFamilyCode, self.family)

    @property
    def folder(self) -> Path:
        """Folder of the job file."""
        return self.path.parent

    @property
    def first(self) -> str:
        """The party that listens: it plays the first role of the family."""
        return self.job.in_role(self.family.ROLES[0])

    def neighbours(self, party: str) -> list[str]:
        """Parties that a party has a line to: all lines lead to the first party."""
        return list(self.job.peers(party)) if party == self.first else [self.first]


@dataclass(frozen=True)
class Plan:
    """All that a run needs: what the job asks for, and the data of this machine."""

    loaded: Loaded

    @property
    def job(self) -> Job:
        """The job."""
        return self.loaded.job

    @property
    def digest(self) -> str:
        """Digest of the job."""
        return self.job.digest

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.loaded.folder / "runs"

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders that a run writes into."""
        return (self.runs,)

    @cached_property
    def data_digest(self) -> str | None:
        """Digest of the data of this machine; None where another run may well find others."""
        return None

    @property
    def engine(self) -> str:
        """What computes encryption that engines differ in, or nothing."""
        return ""

    @property
    def notice(self) -> str:
        """What every reader of the run must know, or nothing."""
        return ""


@dataclass(frozen=True)
class PartyPlan(Plan):
    """A plan of one party among others."""

    party: Party
    party_file: Path

    @property
    def folder(self) -> Path:
        """Folder of the party file: paths in it are seen from here."""
        return self.party_file.parent

    @property
    def runs(self) -> Path:
        """The folder of all our runs."""
        return self.folder / self.party.runs

    @property
    def role(self) -> str:
        """Our role in the job."""
        return self.job.parties[self.party.party].role

    @property
    def first(self) -> str:
        """The party that listens."""
        return self.loaded.first

    @property
    def listens(self) -> bool:
        """Whether that is us."""
        return self.first == self.party.party

    @property
    def neighbours(self) -> list[str]:
        """Parties that we have a line to."""
        return self.loaded.neighbours(self.party.party)

    @property
    def needs_identity(self) -> bool:
        """Whether lines of our own carry the job, on which a certificate proves who we are."""
        return True


class Estimate(msgspec.Struct, frozen=True):
    """How long a run computes, by a short measurement on this machine."""

    alignment: float
    """Seconds."""

    per_round: float
    """Seconds of all parties, one after the other."""

    rounds: int
    at_most: bool
    """Whether there are so many rounds at most; False where the job expects them."""

    preparation: float = 0.0
    """Seconds of all parties before the first round, likewise."""


class Ready(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What this machine brings to a job."""

    party: str = ""
    role: str = ""
    rows: int = 0
    columns: list[str] = []
    test_rows: int | None = None
    address: str = ""
    certificate_expires: str = ""
    notice: str = ""
    facts: dict[str, str] = {}
    """What else is worth knowing of the data, by name."""

    warnings: list[str] = []
    """Limits that the run may reach after it has begun, and what may not be meant in the data."""

    estimate: Estimate | None = None
    """None where nothing is known of the time."""


@runtime_checkable
class FamilyCode(Protocol):
    """The functions of a family's module, `jobs/<family>/family.py`."""

    ROLES: tuple[str, ...]
    """The party in the first role listens, the others dial; none where there are no peers."""

    RESULTS: Any
    """Union of the result structs that its runs write, told apart by their `kind`."""

    def check(self, loaded: Loaded, /) -> None:
        """Raise a SpecError where the job file contradicts itself, seen without data."""
        ...

    def steps(self, loaded: Loaded, /) -> list[str]:
        """Returns what will happen, in order, a sentence each."""
        ...

    def plan(self, loaded: Loaded, party_file: Path | None, /) -> Plan:
        """Read and check all that this machine brings."""
        ...

    def ready(self, plan: Any, /) -> Ready:
        """Check keys and addresses, and return what this machine brings."""
        ...

    def peak(self, plan: Any, /) -> int:
        """Returns about how many bytes of memory a run takes here at most."""
        ...

    def play(self, plan: Any, into: Path | None, watch: Sink, /) -> Run:
        """Run this machine's side of the job to its end."""
        ...

    def align(self, plan: Any, into: Path | None, watch: Sink, /) -> Run:
        """Find the shared rows and stop there; a SpecError where there are none to find."""
        ...

    def summary(self, run: Run, result: Any, /) -> Summary:
        """Returns the end of a run for people."""
        ...

    def page(self, run: Run, simulated: Run | None, /) -> str:
        """Returns the report of a run as HTML."""
        ...


@runtime_checkable
class PartyFamilyCode(FamilyCode, Protocol):
    """What the module of a family with peers holds besides."""

    ENDS_WITH_DONE: bool
    """Whether parties end by telling each other that they have all they need."""

    def flows(self, loaded: Loaded, other: str, sizes: Sizes, /) -> list[list[Flow]]:
        """Returns what crosses between the first party and another one, step by step."""
        ...

    def smallest(self, loaded: Loaded, /) -> Sizes:
        """Returns sizes with which every message of the job crosses at least once."""
        ...

    def expected(self, plan: Any, /) -> Sizes:
        """Returns what to reckon with before a run."""
        ...

    def measured(self, plan: Any, run: Run, /) -> Sizes:
        """Returns the sizes that a finished run of this plan had."""
        ...

    def assumptions(self, plan: Any, sizes: Sizes, /) -> dict[str, int]:
        """Returns the sizes that a forecast depends on, by name."""
        ...

    def put_together(self, loaded: Loaded, run: Run, seconds: float, /) -> Any:
        """Returns the result of a simulated run, from the results of its parties."""
        ...

    def compare(self, loaded: Loaded, plans: Mapping[str, Any], run: Run, result: Any, /) -> Any:
        """Returns the result of a simulated run beside the same model trained in one place."""
        ...
