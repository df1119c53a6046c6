"""Compares what the messages of a job tell with what its file agrees to."""

from dataclasses import dataclass

import msgspec

from isthmus.core.errors import SpecError
from isthmus.jobs import registry
from isthmus.jobs.job import Job
from isthmus.jobs.plan import Loaded
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.transport.message import Message


@dataclass(frozen=True)
class Crossing:
    """Messages of one type and size that one party will send to another."""

    sender: str
    to: str
    flow: Flow


def crossings(loaded: Loaded, sizes: Sizes) -> list[Crossing]:
    """Every message of a run of a job, in the order of its steps.

    Args:
        loaded: The job.
        sizes: What to reckon with; its rows are by name of the party.

    Returns:
        What all parties send, but for the first and the last word of each.
    """
    return [each for step in steps(loaded, sizes) for each in step]


def steps(loaded: Loaded, sizes: Sizes) -> list[list[Crossing]]:
    """The same step by step, as the family of the job has them.

    Args:
        loaded: The job.
        sizes: What to reckon with; its rows are by name of the party.

    Returns:
        The messages of each step; a step may have none.
    """
    job, family = loaded.job, loaded.peers
    first = loaded.first
    found: list[list[Crossing]] = []
    for other in job.peers(first):
        for number, flows in enumerate(family.flows(loaded, other, sizes)):
            if number == len(found):
                found.append([])
            found[number] += [between(job, first, other, flow) for flow in flows]
    return found


def between(job: Job, first: str, other: str, flow: Flow) -> Crossing:
    """Returns what crosses between the first party and another one, with the names of both."""
    from_first = flow.sender == job.parties[first].role
    return Crossing(first, other, flow) if from_first else Crossing(other, first, flow)


def needed(loaded: Loaded) -> list[type[Message]]:
    """Message types of a job that tell their reader something about the sender's data or labels."""
    kinds = dict.fromkeys(type(crossing.flow.sample) for crossing in _at_any_size(loaded))
    return [kind for kind in kinds if kind.discloses]


def sent_by(loaded: Loaded, party: str) -> set[str]:
    """Names of the message types that a party of a job sends."""
    return {
        type(crossing.flow.sample).__name__
        for crossing in _at_any_size(loaded)
        if crossing.sender == party
    }


def message_kinds() -> dict[str, type[Message]]:
    """Returns every message type that a job may have its parties send, by name."""
    return {
        name: kind
        for module in registry.message_modules()
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
    }


def _at_any_size(loaded: Loaded) -> list[Crossing]:
    return crossings(loaded, loaded.peers.smallest(loaded))


def check(loaded: Loaded) -> None:
    """Compare what a job's messages tell with what the job says they may.

    Args:
        loaded: The job.

    Raises:
        SpecError: Its list `disclosed` lacks a message, or names one that the job never sends.
    """
    kinds = {kind.__name__: kind for kind in needed(loaded)}
    disclosed = loaded.job.disclosed
    lacking = [name for name in kinds if name not in disclosed]
    unknown = [name for name in disclosed if name not in kinds]
    if not lacking and not unknown:
        return
    told = list[str]()
    if lacking:
        what = "; ".join(
            f"{name}, which tells its reader {kinds[name].reveals}" for name in lacking
        )
        told.append(f"this job sends what `disclosed` does not name: {what}.")
    if unknown:
        which_job = "this job" if loaded.trains else "this job, which trains nothing,"
        told.append(f"`disclosed` names what {which_job} does not send: {', '.join(unknown)}.")
    line = msgspec.json.format(msgspec.json.encode(list(kinds)), indent=0).decode()
    raise SpecError(f"{' '.join(told)} If all parties agree, the line is: disclosed = {line}")
