"""The place of this process among those of a training, as a launcher tells it.

torchrun and `accelerate launch` set variables of the environment, Open MPI and Intel MPI others.
"""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from isthmus.core.errors import SpecError

STORE = "ISTHMUS_STORE"
"""Variable with the file in which the processes find each other; none: as the launcher says."""

_RANKS = {
    "RANK": "WORLD_SIZE",
    "OMPI_COMM_WORLD_RANK": "OMPI_COMM_WORLD_SIZE",
    "PMI_RANK": "PMI_SIZE",
}
_LOCAL_RANKS = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID")
_LOCAL_SIZES = ("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS")


class Place(NamedTuple):
    """Which of several processes this one is."""

    rank: int
    """From 0; the first one leads: it prepares, stores and measures."""

    size: int
    """Number of processes."""

    local_rank: int
    """Which of those on this machine."""

    local_size: int | None
    """Number of processes on this machine; None where nobody tells."""

    store: str | None = None
    """The file in which they find each other; None: as the launcher says."""

    @property
    def on_one_machine(self) -> bool:
        """Whether all of them are on this machine."""
        return self.store is not None or self.local_size == self.size


def here(environment: Mapping[str, str] = os.environ) -> Place | None:
    """Find out whether a launcher started this process as one of several.

    Args:
        environment: The variables to look at.

    Returns:
        The place; None if this is the only process.

    Raises:
        SpecError: What the variables say cannot be.
    """
    for rank_name, size_name in _RANKS.items():
        rank, size = (_number(environment, name) for name in (rank_name, size_name))
        if rank is None or size is None or size == 1:
            continue
        if rank >= size:
            raise SpecError(
                f"the environment says {rank_name}={rank} and {size_name}={size}, and processes "
                "are numbered from 0: correct it, or leave both out to train in one process."
            )
        local_rank = _first(environment, _LOCAL_RANKS)
        store = environment.get(STORE) or None
        return Place(rank, size, local_rank or 0, _first(environment, _LOCAL_SIZES), store)
    return None


@contextmanager
def said(place: Place) -> Generator[None]:
    """Say a place in the environment, as a launcher does, while the block runs."""
    before = dict(os.environ)
    os.environ.update(variables(place))
    try:
        yield
    finally:
        for name in variables(place):
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


def variables(place: Place) -> Mapping[str, str]:
    """Returns the variables that tell a place."""
    found = {"RANK": place.rank, "WORLD_SIZE": place.size, "LOCAL_RANK": place.local_rank}
    if place.local_size is not None:
        found["LOCAL_WORLD_SIZE"] = place.local_size
    told = {name: str(number) for name, number in found.items()}
    return told if place.store is None else told | {STORE: place.store}


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    numbers = (_number(environment, name) for name in names)
    return next((number for number in numbers if number is not None), None)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    """Read a variable.

    Args:
        environment: The variables.
        name: Which.

    Returns:
        Its number; None if it is not set.

    Raises:
        SpecError: It is no number.
    """
    text = environment.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise SpecError(
            f"the variable {name} of the environment tells which of several processes this is, "
            f"and {text[:20]!r} is no number: correct it, or leave it out."
        )
    return int(text)
