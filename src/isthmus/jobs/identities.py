"""By what the parties of a job know each other where they sum something under masks.

All lines lead to the first party, so that the others need to know each other's keys by something
else. That is the fingerprint of each one's certificate: the job holds it. A party file with the
certificates of all others comes before the job: a simulation has keys of its own.
"""

from isthmus.core.errors import SpecError, naming_file
from isthmus.crypto import certificates
from isthmus.jobs import connection
from isthmus.jobs.plan import Loaded, PartyPlan


def known(plan: PartyPlan, what: str) -> dict[str, str]:
    """Find out by what the parties that sum something know each other.

    Args:
        plan: Of one of them, not of the first party.
        what: Who sums what, as the beginning of a sentence.

    Returns:
        Fingerprint of a certificate, by party; ours is among them.

    Raises:
        SpecError: A certificate or a fingerprint is missing, or ours is not that of the job.
    """
    found = _in_party_file(plan)
    if not found:
        certificate = connection.identity(plan).certificate
        with naming_file(plan.loaded.path):
            found = _in_job(plan, certificate, what)
    _check_distinct(found)
    return found


def unknown(loaded: Loaded) -> list[str]:
    """Returns the parties, the first one apart, whose fingerprint the job does not hold."""
    members = loaded.job.peers(loaded.first)
    return sorted(name for name, it in members.items() if it.fingerprint is None)


def line(party: str, certificate: bytes) -> str:
    """Returns what the job should say of a party, in one line."""
    return f'[parties.{party}] fingerprint = "{certificates.fingerprint(certificate)}"'


def _in_party_file(plan: PartyPlan) -> dict[str, str]:
    others = plan.job.peers(plan.loaded.first)
    if not others.keys() - {plan.party.party} <= plan.party.peers.keys():
        return {}
    found = connection.certificates_of_all(plan)
    return {name: certificates.fingerprint(found[name]) for name in others}


def _in_job(plan: PartyPlan, certificate: bytes, what: str) -> dict[str, str]:
    us = plan.party.party
    if lacking := ", ".join(unknown(plan.loaded)):
        raise SpecError(
            f"{what} under masks, and the job has no `fingerprint` of {lacking}, by which they "
            "know each other's keys. `isthmus keys show` prints that of a certificate; write each "
            f"into the job, the same at all parties. Yours: {line(us, certificate)}"
        )
    held = {
        name: (it.fingerprint or "").replace(" ", "")
        for name, it in plan.job.peers(plan.loaded.first).items()
    }
    if held[us] != certificates.fingerprint(certificate):
        raise SpecError(
            f"`parties.{us}.fingerprint` is not that of your certificate, so that the others would "
            f"refuse your keys. Have it corrected at all parties: {line(us, certificate)}"
        )
    return held


def _check_distinct(known: dict[str, str]) -> None:
    names = dict[str, str]()
    for party, fingerprint in sorted(known.items()):
        if (other := names.setdefault(fingerprint, party)) != party:
            raise SpecError(
                f"{other!r} and {party!r} have one certificate by the fingerprints that we know "
                "them by, so that whoever has its key would count twice in a sum under masks. Each "
                "party needs its own: have the job corrected at all parties."
            )
