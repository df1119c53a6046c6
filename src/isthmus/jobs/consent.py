"""What a job sends, and whether its file says so."""

from dataclasses import replace

from isthmus.alignment.cryptographic.forecast import forecast as forecast_alignment
from isthmus.core.errors import SpecError
from isthmus.jobs.spec import Job
from isthmus.jobs.systems import system_of
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.transport.message import Message

_ANY_SIZES = Sizes(
    rows={"active": 1, "passive": 1},
    shared=2,
    train=1,
    test=1,
    test_rows={},
    rounds=2,
)


def flows(job: Job, sizes: Sizes) -> list[Flow]:
    """Every message of a run of a job, in the order of its steps.

    Args:
        job: The job.
        sizes: What to reckon with.

    Returns:
        The flows of all parties.
    """
    system = system_of(job)
    alignments = [sizes]
    if sizes.test_rows:
        alignments.append(replace(sizes, rows=sizes.test_rows, shared=sizes.test))
    return [
        *(flow for rows in alignments for flow in forecast_alignment(job.alignment, rows)),
        *system.forecast(getattr(job, system.table), sizes),
    ]


def needed(job: Job) -> list[type[Message]]:
    """Message types of a job that tell their reader something about the sender's data or labels."""
    kinds = dict.fromkeys(type(flow.sample) for flow in flows(job, _ANY_SIZES))
    return [kind for kind in kinds if kind.discloses]


def sent_by(job: Job, role: str) -> set[str]:
    """Names of the message types that a role of a job sends."""
    return {type(flow.sample).__name__ for flow in flows(job, _ANY_SIZES) if flow.sender == role}


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
        raise SpecError(
            f"`disclosed` names {unknown[0]!r}, which this job does not send; it sends "
            f"{', '.join(kinds)}."
        )
