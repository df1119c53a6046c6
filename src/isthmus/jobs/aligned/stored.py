"""Finds this party's part of a model that an earlier run trained, by the digest of the model."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from isthmus.core.errors import SpecError
from isthmus.data.spec import Dataset
from isthmus.data.table import ColumnCoding
from isthmus.jobs import registry
from isthmus.jobs.aligned.results import ScoredResult, TrainedResult
from isthmus.jobs.job import Job
from isthmus.jobs.party import Party
from isthmus.jobs.plan import Loaded
from isthmus.store.runs import Run
from isthmus.vertical.preparation.columns import Prepared
from isthmus.vertical.preparation.spec import Scorecard
from isthmus.vertical.scoring_system import StoredPart


class _Trained(msgspec.Struct, frozen=True):
    """What tells a run that trained from others."""

    kind: str
    model: str = ""
    party: str = ""
    role: str = ""
    system: str = ""


def find(loaded: Loaded, party: Party, folder: Path) -> StoredPart:
    """Find the run that trained our part of a model.

    Args:
        loaded: The job, which scores with the model.
        party: This party.
        folder: The folder of its file.

    Returns:
        Our part.

    Raises:
        SpecError: No run here trained it, or it was trained by others, or in other roles.
    """
    digest: str = loaded.system.model(loaded.spec)
    places = [folder / path for path in (party.runs, *party.models)]
    for place in (*places, *loaded.models):
        for run, result in _results(place, party.party):
            if result.model == digest and result.party == party.party:
                _check_parties(loaded, run)
                return StoredPart(run, result.system, result.party, result.role)
    looked = ", ".join(str(place) for place in places)
    raise SpecError(
        f"`prediction.model` is {digest[:12]}..., and no run of {party.party!r} in {looked} "
        "trained it. Parts of other runs do not fit, even of the same job. If the run lies "
        "elsewhere, name its folder in `models` of your party file; otherwise ask who wrote the "
        "job which run it means."
    )


def trained_beside(run: Run, result: ScoredResult) -> Run:
    """Find the run that trained the model with which a run beside it scored rows.

    Args:
        run: The run that scored rows.
        result: Its result.

    Returns:
        The run that trained the model.

    Raises:
        SpecError: It is not in the folder of the other one.
    """
    runs = run.folder.parent
    for place in (runs, runs.parent):  # a simulated run has a folder for each party
        for trained, found in _results(place, result.party):
            if found.model == result.model and found.party == result.party:
                return trained
    raise SpecError(
        f"{run.folder}: this run scored rows with the model {result.model[:12]}..., and no run "
        "beside it trained that. Name the folder of the run that did."
    )


def coding(stored: StoredPart) -> ColumnCoding:
    """How the columns of the rows trained on became numbers."""
    return stored.run.read_json(stored.run.columns.name, ColumnCoding)


class StoredColumns(msgspec.Struct, frozen=True):
    """The file of a run that says how it has prepared its columns."""

    rows: str
    """Digest of the training rows and their columns: a resumed run goes on with the same ones."""

    prepared: Prepared
    scorecard: Scorecard | None = None
    """The table of the job; None if it has none."""


def prepared_columns(run: Run) -> StoredColumns | None:
    """Returns what a run has kept of its prepared columns; None if it has prepared none."""
    if not run.preparation.exists():
        return None
    return run.read_json(run.preparation.name, StoredColumns)


def prepared(run: Run) -> Prepared | None:
    """Returns how a run has prepared its columns; None if it has not."""
    kept = prepared_columns(run)
    return None if kept is None else kept.prepared


def as_trained(dataset: Dataset, trained: ColumnCoding) -> Dataset:
    """A data set to score: what its table does not say is as in training.

    Args:
        dataset: Its table in the party file.
        trained: How the columns of the rows trained on became numbers.

    Returns:
        The table with columns, categorical columns and empty cells as in training.
    """
    default = Dataset(path="")
    everything = dataset.columns == default.columns
    return replace(
        dataset,
        columns=trained.names if everything else dataset.columns,
        categorical=dataset.categorical or tuple(trained.categories),
        missing=trained.missing if dataset.missing == default.missing else dataset.missing,
        monotone={},
        edges={},
        order={},
        weight=None,
    )


def _results(place: Path, party: str) -> Iterator[tuple[Run, _Trained]]:
    """Runs of a party in a folder: the folder itself, runs in it, or parts of simulated ones."""
    for pattern in ("", "*/", f"{party}/", f"*/{party}/"):
        for file in sorted(place.glob(f"{pattern}result.json")):
            try:
                found = msgspec.json.decode(file.read_bytes(), type=_Trained)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError):
                continue  # the result of another kind of run, or none of ours
            if found.kind == "aligned.trained":
                yield Run(file.parent.resolve()), found  # `latest` will be another run soon


def _check_parties(loaded: Loaded, run: Run) -> None:
    trained = run.read_json(run.job.name, Job)
    then = {name: member.role for name, member in trained.parties.items()}
    now = {name: member.role for name, member in loaded.job.parties.items()}
    if then != now:
        told = ", ".join(f"{name} ({role})" for name, role in then.items())
        raise SpecError(
            f"the parties of this job are not those that trained the model in {run.folder}: these "
            f"were {told}. Name the same in `parties`."
        )


_MOST_NAME = 56
"""Characters of a job's name that leave room for our ending."""

_ENDINGS = {(False, False): "score", (True, False): "online", (False, True): "decide"}
"""By whether rows are scored online, and whether they are decided about."""


def scoring_job(
    run: Run,
    result: TrainedResult,
    earlier: Job,
    dataset: str | None,
    *,
    online: bool,
    cut: float | None,
) -> Job:
    """Make a job that scores with the model of one party's run.

    Args:
        run: The run.
        result: Its result.
        earlier: Its job.
        dataset: Name of the data set to score; None: the one that was trained on.
        online: Whether rows are scored one by one, as the active party asks for them.
        cut: Score above which the active party learns a decision, in place of all scores.

    Returns:
        The job; `disclosed` is empty.

    Raises:
        SpecError: The run is of a version that did not name its model, or not of the active party
            where only that one knows what all parties will send.
    """
    if not result.model:
        raise SpecError(f"{run.folder}: an earlier version trained this model. Train it again.")
    if result.role != "active" and len(earlier.parties) > 2:  # noqa: PLR2004
        raise SpecError(
            f"{run.folder}: with several passive parties only the active one can write this job: "
            "it knows what each of them will send."
        )
    system = registry.load_system(registry.row(_TABLE))
    stored = StoredPart(run, result.system, result.party, result.role)
    table = system.of_run(stored, result.model, online=online, cut=cut)
    system.check_parties(
        table, [name for name, each in earlier.parties.items() if each.role != "active"]
    )
    tables = {row.table: None for row in registry.ROWS} | {_TABLE: table, "preparation": None}
    data = earlier.tables["data"]
    return earlier.replace(
        **tables,
        name=f"{earlier.name[:_MOST_NAME].rstrip('-')}-{_ENDINGS[online, cut is not None]}",
        data=replace(data, train=None, test=None, score=dataset or data.train),
        expected=None,
        disclosed=[],
    )


_TABLE = "prediction"
