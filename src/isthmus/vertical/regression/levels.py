"""The levels of protection of a regression: how its training runs, and what that tells.

Each is a module with the functions of `Level`. It is light: roles are imported when they play.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, cast

from isthmus.ledger.forecast import Flow, Sizes
from isthmus.vertical.regression.encrypted import level as encrypted
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.shared import level as shared
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import RoleContext, Telling

if TYPE_CHECKING:  # they load SciPy
    from isthmus.vertical.regression.trained import ActiveTrained, PassiveTrained


class Level(Protocol):
    """The functions of a level."""

    GET_GRADIENTS: frozenset[str]
    """Roles that get gradients of their own coefficients, which tell about the others' values."""

    def describe(self, spec: Regression, /) -> list[str]:
        """Returns what will happen in training, in order, a sentence each."""
        ...

    def forecast(self, spec: Regression, passive: str, sizes: Sizes, /) -> list[Flow]:
        """Returns the messages between the active party and a passive one."""
        ...

    def sums(self, spec: Regression, /) -> tuple[int, float]:
        """Returns the most sums of a product, and as how many sums the work of a round counts."""
        ...

    def told(self, spec: Regression, telling: Telling, /) -> dict[str, float]:
        """Returns the most that a party tells a peer: see `vertical/system.py`."""
        ...

    def active(self, spec: Regression, context: RoleContext, memory: Memory, /) -> "ActiveTrained":
        """Train and score, as the active party."""
        ...

    def passive(
        self, spec: Regression, context: RoleContext, memory: Memory, /
    ) -> "PassiveTrained":
        """Train and help to score, as a passive party."""
        ...


_LEVELS: Mapping[str, Level] = {
    "encrypted": cast(Level, encrypted),
    "shared": cast(Level, shared),
}


def of(spec: Regression) -> Level:
    """Returns the level that a job asks for."""
    return _LEVELS[spec.level]
