"""Does a party file fit the job? Checked before its data are read."""

from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.core.errors import PolicyError, SpecError
from isthmus.data.sources import Dataset
from isthmus.jobs import consent
from isthmus.jobs.party import Party
from isthmus.jobs.spec import Job
from isthmus.jobs.systems import aligns, first, horizontal_of, system_of, trains
from isthmus.tee.evidence import Kind
from isthmus.transport.message import Message


def check(job: Job, party: Party) -> None:
    """Compare a party file with the job.

    Args:
        job: The job.
        party: The party file.

    Raises:
        SpecError: The party is not in the job, or lacks a data set that it needs, or describes one
            in a way that the job cannot use.
        PolicyError: Its policy refuses what the job would have it send, or its enclave protects
            nothing.
    """
    if party.party not in job.parties:
        raise SpecError(
            f"`party` is {party.party!r}, but the job's parties are {', '.join(job.parties)}."
        )
    if party.engine == "flower":
        _check_flower(job, party)
    if aligns(job):
        for name in filter(None, (job.data.train, job.data.test)):
            if name not in party.datasets:
                raise SpecError(f"the job uses data set {name!r}: add a table [datasets.{name}].")
            _check_dataset(job, party.party, f"datasets.{name}", party.datasets[name])
        _check_enclave(job, party)
    else:
        _check_rounds(job, party)
    _check_policy(job, party)


def _check_flower(job: Job, party: Party) -> None:
    if aligns(job):
        raise SpecError(
            '`engine = "flower"` is for jobs in rounds, and the parties of this one align rows: '
            "take it out."
        )
    if system_of(job).spec(job).privacy.secure_aggregation is not None:
        raise SpecError(
            "this job asks for `secure_aggregation`, whose masks a child keeps in memory only, and "
            "on Flower each of its turns is a process of its own: take `engine` out, or agree on a "
            "job without it."
        )
    role = job.parties[party.party].role
    needed = _FLOWER_OF_MASTER if party.party == first(job) else _FLOWER_OF_CHILD
    missing = [f"`flower.{key}`" for key in needed if getattr(party.flower, key) is None]
    if missing:
        raise SpecError(
            f'{party.party!r} is {role} in this job and has `engine = "flower"`: add '
            f"{', '.join(missing)}."
        )


def _check_rounds(job: Job, party: Party) -> None:
    deadline = horizontal_of(job).spec(job).rounds.deadline
    if party.engine == "grpc" and party.patience <= deadline:
        raise SpecError(
            f"`patience` is {party.patience:g} s, and a round of this job may take {deadline:g} s, "
            "in which nobody speaks to a child that is done: give it more."
        )
    if party.simulated_attack is None:
        return
    hub = first(job)
    if party.party == hub:
        raise SpecError(
            f"`simulated_attack` is for children, and {hub!r} is the master: take it out."
        )
    address = party.peers[hub].address if hub in party.peers else None
    if party.engine == "flower":
        address = party.flower.superlink
    if address is not None and address.rpartition(":")[0] not in _THIS_MACHINE:
        raise SpecError(
            "`simulated_attack` has this party misbehave, which is for trials with a master on "
            f"this machine, and {hub!r} is at {address}: take it out."
        )


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
    if trains(job) and dataset.monotone and (job.boosting is None or not has_labels):
        raise SpecError(
            f"`{key}.monotone` is for columns of the active party of a job with [boosting], and "
            "nothing would come of it here: remove it."
        )
    if len(dataset.identifiers) != len(job.data.identifiers):
        raise SpecError(
            f"`{key}.identifiers` names {len(dataset.identifiers)} columns where the job "
            f"identifies a row by {len(job.data.identifiers)}: {', '.join(job.data.identifiers)}."
        )


_FLOWER_OF_MASTER = ("connection",)
_FLOWER_OF_CHILD = ("superlink", "root_certificates", "private_key")
_THIS_MACHINE = {"127.0.0.1", "localhost", "[::1]"}
