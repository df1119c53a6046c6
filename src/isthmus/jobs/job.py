"""The job file: what the parties agree on, or what one organisation trains by itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
from msgspec import Meta

from isthmus.core import spec
from isthmus.core.spec import NamesFiles, Spec
from isthmus.data.spec import Dataset, Normalisation
from isthmus.jobs.registry import FAMILIES, ROWS

Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z",
        description="a name of a-z, 0-9 and -, at most 63 long",
    ),
]

Rows = Annotated[int, Meta(ge=1, le=10**10)]


class Member(Spec, frozen=True):
    """One party of a job."""

    role: Annotated[
        str,
        Meta(description="active: has the labels, passive: has columns only; or master and child"),
    ]
    rows: Annotated[
        Rows | None,
        Meta(description="most rows that this party may bring to the alignment; none: no limit"),
    ] = None
    fingerprint: Annotated[
        Annotated[str, Meta(pattern=r"^([0-9a-f]{4} ?){15}[0-9a-f]{4}\Z")] | None,
        Meta(
            description="SHA-256 of this party's certificate, as `isthmus keys show` prints it: "
            "where updates or shares are summed under masks, those who sum know each other's keys "
            "by it"
        ),
    ] = None


class Fold(Spec, frozen=True):
    """One of several equal parts of the rows to train on, which is scored in place of test rows."""

    part: Annotated[int, Meta(ge=1, le=100, description="number of the part, from 1")]
    of: Annotated[int, Meta(ge=2, le=100, description="number of parts")]

    def __post_init__(self) -> None:
        """Refuse a part that is not there.

        Raises:
            ValueError: There are fewer parts.
        """
        if self.part > self.of:
            raise ValueError(f"part {self.part} of {self.of} is not there")


class Data(Spec, frozen=True):
    """Which data sets the job uses. Where they lie is every party's own affair."""

    train: Annotated[
        Name | None, Meta(description="name of the data set to train on; none for [prediction]")
    ] = None
    score: Annotated[
        Name | None,
        Meta(
            description="name of the data set that [prediction] scores, with or without labels; "
            "it may be the one that was trained on"
        ),
    ] = None
    identifiers: Annotated[
        list[str],
        Meta(
            description="what identifies a row; party files name their columns. None where the "
            "parties hold samples of their own, and where one organisation trains alone"
        ),
    ] = []
    test: Annotated[
        Name | None, Meta(description="name of a data set of its own to score, in place of a share")
    ] = None
    test_share: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="share of the ids kept for scoring, unless there is a `test`",
        ),
    ] = 0.2
    fold: Annotated[
        Fold | None,
        Meta(
            description="keep one part of the rows to train on, and score it in place of test "
            "rows, as each repetition of a search does; none: train on all of them"
        ),
    ] = None
    normalise: Annotated[
        list[Normalisation],
        Meta(description="what both parties do to every id before comparing, in this order"),
    ] = []


class Expected(Spec, frozen=True):
    """What the parties reckon with; `isthmus explain` forecasts with it, nothing else uses it."""

    shared_rows: Annotated[int, Meta(ge=1, le=10**10, description="rows that all parties hold")]
    rounds: Annotated[int, Meta(ge=1, le=10**6, description="rounds until training ends")]
    columns: Annotated[
        int, Meta(ge=1, le=10**6, description="columns of a passive party, for boosting")
    ] = 1
    functions: Annotated[
        int,
        Meta(
            ge=0,
            le=32,
            description="products that make up a probability in a round, for a regression at the "
            "level shared; 0: as many as the job allows",
        ),
    ] = 0


class AnyJob(Spec, frozen=True):
    """What every job says, whatever it trains."""

    name: Annotated[Name, Meta(description="name of the job; runs are named after it")]
    seed: Annotated[
        int, Meta(ge=0, description="decides which rows train, in which batch, and which are kept")
    ]
    data: Annotated[
        Data | None,
        Meta(description="which data sets it uses; none where the table of the system names data"),
    ] = None
    parties: Annotated[
        dict[Name, Member],
        Meta(description="who takes part, by name; none where one organisation trains alone"),
    ] = {}
    disclosed: Annotated[
        list[str],
        Meta(description="messages that tell their reader something, and that all agree to"),
    ] = []
    expected: Expected | None = None

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a job file.

        Args:
            path: The file.

        Returns:
            The job; paths of data in it are absolute, so that they lead to the same files from
            everywhere.

        Raises:
            SpecError: The file is not that of a job.
        """
        return spec.load(Path(path), cls).anchored(Path(path).parent)

    def anchored(self, folder: Path) -> Self:
        """Copy the job with paths that lead to the same files from everywhere.

        Args:
            folder: The folder that paths in the job are relative to.

        Returns:
            The job with absolute paths.
        """
        datasets: dict[str, Dataset] = self.tables.get("datasets") or {}
        moved: dict[str, Any] = {
            name: table.anchored(folder)
            for name, table in self.tables.items()
            if isinstance(table, NamesFiles)
        }
        if datasets:
            moved["datasets"] = {name: data.anchored(folder) for name, data in datasets.items()}
        return msgspec.structs.replace(self, **moved)

    def save(self, path: str | Path) -> None:
        """Write the job as a file, which keeps no comments."""
        spec.save(self.replace(), Path(path))

    def replace(self, **tables: Any) -> Self:
        """Copy the job with other values.

        Args:
            **tables: New values of top-level keys, for example `regression=Regression(...)` or
                `regression={"family": "binomial"}`; None takes a table out.

        Returns:
            The new job.

        Raises:
            SpecError: A key is unknown, or a value does not fit.
        """
        return spec.convert(self.tables | tables, type(self), "job")

    @property
    def digest(self) -> str:
        """SHA-256 of all that the job says: parties compare it before anything else happens."""
        return spec.digest(self)

    @property
    def tables(self) -> dict[str, Any]:
        """What the job says by top-level key; None for a table that is not in it."""
        return msgspec.structs.asdict(self)

    def in_role(self, role: str) -> str:
        """Name of the one party that plays a role."""
        return next(name for name, member in self.parties.items() if member.role == role)

    def peers(self, party: str) -> Mapping[str, Member]:
        """The other parties."""
        return {name: member for name, member in self.parties.items() if name != party}


def _tables() -> list[tuple[str, Any, None]]:
    """Every table of a family or a system; the digest of a job leaves out those it does not use."""
    of_families = [(name, kind) for family in FAMILIES for name, kind in family.tables.items()]
    of_systems = [(row.table, row.spec) for row in ROWS]
    return [(name, kind | None, None) for name, kind in (*of_families, *of_systems)]


if TYPE_CHECKING:  # the registry says at run time which tables there are

    class Job(AnyJob, frozen=True):
        """A job file: the same at every party."""

        def __getattr__(self, table: str) -> Any: ...

else:
    Job = msgspec.defstruct(
        "Job",
        _tables(),
        bases=(AnyJob,),
        module=__name__,
        namespace={
            "__doc__": "A job file: the same at every party, compared by digest before anything "
            "else happens."
        },
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
