"""By what the children of a job know each other where updates are summed under masks."""

from isthmus.core.errors import naming_file
from isthmus.crypto import certificates
from isthmus.horizontal.privacy.secure_sum.identity import Identity
from isthmus.jobs import connection
from isthmus.jobs.identities import known, line
from isthmus.jobs.rounds.plan import RoundsPlan, under_masks


def of(plan: RoundsPlan) -> Identity | None:
    """Find out who we are to the other children, and they to us.

    Args:
        plan: What we are about to run.

    Returns:
        Our identity; None at the master, and where nothing is summed under masks.

    Raises:
        SpecError: A certificate or a fingerprint is missing, or ours is not that of the job.
    """
    masked = under_masks(plan.loaded.spec)
    if plan.listens or not masked:
        return None
    us = connection.identity(plan)
    others = known(plan, f"{masked} sums what children send")
    with naming_file(plan.party_file):
        return Identity.of(us.name, plan.digest, us.certificate, us.private_key, others)


def warnings(plan: RoundsPlan) -> list[str]:
    """Find what children will miss in the job, as the master sees it.

    Args:
        plan: Of the master.

    Returns:
        A sentence with the lines that the job should have; none if it has them, or needs none.

    Raises:
        SpecError: The certificate of a child is missing or wrong.
    """
    if not plan.listens or not under_masks(plan.loaded.spec):
        return []
    pinned = connection.certificates_of_all(plan)
    held = plan.job.peers(plan.first)
    lines = [
        line(child, pinned[child])
        for child in sorted(held)
        if (held[child].fingerprint or "").replace(" ", "")
        != certificates.fingerprint(pinned[child])
    ]
    if not lines:
        return []
    return [
        "children know each other's keys by fingerprints in the job, and it lacks those of the "
        f"certificates that your party file names, or holds others: {', '.join(lines)}"
    ]
