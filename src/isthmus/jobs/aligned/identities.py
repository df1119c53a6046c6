"""By what the passive parties of a job know each other where they sum something under masks."""

from isthmus.core.errors import naming_file
from isthmus.crypto.identity import Identity
from isthmus.jobs import connection
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.identities import known, unknown
from isthmus.jobs.plan import Loaded
from isthmus.vertical.system import SumsUnderMasks


def of(plan: AlignedPlan) -> Identity | None:
    """Find out who we are to the other passive parties, and they to us.

    Args:
        plan: What we are about to run.

    Returns:
        Our identity; None at the active party, and where nothing is summed under masks.

    Raises:
        SpecError: A certificate or a fingerprint is missing, or ours is not that of the job.
    """
    what = "" if plan.listens else _summed(plan.loaded)
    if not what:
        return None
    us = connection.identity(plan)
    others = known(plan, what)
    with naming_file(plan.party_file):
        return Identity.of(us.name, plan.digest, us.certificate, us.private_key, others)


def unknown_parties(loaded: Loaded) -> list[str]:
    """Returns the passive parties whose fingerprint a job needs and does not hold."""
    return unknown(loaded) if _summed(loaded) else []


def _summed(loaded: Loaded) -> str:
    """Returns who sums what under masks, as the beginning of a sentence; empty if nobody does."""
    system: object = loaded.code
    if not loaded.trains or not isinstance(system, SumsUnderMasks):
        return ""
    return system.sums(loaded.spec, len(loaded.job.parties) - 1)
