"""The data of a job, as `isthmus check` sees them and training uses them."""

from dataclasses import dataclass

from isthmus.multitask.feed.inputs import Inputs


@dataclass(frozen=True)
class Data:
    """What to train on, and what to score."""

    train: Inputs
    test: Inputs
    seed: int
    job: str
    """Digest of the job."""
