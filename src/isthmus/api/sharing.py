"""A run that several processes share: a launcher calls `run_process` in each of them."""

from contextlib import nullcontext
from pathlib import Path

from isthmus.api.process import Watch
from isthmus.api.runs import Run
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.jobs import run as running
from isthmus.multilingual.processes import places
from isthmus.multilingual.processes.places import Place


def run_process(
    job: str | Path,
    into: str | Path | None = None,
    watch: Watch | None = None,
    *,
    rank: int | None = None,
    size: int | None = None,
    store: str | Path | None = None,
) -> Run | None:
    """Train in this very process, as one of several, such as in Ray or under torchrun.

    Args:
        job: The job file of one organisation, in a folder that all processes see.
        into: Folder for this run; by default a new one in `runs` beside the job file.
        watch: Sees events of the first process as they happen.
        rank: Number of this process, from 0; None: as the launcher says in the environment.
        size: Number of processes; None likewise.
        store: A file that is not there yet, in which processes of this machine find each other;
            None: as the launcher says.

    Returns:
        The finished run; None in all processes but the first, whose work ends with training.

    Raises:
        SpecError: The job or its data is wrong, or another process has ended.
        IsthmusError: Anything else that a person can act on.
    """

    def tell(event: Event) -> None:
        if watch is not None:
            watch("", event)

    with nullcontext() if rank is None and size is None else places.said(_place(rank, size, store)):
        finished = running.run_process(
            Path(job), into=None if into is None else Path(into), watch=tell
        )
    return None if finished is None else Run(finished.folder)


def _place(rank: int | None, size: int | None, store: str | Path | None) -> Place:
    if rank is None or size is None or not 0 <= rank < size:
        raise SpecError(
            f"`rank` is {rank} and `size` is {size}: give both, and number processes from 0."
        )
    if store is None:
        return Place(rank, size, rank, None)
    return Place(rank, size, rank, size, str(Path(store).absolute()))
