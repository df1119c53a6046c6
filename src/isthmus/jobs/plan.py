"""A job and a party file, read and checked against each other and the data, before any contact."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.core import spec
from isthmus.core.errors import SpecError, naming_file
from isthmus.data import samples, table
from isthmus.data.samples import Samples
from isthmus.data.table import Table
from isthmus.jobs import fit
from isthmus.jobs.agreement import load_job
from isthmus.jobs.party import Party
from isthmus.jobs.spec import Job
from isthmus.jobs.systems import aligns, first, system_of, trains
from isthmus.tee.evidence import SIMULATION, SIMULATION_ALLOWED, Kind


@dataclass(frozen=True)
class Plan:
    """All that one party needs to run its role, but for its data."""

    job: Job
    party: Party
    job_file: Path
    party_file: Path

    @property
    def folder(self) -> Path:
        """Folder of the party file: paths in it are seen from here."""
        return self.party_file.parent

    @property
    def role(self) -> str:
        """Our role in the job."""
        return self.job.parties[self.party.party].role

    @property
    def digest(self) -> str:
        """Digest of the job."""
        return spec.digest(self.job)

    @property
    def runs(self) -> Path:
        """The folder of all our runs."""
        return self.folder / self.party.runs

    @property
    def first(self) -> str:
        """The party that listens."""
        return first(self.job)

    @property
    def listens(self) -> bool:
        """Whether that is us."""
        return self.first == self.party.party

    @property
    def neighbours(self) -> list[str]:
        """Parties that we have a line to: all of them lead to the first party."""
        return list(self.job.peers(self.party.party)) if self.listens else [self.first]

    @property
    def simulated(self) -> bool:
        """Whether identifiers may meet in an enclave that protects nothing."""
        ours, trusted = self.party.enclave, self.party.policy.enclaves
        attested = aligns(self.job) and isinstance(self.job.alignment, AttestedAlignment)
        return attested and (ours.kind is Kind.SIMULATED or trusted.allow_simulated)

    @property
    def notice(self) -> str:
        """What every reader of the run must know, or nothing."""
        if not self.simulated:
            return ""
        ours = self.party.enclave.kind
        return SIMULATION if ours is Kind.SIMULATED else SIMULATION_ALLOWED


@dataclass(frozen=True)
class TablePlan(Plan):
    """A plan to align rows with other parties, and mostly to train on them."""

    train: Table = field(repr=False)
    test: Table | None = field(repr=False)
    """A test set of its own; None where a share of the training set is kept for testing."""

    @property
    def tables(self) -> dict[str, Table]:
        """The tables to align, by the names of their data sets."""
        tables = {self.job.data.train: self.train}
        if self.job.data.test is not None and self.test is not None:
            tables[self.job.data.test] = self.test
        return tables

    @property
    def monotone(self) -> dict[str, int]:
        """Our columns with which a prediction must not fall (1), or not rise (-1)."""
        signs = {"increasing": 1, "decreasing": -1}
        declared = self.party.datasets[self.job.data.train].monotone
        return {name: signs[direction] for name, direction in declared.items()}

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


@dataclass(frozen=True)
class SamplesPlan(Plan):
    """A plan to train a network in rounds, on samples that nobody else holds."""

    train: Samples | None = field(repr=False)
    """None where this party brings none."""

    test: Samples | None = field(repr=False)
    """None where nothing is measured here."""


def make_plan(job_file: Path, party_file: Path) -> TablePlan | SamplesPlan:
    """Read and check everything that this party brings.

    Args:
        job_file: The job all parties agreed on.
        party_file: This party's own file.

    Returns:
        The plan, with the data loaded.

    Raises:
        SpecError: A file, or the data it names, does not fit the job.
        PolicyError: The party's policy refuses a message that it would have to send.
    """
    job = load_job(job_file)
    party = spec.load(party_file, Party)
    with naming_file(party_file):
        fit.check(job, party)
    make = _of_tables if aligns(job) else _of_samples
    plan = make(job, party, job_file, party_file)
    if trains(job):
        system = system_of(job)
        with naming_file(party_file):
            system.check_party(system.spec(job), plan.role, plan.train, plan.test)
    return plan


def _of_tables(job: Job, party: Party, job_file: Path, party_file: Path) -> TablePlan:
    folder = party_file.parent
    train, test = _table(job, party, folder, job.data.train), None
    if job.data.test is not None:
        test = _table(job, party, folder, job.data.test, train)
    plan = TablePlan(job, party, job_file, party_file, train, test)
    plan.endorsements()  # can it be read?
    return plan


def _of_samples(job: Job, party: Party, job_file: Path, party_file: Path) -> SamplesPlan:
    train, test = (
        samples.load(party.datasets[name], party_file.parent) if name in party.datasets else None
        for name in (job.data.train, job.data.test)
    )
    if train is not None and job.data.test is None:
        train, test = train.split(job.data.test_share, job.seed, party.party)
    return SamplesPlan(job, party, job_file, party_file, train, test)


def _table(job: Job, party: Party, folder: Path, name: str, train: Table | None = None) -> Table:
    dataset = party.datasets[name]
    if not trains(job):  # identifiers are all that it takes
        dataset = msgspec.structs.replace(dataset, label=None, columns=())
    rows = table.load(dataset, folder, job.data.normalise, train)
    limit = job.parties[party.party].rows
    if limit is not None and len(rows) > limit:
        raise SpecError(
            f"data set {name!r} has {len(rows)} rows, and the job lets {party.party!r} bring "
            f"{limit}: agree on a higher `parties.{party.party}.rows`."
        )
    fewest = job.alignment.minimum_size
    if len(rows) < fewest:
        raise SpecError(
            f"data set {name!r} has {len(rows)} rows, and the job asks for {fewest} shared rows: "
            "bring more, or agree on a lower `alignment.minimum_size`."
        )
    return rows
