"""By what the children of a job know each other where updates are summed under masks.

That is the fingerprint of each child's certificate: the job holds it. A party file with the
certificates of all other children comes before the job: a simulation has keys of its own.
"""

from isthmus.core.errors import SpecError, naming_file
from isthmus.crypto import certificates
from isthmus.horizontal.privacy.secure_sum.identity import Identity
from isthmus.jobs import connection
from isthmus.jobs.rounds.plan import RoundsPlan, under_masks, unknown_children


def of(plan: RoundsPlan) -> Identity | None:
    """Find out who we are to the other children, and they to us.

    Args:
        plan: What we are about to run.

    Returns:
        Our identity; None at the master, and where nothing is summed under masks.

    Raises:
        SpecError: A certificate or a fingerprint is missing, or ours is not that of the job.
    """
    if plan.listens or not under_masks(plan.loaded.spec):
        return None
    us = connection.identity(plan)
    known = _in_party_file(plan) or _in_job(plan, us.certificate)
    _check_distinct(known)
    with naming_file(plan.party_file):
        return Identity.of(us.name, plan.digest, us.certificate, us.private_key, known)


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
        _line(child, pinned[child])
        for child in sorted(held)
        if (held[child].fingerprint or "").replace(" ", "") != _fingerprint(pinned[child])
    ]
    if not lines:
        return []
    return [
        "children know each other's keys by fingerprints in the job, and it lacks those of the "
        f"certificates that your party file names, or holds others: {', '.join(lines)}"
    ]


def _in_party_file(plan: RoundsPlan) -> dict[str, str]:
    children = plan.job.peers(plan.first)
    if not children.keys() - {plan.party.party} <= plan.party.peers.keys():
        return {}
    found = connection.certificates_of_all(plan)
    return {child: _fingerprint(found[child]) for child in children}


def _in_job(plan: RoundsPlan, certificate: bytes) -> dict[str, str]:
    us = plan.party.party
    with naming_file(plan.loaded.path):
        if lacking := ", ".join(unknown_children(plan.loaded)):
            raise SpecError(
                f"{under_masks(plan.loaded.spec)} sums what children send under masks, and the "
                f"job has no `fingerprint` of {lacking}, by which they know each other's "
                "keys. `isthmus keys show` prints that of a certificate; write each into the job, "
                f"the same at all parties. Yours: {_line(us, certificate)}"
            )
        held = {
            child: (it.fingerprint or "").replace(" ", "")
            for child, it in plan.job.peers(plan.first).items()
        }
        if held[us] != _fingerprint(certificate):
            raise SpecError(
                f"`parties.{us}.fingerprint` is not that of your certificate, so that the other "
                "children would refuse your keys. Have it corrected at all parties: "
                f"{_line(us, certificate)}"
            )
    return held


def _check_distinct(known: dict[str, str]) -> None:
    names = dict[str, str]()
    for child, fingerprint in sorted(known.items()):
        if (other := names.setdefault(fingerprint, child)) != child:
            raise SpecError(
                f"{other!r} and {child!r} have one certificate by the fingerprints that we know "
                "them by, so that whoever has its key would count twice in a sum under masks. Each "
                "party needs its own: have the job corrected at all parties."
            )


def _line(child: str, certificate: bytes) -> str:
    return f'[parties.{child}] fingerprint = "{_fingerprint(certificate)}"'


def _fingerprint(certificate: bytes) -> str:
    return certificates.fingerprint(certificate)
