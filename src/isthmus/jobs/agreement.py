"""The job file, read and checked as far as it can be without any party's file."""

from pathlib import Path

from isthmus.alignment.attested.spec import MOST_PARTIES, AttestedAlignment
from isthmus.core import spec
from isthmus.core.errors import SpecError, naming_file
from isthmus.jobs import consent
from isthmus.jobs.spec import Job
from isthmus.jobs.systems import aligns, first, horizontal_of, roles, system_of, trains


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
    with naming_file(path):
        _check_roles(job)
        if aligns(job):
            _check_alignment(job)
        else:
            _check_quorum(job)
        consent.check(job)
        if trains(job):
            system = system_of(job)
            system.check(system.spec(job))
    return job


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


def _check_quorum(job: Job) -> None:
    spec, children = horizontal_of(job).spec(job), len(job.peers(first(job)))
    asked = {"rounds.quorum": spec.rounds.quorum}
    if spec.privacy.secure_aggregation is not None:
        key = "privacy.secure_aggregation.least_children"
        asked[key] = spec.privacy.secure_aggregation.least_children
    for key, fewest in asked.items():
        if fewest > children:
            raise SpecError(
                f"`{key}` is {fewest}, and `parties` has {children} children: no round could ever "
                "be fused. Agree on a lower number, or on more children."
            )


def _check_alignment(job: Job) -> None:
    if not job.data.identifiers:
        raise SpecError(
            "`data.identifiers` is empty, and the parties find their shared rows by it: say what "
            'identifies a row, for example identifiers = ["person"].'
        )
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
