"""Reads and checks all that one party of a job over aligned columns brings."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.core.errors import PolicyError, SpecError, naming_file
from isthmus.core.extras import require_module
from isthmus.data import fingerprint, reading
from isthmus.data.spec import Dataset
from isthmus.data.table import ColumnCoding, Table
from isthmus.jobs.aligned import stored
from isthmus.jobs.aligned.job import (
    alignment_of,
    most_columns,
    preparation_of,
    training_spec,
)
from isthmus.jobs.load import load_party
from isthmus.jobs.party import Party
from isthmus.jobs.plan import Loaded, PartyPlan
from isthmus.tee.evidence import SIMULATION, SIMULATION_ALLOWED, Kind
from isthmus.vertical.preparation import system as preparing
from isthmus.vertical.preparation.own import Own
from isthmus.vertical.scoring_system import StoredPart
from isthmus.vertical.system import Encrypts


@dataclass(frozen=True)
class AsTrained:
    """What a party trains on."""

    spec: Any
    """What the job says of its system, with the columns that there are now."""

    train: Table
    test: Table | None


@dataclass(frozen=True)
class AlignedPlan(PartyPlan):
    """A plan to align rows with other parties, and mostly to train on them."""

    train: Table = field(repr=False)
    """Rows to train on; in a job that scores with a stored model, the rows to score."""

    test: Table | None = field(repr=False)
    """A test set of its own; None where a share of the training set is kept for testing."""

    stored: StoredPart | None = None
    """Our part of the model that the job scores rows with; None where it trains one."""

    @property
    def tables(self) -> dict[str, Table]:
        """The tables to align, by the names of their data sets."""
        tables = {self.loaded.dataset: self.train}
        if self.loaded.data.test is not None and self.test is not None:
            tables[self.loaded.data.test] = self.test
        return tables

    @cached_property
    def rows_digest(self) -> str:
        """Digest of the rows that we align: positions among others would mean other people."""
        digest = hashlib.sha256()
        for table in self.tables.values():
            for identifier in table.identifiers:
                digest.update(b"%d:" % len(identifier) + identifier)
            digest.update(b";")
        return digest.hexdigest()

    @property
    def written(self) -> tuple[Path, ...]:
        """Runs, and alignments that later runs take up."""
        return (self.runs, self.alignments)

    @property
    def alignments(self) -> Path:
        """The folder of the alignments that we keep, and of how many were started."""
        return self.runs / "alignments"

    @cached_property
    def data_digest(self) -> str | None:
        """Digest of all that we bring to the job; None where rows are asked for one by one."""
        if self.loaded.online:
            return None
        return fingerprint.of_values(
            self.rows_digest,
            *(
                [
                    *(table.features, table.names, table.label, table.weight, table.categories),
                    *(() if table.offset is None else (table.offset,)),
                ]
                for table in self.tables.values()
            ),
        )

    @cached_property
    def as_trained(self) -> "AsTrained":
        """Our rows about as they will be trained on, as far as columns are prepared by then."""
        loaded, spec = self.loaded, preparation_of(self.loaded)
        if spec is None or self.stored is not None:
            return AsTrained(loaded.spec, self.train, self.test)
        dataset, us = self.party.datasets[loaded.dataset], self.party.party
        ours = Own(self.train, dataset.edges, dataset.order)
        train, test = preparing.trial(ours, self.test, spec)
        columns = len(train.names)
        if not self.listens:
            preparing.check_most(spec, columns, most_columns(loaded, us))
        return AsTrained(training_spec(loaded, {us: columns}), train, test)

    @property
    def monotone(self) -> dict[str, int]:
        """Our columns with which a prediction must not fall (1), or not rise (-1)."""
        return self.party.datasets[self.loaded.dataset].signs

    @property
    def simulated(self) -> bool:
        """Whether identifiers may meet in an enclave that protects nothing."""
        ours, trusted = self.party.enclave, self.party.policy.enclaves
        attested = isinstance(alignment_of(self.job), AttestedAlignment)
        return attested and (ours.kind is Kind.SIMULATED or trusted.allow_simulated)

    @property
    def notice(self) -> str:
        """What every reader of the run must know, or nothing."""
        if not self.simulated:
            return ""
        ours = self.party.enclave.kind
        return SIMULATION if ours is Kind.SIMULATED else SIMULATION_ALLOWED

    @property
    def engine(self) -> str:
        """What computes the encryption of the training here; empty where nothing is encrypted."""
        if self.loaded.trains and isinstance(self.loaded.code, Encrypts):
            found: str = self.loaded.code.engine(self.loaded.spec, self.party.compute.engine)
            return found
        return ""

    def endorsements(self) -> bytes:
        """What goes with the evidence of our enclave.

        Returns:
            The content of the file that the party file names, or nothing.

        Raises:
            SpecError: The file cannot be read.
        """
        if self.party.enclave.endorsements is None:
            return b""
        path = self.folder / self.party.enclave.endorsements
        try:
            return path.read_bytes()
        except OSError as error:
            raise SpecError(
                f"{path}: cannot be read: {error.strerror}. Correct `enclave.endorsements` in the "
                "party file."
            ) from None


def make_plan(loaded: Loaded, party_file: Path | None) -> AlignedPlan:
    """Read and check everything that a party brings.

    Args:
        loaded: The job.
        party_file: The party's own file.

    Returns:
        The plan, with the tables loaded.

    Raises:
        SpecError: A file, or the data it names, does not fit the job.
        PolicyError: The party's policy refuses a message that it would have to send, or its enclave
            protects nothing.
    """
    party, file = load_party(loaded, party_file)
    with naming_file(file):
        _check(loaded, party)
    if loaded.scores:
        return _plan_to_score(loaded, party, file)
    train, test = _tables(loaded, party, file.parent)
    plan = AlignedPlan(loaded, party, file, train, test)
    plan.endorsements()  # can it be read?
    if loaded.trains:
        with naming_file(file):
            _ = plan.engine  # can it run here?
            if party.compute.cluster is not None:
                require_module("ray", "the table [compute.cluster]", "ray")
            ours = plan.as_trained
            loaded.system.check_party(ours.spec, party.party, plan.role, ours.train, ours.test)
    return plan


def _tables(loaded: Loaded, party: Party, folder: Path) -> tuple[Table, Table | None]:
    name = loaded.data.test
    if name is None:
        return _table(loaded, party, folder, loaded.dataset), None

    def test(train: Table | None) -> Table:
        coding = reading.UNKNOWN if train is None else train.coding
        return _table(loaded, party, folder, name, coding)

    return reading.load_both(lambda: _table(loaded, party, folder, loaded.dataset), test)


def _plan_to_score(loaded: Loaded, party: Party, file: Path) -> AlignedPlan:
    with naming_file(file):
        found = stored.find(loaded, party, file.parent)
    rows = _table(loaded, party, file.parent, loaded.dataset, stored.coding(found))
    prepared = stored.prepared(found.run)
    rows = rows if prepared is None else prepared(rows)
    plan = AlignedPlan(loaded, party, file, rows, None, found)
    plan.endorsements()  # can it be read?
    with naming_file(file):
        loaded.system.check_part(loaded.spec, found, rows)
    return plan


def _check(loaded: Loaded, party: Party) -> None:
    job = loaded.job
    if party.engine != "grpc":
        raise SpecError(
            f'`engine = "{party.engine}"` is for jobs in rounds, and the parties of this one align '
            "rows: take it out."
        )
    for name in filter(None, (loaded.dataset, loaded.data.test)):
        if name not in party.datasets:
            raise SpecError(f"the job uses data set {name!r}: add a table [datasets.{name}].")
        _check_dataset(loaded, party.party, f"datasets.{name}", party.datasets[name])
    if not isinstance(alignment_of(job), AttestedAlignment):
        return
    if party.enclave.kind is Kind.SIMULATED and not party.policy.enclaves.allow_simulated:
        raise PolicyError(
            f"the job aligns inside enclaves, and that of {party.party!r} is simulated: it "
            "protects nothing. Describe a real one in the table [enclave] of your party file; to "
            "try the job out, set `policy.enclaves.allow_simulated = true`."
        )


def _check_dataset(loaded: Loaded, party: str, key: str, dataset: Dataset) -> None:
    job = loaded.job
    if loaded.trains:
        role = job.parties[party].role
        if role == "active" and dataset.label is None and _needs_label(loaded, key):
            raise SpecError(
                f"{party!r} is active in this job: name the label column in `{key}.label`."
            )
        if role == "passive" and dataset.label is not None:
            raise SpecError(
                f"{party!r} is passive in this job and must not bring a label: remove "
                f"`{key}.label`, or the roles in the job are swapped."
            )
        if not loaded.scores:
            loaded.system.check_dataset(loaded.spec, role, key, dataset)
            preparing.check_dataset(preparation_of(loaded), key, dataset)
    identifiers = loaded.data.identifiers
    if len(dataset.identifiers) != len(identifiers):
        raise SpecError(
            f"`{key}.identifiers` names {len(dataset.identifiers)} columns where the job "
            f"identifies a row by {len(identifiers)}: {', '.join(identifiers)}."
        )


def _needs_label(loaded: Loaded, key: str) -> bool:
    """Whether a data set of the active party cannot do without: rows are scored with or without."""
    return not loaded.scores and key == f"datasets.{loaded.dataset}"


def _table(
    loaded: Loaded, party: Party, folder: Path, name: str, coding: ColumnCoding | None = None
) -> Table:
    job, dataset = loaded.job, party.datasets[name]
    if not loaded.trains:  # identifiers are all that it takes
        dataset = msgspec.structs.replace(dataset, label=None, columns=())
    elif loaded.scores and coding is not None:
        dataset = stored.as_trained(dataset, coding)
    preparation = preparation_of(loaded)
    if preparation is not None and preparing.reads_empty_cells(preparation):
        kept = "keep" if dataset.missing == "error" else dataset.missing
        dataset = msgspec.structs.replace(dataset, missing=kept)
    rows = reading.load(
        dataset,
        folder,
        loaded.data.normalise,
        coding,
        numbers_only=loaded.trains and loaded.system.NUMBERS_ONLY and preparation is None,
    )
    limit = job.parties[party.party].rows
    if limit is not None and len(rows) > limit:
        raise SpecError(
            f"data set {name!r} has {len(rows)} rows, and the job lets {party.party!r} bring "
            f"{limit}: agree on a higher `parties.{party.party}.rows`."
        )
    fewest = alignment_of(job).minimum_size
    if len(rows) < fewest:
        raise SpecError(
            f"data set {name!r} has {len(rows)} rows, and the job asks for {fewest} shared rows: "
            "bring more, or agree on a lower `alignment.minimum_size`."
        )
    return rows
