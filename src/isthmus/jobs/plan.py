"""A job and a party file, read and checked against each other and the data, before any contact."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from isthmus.alignment.attested.spec import MOST_PARTIES, AttestedAlignment
from isthmus.core import spec
from isthmus.core.errors import PolicyError, SpecError, about
from isthmus.data import table
from isthmus.data.sources import Dataset
from isthmus.data.table import Table
from isthmus.jobs import consent
from isthmus.jobs.party import Party
from isthmus.jobs.spec import Job
from isthmus.jobs.systems import first, roles, system_of, trains
from isthmus.tee.evidence import SIMULATION, SIMULATION_ALLOWED, Kind
from isthmus.transport.message import Message


@dataclass(frozen=True)
class Plan:
    """All that one party needs to run its role."""

    job: Job
    party: Party
    folder: Path
    """Folder of the party file: paths in it are seen from here."""

    train: Table = field(repr=False)
    test: Table | None = field(repr=False)
    """A test set of its own; None where a share of the training set is kept for testing."""

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
        attested = isinstance(self.job.alignment, AttestedAlignment)
        return attested and (ours.kind is Kind.SIMULATED or trusted.allow_simulated)

    @property
    def notice(self) -> str:
        """What every reader of the run must know, or nothing."""
        if not self.simulated:
            return ""
        ours = self.party.enclave.kind
        return SIMULATION if ours is Kind.SIMULATED else SIMULATION_ALLOWED

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


def load_job(path: Path) -> Job:
    """Read a job file and check what can be checked without any party's file.

    Args:
        path: The job file.

    Returns:
        The job.

    Raises:
        SpecError: It is not a job that can run.
    """
    job = spec.load(path, Job)
    with about(path):
        _check_roles(job)
        _check_alignment(job)
        consent.check(job)
        if trains(job):
            system = system_of(job)
            system.check(getattr(job, system.table))
    return job


def make_plan(job_file: Path, party_file: Path) -> Plan:
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
    with about(party_file):
        _check_party(job, party)
    train = _load(job, party, party_file.parent, job.data.train)
    test = None
    if job.data.test is not None:
        test = _load(job, party, party_file.parent, job.data.test, train)
    plan = Plan(job, party, party_file.parent, train, test)
    plan.endorsements()  # can it be read?
    if trains(job):
        system = system_of(job)
        with about(party_file):
            system.check_party(getattr(job, system.table), plan.role, train, test)
    return plan


def _load(job: Job, party: Party, folder: Path, name: str, train: Table | None = None) -> Table:
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


def _check_roles(job: Job) -> None:
    found = sorted(member.role for member in job.parties.values())
    named = roles(job)
    several = system_of(job).several if trains(job) else True
    needed = [*named, *named[-1:] * (len(found) - len(named) if several else 0)]
    if found != sorted(needed):
        what = f"[{system_of(job).table}]" if trains(job) else "an alignment"
        more = f"; there may be several of the role {named[-1]}" if several else ""
        raise SpecError(
            f"{what} needs one party in each of the roles {', '.join(named)}{more}; `parties` has "
            f"{', '.join(found)}."
        )


def _check_alignment(job: Job) -> None:
    method, count = job.alignment.method, len(job.parties)
    most = MOST_PARTIES if isinstance(job.alignment, AttestedAlignment) else 2
    if count > most:
        raise SpecError(
            f'`alignment.method = "{method}"` is for {most} parties at most, and `parties` has '
            f"{count}."
        )
    if not isinstance(job.alignment, AttestedAlignment):
        return
    for party, share in job.alignment.results.items():
        if party not in job.parties:
            raise SpecError(
                f"`alignment.results` names {party!r}; the job's parties are "
                f"{', '.join(job.parties)}."
            )
        if share != "rows" and trains(job):
            raise SpecError(
                f'`alignment.results.{party}` is "{share}", but training needs the rows of every '
                'party. Make it "rows", or leave the training out of the job.'
            )


def _check_party(job: Job, party: Party) -> None:
    if party.party not in job.parties:
        raise SpecError(
            f"`party` is {party.party!r}, but the job's parties are {', '.join(job.parties)}."
        )
    for name in filter(None, (job.data.train, job.data.test)):
        if name not in party.datasets:
            raise SpecError(f"the job uses data set {name!r}: add a table [datasets.{name}].")
        _check_dataset(job, party.party, f"datasets.{name}", party.datasets[name])
    _check_policy(job, party)
    _check_enclave(job, party)


def _check_enclave(job: Job, party: Party) -> None:
    if not isinstance(job.alignment, AttestedAlignment):
        return
    if party.enclave.kind is Kind.SIMULATED and not party.policy.enclaves.allow_simulated:
        raise PolicyError(
            f"the job aligns inside enclaves, and that of {party.party!r} is simulated: it "
            "protects nothing. Describe a real one in the table [enclave] of your party file; to "
            "try the job out, set `policy.enclaves.allow_simulated = true`."
        )


def _check_policy(job: Job, party: Party) -> None:
    kinds = (kind for kind in Message.__subclasses__() if kind.__module__.startswith("isthmus."))
    known = {kind.__name__ for kind in kinds}
    sent = consent.sent_by(job, party.party)
    for kind in party.policy.refuse:
        if kind not in known:
            raise SpecError(
                f"`policy.refuse` names {kind!r}, which is no message type; there are "
                f"{', '.join(sorted(known))}."
            )
        if kind in sent:
            raise PolicyError(
                f"`policy.refuse` of your party file forbids {kind}, which this job has "
                f"{party.party!r} send. Agree on a job that does without it, or take it off the "
                "list. Nothing was sent."
            )


def _check_dataset(job: Job, party: str, key: str, dataset: Dataset) -> None:
    has_labels = trains(job) and job.parties[party].role == "active"
    if has_labels and dataset.label is None:
        raise SpecError(f"{party!r} is active in this job: name the label column in `{key}.label`.")
    if trains(job) and not has_labels and dataset.label is not None:
        raise SpecError(
            f"{party!r} is passive in this job and must not bring a label: remove `{key}.label`, "
            "or the roles in the job are swapped."
        )
    if len(dataset.identifiers) != len(job.data.identifiers):
        raise SpecError(
            f"`{key}.identifiers` names {len(dataset.identifiers)} columns where the job "
            f"identifies a row by {len(job.data.identifiers)}: {', '.join(job.data.identifiers)}."
        )
