"""What a job sends, and whether its file says so."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from isthmus.alignment.attested.forecast import forecast as forecast_attested
from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.alignment.cryptographic.forecast import forecast as forecast_cryptographic
from isthmus.core.errors import SpecError
from isthmus.jobs.messages import ChosenAlignment, HeldAlignment
from isthmus.jobs.spec import Job
from isthmus.jobs.systems import aligns, first, system_of, trains
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.transport.message import Message


@dataclass(frozen=True)
class Crossing:
    """Messages of one type and size that one party will send to another."""

    sender: str
    to: str
    flow: Flow


def crossings(job: Job, sizes: Sizes) -> list[Crossing]:
    """Every message of a run of a job, in the order of its steps.

    Args:
        job: The job.
        sizes: What to reckon with; its rows are by name of the party.

    Returns:
        What all parties send, but for the first and the last word of each.
    """
    return [each for step in steps(job, sizes) for each in step]


def steps(job: Job, sizes: Sizes) -> list[list[Crossing]]:
    """The same step by step: choose an alignment, align, train; or train in rounds.

    Args:
        job: The job.
        sizes: What to reckon with; its rows are by name of the party.

    Returns:
        The messages of each step; none in the last one where the job trains nothing.
    """
    hub = first(job)
    others = list(job.peers(hub))
    trained = list[Flow]()
    if trains(job):
        system = system_of(job)
        trained = system.forecast(system.spec(job), sizes)
    training = [_between(job, other, flow) for other in others for flow in trained]
    if not aligns(job):
        return [training]
    return [
        [_between(job, other, flow) for other in others for flow in _choice()],
        [_between(job, other, flow) for other in others for flow in _alignments(job, other, sizes)],
        training,
    ]


def _choice() -> Iterator[Flow]:
    yield Flow("passive", HeldAlignment(id=None), 1)
    yield Flow("active", ChosenAlignment(id="0" * 32, new=True), 1)


def _alignments(job: Job, other: str, sizes: Sizes) -> Iterator[Flow]:
    """What crosses between the first party and another one while their rows are aligned."""
    each = [sizes]
    if sizes.test_rows:
        each.append(replace(sizes, rows=sizes.test_rows, shared=sizes.test))
    for found in each:
        rows = {"active": found.rows[first(job)], "passive": found.rows[other]}
        yield from _alignment(job, other, replace(found, rows=rows))


def _alignment(job: Job, other: str, sizes: Sizes) -> list[Flow]:
    match job.alignment:
        case AttestedAlignment() as spec:
            shares = {
                "active": spec.results.get(first(job), "rows"),
                "passive": spec.results.get(other, "rows"),
            }
            return forecast_attested(msgspec.structs.replace(spec, results=shares), sizes)
        case spec:
            return forecast_cryptographic(spec, sizes)


def _between(job: Job, other: str, flow: Flow) -> Crossing:
    hub = first(job)
    from_hub = flow.sender == job.parties[hub].role
    return Crossing(hub, other, flow) if from_hub else Crossing(other, hub, flow)


def _at_any_size(job: Job) -> list[Crossing]:
    rows, train = dict.fromkeys(job.parties, 1), int(aligns(job))
    sizes = Sizes(rows=rows, shared=2, train=train, test=1, test_rows={}, rounds=2)
    return crossings(job, sizes)


def needed(job: Job) -> list[type[Message]]:
    """Message types of a job that tell their reader something about the sender's data or labels."""
    kinds = dict.fromkeys(type(crossing.flow.sample) for crossing in _at_any_size(job))
    return [kind for kind in kinds if kind.discloses]


def sent_by(job: Job, party: str) -> set[str]:
    """Names of the message types that a party of a job sends."""
    return {
        type(crossing.flow.sample).__name__
        for crossing in _at_any_size(job)
        if crossing.sender == party
    }


def check(job: Job) -> None:
    """Compare what a job's messages tell with what the job says they may.

    Args:
        job: The job.

    Raises:
        SpecError: Its list `disclosed` lacks a message, or names one that the job never sends.
    """
    kinds = {kind.__name__: kind for kind in needed(job)}
    for name, kind in kinds.items():
        if name not in job.disclosed:
            raise SpecError(
                f"this job sends {name}, which tells its reader {kind.reveals}. "
                f'If all parties agree, add "{name}" to `disclosed`.'
            )
    unknown = [name for name in job.disclosed if name not in kinds]
    if unknown:
        which_job = "this job" if trains(job) else "this job, which trains nothing,"
        raise SpecError(
            f"`disclosed` names {unknown[0]!r}, which {which_job} does not send; it sends "
            f"{', '.join(kinds)}."
        )
