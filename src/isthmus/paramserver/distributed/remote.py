"""Processes that are called by name: what `actor_engine` needs of Ray."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from isthmus.paramserver.distributed.actors import Recipe

Reference: TypeAlias = Any
"""Of something that lies in the memory of another process."""


class DiedError(Exception):
    """The process of an actor has ended, or can no longer be reached."""


class GoneError(Exception):
    """Something that a reference is of is lost with the machine it was on."""


class Answer(NamedTuple):
    """What a call returned."""

    references: Sequence[Reference]
    """Of all it returned but the last."""

    last: bytes


class Call(NamedTuple):
    """A method with what it is given."""

    method: str
    arguments: Sequence[Any]
    """Arrays, numbers, text, tuples of them; and references, which arrive as what they are of."""

    returns: int = 1
    beside: bool = False
    """Whether it runs beside the other calls of the actor."""

    patience: float | None = None
    """Seconds to wait for the answer at most; None: as long as the process lives."""


class Actor(Protocol):
    """An object in a process of its own."""

    def call(self, call: Call) -> Answer:
        """Call a method, and wait until it has returned.

        Args:
            call: The method.

        Returns:
            What it returned.

        Raises:
            DiedError: The process has ended.
            GoneError: A reference among the arguments is void.
            SpecError: There is no answer in time.
            IsthmusError: What the method raised.
        """
        ...

    def end(self) -> None:
        """End the process at once, if it still runs."""
        ...


class Remote(Protocol):
    """Makes actors."""

    def shard(self, plan: bytes, number: int) -> Actor:
        """Returns a `ShardActor` that is not ready yet."""
        ...

    def worker(self, plan: bytes, recipe: Recipe) -> Actor:
        """Returns a `WorkerActor` that is not ready yet."""
        ...

    def get(self, reference: Reference) -> Any:
        """Fetch something to this process.

        Args:
            reference: Of what.

        Returns:
            What the reference is of.

        Raises:
            GoneError: It is void.
        """
        ...
