"""Reads a job file and a party file, and checks them by themselves and against each other.

A job is resolved once, here: what comes out names its family, its system and what it says of it.
"""

from pathlib import Path
from typing import cast

from isthmus.core import spec
from isthmus.core.errors import PolicyError, SpecError, naming_file
from isthmus.core.spec import Spec, SpecT
from isthmus.jobs import consent, registry
from isthmus.jobs.capabilities import SearchedFamilyCode
from isthmus.jobs.job import Job
from isthmus.jobs.party import Party
from isthmus.jobs.plan import FamilyCode, Loaded, Plan


def load_job(path: Path) -> Loaded:
    """Read a job file and check what can be checked without any party's file.

    Args:
        path: The job file.

    Returns:
        The job, with the code that it asks for.

    Raises:
        SpecError: It is not a job that can run.
        MissingExtraError: It needs a library that is not installed.
    """
    job = _read(path, Job, Party, "this is a party file: give it with `--party`, and the job first")
    with naming_file(path):
        return resolve(job, path)


def _read(path: Path, kind: type[SpecT], other: type[Spec], advice: str) -> SpecT:
    """Read a file, unless it is one of the other kind.

    Args:
        path: The file.
        kind: The spec class that describes it.
        other: That of the file that people may take it for.
        advice: What to do if it is that one.

    Returns:
        The validated spec.

    Raises:
        SpecError: It is of the other kind, or of none.
    """
    try:
        return spec.load(path, kind)
    except SpecError as error:
        try:
            spec.load(path, other)
        except SpecError:
            raise error from None
        raise SpecError(f"{path}: {advice}.") from None


def resolve(job: Job, path: Path) -> Loaded:
    """Find the code of a job, and check the job by itself.

    Args:
        job: The job.
        path: The job file; paths in it are seen from its folder.

    Returns:
        The job, with the code that it asks for.

    Raises:
        SpecError: It is not a job that can run.
        MissingExtraError: It needs a library that is not installed.
    """
    row = registry.row_of(job.tables)
    name = row.family if row else registry.DEFAULT_FAMILY
    _check_tables(job, name)
    code = registry.load_system(row) if row else None
    family = cast(FamilyCode, registry.load_family(name))
    loaded = Loaded(job, path, family, row, code)
    _check_data(loaded)
    family.check(loaded)
    if job.parties:
        consent.check(loaded)
    if loaded.trains:
        loaded.system.check(loaded.spec)
    return loaded


def make_plan(job_file: Path, party_file: Path | None = None) -> Plan:
    """Read and check everything that this machine brings.

    Args:
        job_file: The job.
        party_file: This party's own file; None where one organisation trains alone.

    Returns:
        The plan, with the data loaded.

    Raises:
        SpecError: A file, or the data it names, does not fit the job.
        PolicyError: The party's policy refuses a message that it would have to send.
    """
    loaded = load_job(job_file)
    return loaded.family.plan(loaded, party_file)


def load_party(loaded: Loaded, party_file: Path | None) -> tuple[Party, Path]:
    """Read the file of one party of a job, and check what every family asks of it.

    Args:
        loaded: The job.
        party_file: The party's own file.

    Returns:
        The party, and the path of its file.

    Raises:
        SpecError: There is none, or the party is not in the job.
        PolicyError: Its policy refuses what the job would have it send.
    """
    if party_file is None:
        raise SpecError(
            f"{loaded.path}: this job has parties ({', '.join(loaded.job.parties)}): name your own "
            "file with `--party`, or run all of them here with `isthmus simulate`."
        )
    advice = "this is a job file: give it first, and your own file with `--party`"
    party = _read(party_file, Party, Job, advice)
    with naming_file(party_file):
        if party.party not in loaded.job.parties:
            raise SpecError(
                f"`party` is {party.party!r}, but the job's parties are "
                f"{', '.join(loaded.job.parties)}."
            )
        _check_policy(loaded, party)
    return party, party_file


def check_roles(loaded: Loaded, most: int | None = None) -> None:
    """Refuse a job whose parties do not fill the roles of its family.

    Args:
        loaded: The job.
        most: How many parties it may have; None: as many as they like in the last role.

    Raises:
        SpecError: A role is empty, unknown, or played by too many.
    """
    roles = loaded.family.ROLES
    found = sorted(member.role for member in loaded.job.parties.values())
    count = len(found) if most is None else min(len(found), most)
    if found == sorted([*roles, *roles[-1:] * (count - len(roles))]):
        return
    what = f"[{loaded.row.table}]" if loaded.row else "an alignment"
    several = most is None or most > len(roles)
    more = f"; there may be several of the role {roles[-1]}" if several else ""
    raise SpecError(
        f"{what} needs one party in each of the roles {', '.join(roles)}{more}; `parties` has "
        f"{', '.join(found) or 'none'}."
    )


def _check_tables(job: Job, name: str) -> None:
    """Refuse tables of other families.

    Args:
        job: The job.
        name: Its family.

    Raises:
        SpecError: Nothing would come of one.
    """
    for other in registry.FAMILIES:
        used = [table for table in other.tables if job.tables[table] is not None]
        if used and other.name != name:
            theirs = " or ".join(f"[{r.table}]" for r in registry.ROWS if r.family == other.name)
            raise SpecError(
                f"the table [{used[0]}] belongs to a job with {theirs}, which this one is not: add "
                f"that, or take [{used[0]}] out."
            )


def _check_data(loaded: Loaded) -> None:
    """Refuse a job that does not say once which data it uses.

    Args:
        loaded: The job.

    Raises:
        SpecError: It does not.
    """
    if loaded.names_data and loaded.job.data is not None:
        raise SpecError(f"[{loaded.table}] names its data by itself: take the table [data] out.")
    if not loaded.names_data and loaded.job.data is None:
        raise SpecError(
            "the job says nothing of its data: add a table [data] with the name of the data set to "
            'train on, for example train = "people".'
        )
    if not loaded.names_data:
        _check_which(loaded)
        if loaded.data.fold is not None and not isinstance(loaded.family, SearchedFamilyCode):
            raise SpecError(
                f"`data.fold` is for training on aligned rows, and [{loaded.table}] has none: take "
                "it out."
            )


def _check_which(loaded: Loaded) -> None:
    """Refuse a job whose `[data]` names the wrong data sets for what it does.

    Args:
        loaded: The job.

    Raises:
        SpecError: It names one to train on and scores only, or the other way round.
    """
    data = loaded.data
    if not loaded.scores and data.score is not None:
        raise SpecError(
            "`data.score` is for a job with [prediction], which scores rows with the model of an "
            "earlier run. A job that trains names the data set to score in `data.test`."
        )
    if not loaded.scores and data.train is None:
        raise SpecError('name the data set to train on in [data], for example train = "people".')
    if loaded.scores and (data.train is not None or data.test is not None):
        wrong = "train" if data.train is not None else "test"
        raise SpecError(
            f"[prediction] trains nothing: take `data.{wrong}` out, and name the data set to score "
            'in `data.score`, for example score = "people".'
        )
    if loaded.scores and data.score is None:
        raise SpecError('name the data set to score in [data], for example score = "people".')


def _check_policy(loaded: Loaded, party: Party) -> None:
    if not party.policy.refuse:
        return
    known = consent.message_kinds()
    sent = consent.sent_by(loaded, party.party)
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
