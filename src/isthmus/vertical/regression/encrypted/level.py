"""The functions of the level for `levels.py`; roles are imported when they play."""

from typing import TYPE_CHECKING

from isthmus.ledger.forecast import Flow, Sizes
from isthmus.vertical.regression import limits
from isthmus.vertical.regression.encrypted.forecast import forecast as forecast_training
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import EQUATIONS, SLOPES, RoleContext, Telling

if TYPE_CHECKING:  # they load SciPy
    from isthmus.vertical.regression.trained import ActiveTrained, PassiveTrained

GET_GRADIENTS = frozenset({"passive"})


def describe(spec: Regression) -> list[str]:
    """Returns what will happen in training, in order, a sentence each."""
    over = "all rows" if spec.batches == 1 else f"{spec.batches} batches"
    encryption, said = spec.encryption, spec.passive_columns
    if isinstance(said, int):
        columns = f"{said:,} columns of each passive party"
    else:
        columns = ", ".join(f"{count:,} columns of {name!r}" for name, count in said.items())
    size = "" if encryption.key_bits is None else f", {encryption.key_bits:,} bits"
    return [
        f"Train a {spec.kind} regression over {over}, in {spec.max_rounds:,} rounds at most, on "
        f"{columns} and all chosen ones of the active party. Residuals cross encrypted "
        f"({encryption.scheme}{size})."
    ]


def forecast(spec: Regression, passive: str, sizes: Sizes) -> list[Flow]:
    """Returns the messages between the active party and a passive one."""
    return forecast_training(spec, passive, sizes)


def sums(spec: Regression) -> tuple[int, float]:
    """Returns the most sums of a product, and as how many sums the work of a round counts."""
    most = spec.most_columns * max(spec.contrasts, 1)
    return most, most


def told(spec: Regression, telling: Telling) -> dict[str, float]:
    """Returns the most that a party tells a peer."""
    if telling.role == "passive":
        return {SLOPES: float(spec.max_rounds * (spec.contrasts or 1))}
    rows = telling.rows
    if telling.label is not None:
        rows = min(rows, limits.rarer(spec, telling.label))
    return {EQUATIONS: limits.equations(spec, telling.passive) / max(rows, 1)}


def active(spec: Regression, context: RoleContext, memory: Memory) -> "ActiveTrained":
    """Train and score, as the active party."""
    from isthmus.vertical.regression.encrypted.active import active as play

    return play(spec, context, memory)


def passive(spec: Regression, context: RoleContext, memory: Memory) -> "PassiveTrained":
    """Train and help to score, as a passive party."""
    from isthmus.vertical.regression.encrypted.passive import passive as play

    return play(spec, context, memory)
