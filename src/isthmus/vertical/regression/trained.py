"""Results of training at each role, at any level."""

from dataclasses import dataclass, field

from isthmus.core.arrays import Floats
from isthmus.store.checkpoint import Arrays
from isthmus.vertical.regression import model
from isthmus.vertical.regression.memory import Round


@dataclass(frozen=True)
class ActiveTrained:
    """The result of training and scoring at the active party."""

    part: model.Part
    alone: model.Part  # a model on our columns only
    predictions: Floats  # expected labels of the test rows, shape (rows,)
    training: Floats | None  # those of the training rows, where the active party knows them
    rounds: list[Round]
    converged: bool

    ending: str = ""
    """How training ended, in a few words; empty: as any training that stops when it converges."""

    separated: bool = False
    """Whether the columns tell the classes of all training rows apart, as far as it is known."""

    functions: tuple[int, ...] = ()
    """Products that made up a residual in each round, at the level `shared`."""

    told: Arrays = field(default_factory=dict[str, Floats])
    """What it takes to measure what passive parties can have learned about labels, by name."""


@dataclass(frozen=True)
class PassiveTrained:
    """The result of training and scoring at a passive party."""

    part: model.Part
    rounds: int
    converged: bool

    ending: str = ""
    """How training ended, in a few words; empty: as any training that stops when it converges."""

    functions: tuple[int, ...] = ()
    """Products that made up a residual in each round, at the level `shared`."""
