"""The steps of a job over aligned columns, in order, a sentence each."""

from collections.abc import Sequence

from isthmus.jobs.aligned import job
from isthmus.jobs.handshake import meeting
from isthmus.jobs.job import Data
from isthmus.jobs.plan import Loaded
from isthmus.vertical.preparation import system as preparing
from isthmus.vertical.system import PlansAhead


def steps(loaded: Loaded) -> list[str]:
    """Returns what will happen, in order, a sentence each."""
    data = loaded.data
    normalise = f", after {', '.join(data.normalise)}" if data.normalise else ""
    found = [
        meeting(loaded),
        f"Find the shared rows of {loaded.dataset!r} by {', '.join(data.identifiers)}{normalise}, "
        f"{job.in_words(loaded.job)}.",
    ]
    if loaded.scores:
        return [*found, *loaded.system.scoring_steps(loaded.spec)]
    preparation = job.preparation_of(loaded)
    if preparation is not None:
        found += preparing.steps(preparation)
    if loaded.trains:
        found += _training(loaded)
        found.append(_scoring(data))
    return found


def _scoring(data: Data) -> str:
    if data.fold is not None:
        return f"Score part {data.fold.part} of {data.fold.of} of the rows that train, kept out."
    if data.test is None:
        return f"Score {data.test_share:.0%} of the shared rows, kept out of training."
    return f"Score the shared rows of {data.test!r}."


def _training(loaded: Loaded) -> Sequence[str]:
    system: object = loaded.system
    if isinstance(system, PlansAhead):
        return system.describe_training(loaded.spec)
    return [f"Train a {loaded.table}."]
