"""Refuses a run that this party's keys or budgets rule out, before anybody is contacted."""

from pathlib import Path

from isthmus.core.errors import PolicyError, SpecError
from isthmus.jobs import connection, earlier
from isthmus.jobs.aligned import identities, job, limits
from isthmus.jobs.aligned.plan import AlignedPlan


def check(plan: AlignedPlan, into: Path | None) -> None:
    """Refuse keys and addresses that do not work, and an alignment or a training too many.

    Args:
        plan: What we are about to run.
        into: Folder for the run, where the caller chose one.

    Raises:
        PolicyError: This party's policy does not allow it.
        SpecError: Keys or addresses are wrong, or the job does not allow it.
    """
    check_keys(plan)
    found = earlier.newest(plan, into)
    limits.check_budget(plan, None if found is None or found.finished else found)


def check_alignment(plan: AlignedPlan) -> None:
    """Refuse the same before an alignment alone: what a run has trained is not told again.

    Args:
        plan: What we are about to run.

    Raises:
        PolicyError: This party's policy does not allow it.
        SpecError: Keys or addresses are wrong, or the job does not allow it.
    """
    check_keys(plan)
    limits.check_budget(plan, earlier.newest(plan, None))


def check_keys(plan: AlignedPlan) -> None:
    """Refuse keys and addresses that do not work.

    Args:
        plan: What we are about to run.

    Raises:
        SpecError: They do not.
    """
    connection.check(plan)
    if job.is_attested(plan.job):
        connection.certificates_of_all(plan)
    identities.of(plan)


def refusal_of_another(plan: AlignedPlan) -> list[str]:
    """Check what policies allow in all: where the job has finished, only another run needs it.

    Args:
        plan: What we may run.

    Returns:
        A sentence if the job has finished and another run would be refused.

    Raises:
        PolicyError: The job has not finished, and this party's policy does not allow it.
        SpecError: Or the job does not.
    """
    found = earlier.newest(plan, None)
    if found is None or not found.finished:
        limits.check_budget(plan, found)
        return []
    try:
        limits.check_budget(plan, None)
    except (PolicyError, SpecError) as error:
        return [f"This job has finished here, and `--again` would be refused: {error}"]
    return []
