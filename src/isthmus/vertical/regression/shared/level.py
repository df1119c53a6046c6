"""The functions of the level for `levels.py`; roles are imported when they play."""

from typing import TYPE_CHECKING

from isthmus.ledger.forecast import Flow, Sizes
from isthmus.vertical.regression import limits
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.shared import counts
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import EQUATIONS, SLOPES, RoleContext, Telling

if TYPE_CHECKING:  # they load SciPy
    from isthmus.vertical.regression.trained import ActiveTrained, PassiveTrained

_FUNCTION, _CONVERSION = 6, 8
"""What the products of a function take, and of two functions on the way, measured in sums."""

GET_GRADIENTS = frozenset({"active", "passive"})


def describe(spec: Regression) -> list[str]:
    """Returns what will happen in training, in order, a sentence each."""
    sharing, said = spec.sharing, spec.passive_columns
    if isinstance(said, int):
        columns = f"{said:,} columns of each passive party"
    else:
        columns = ", ".join(f"{count:,} columns of {name!r}" for name, count in said.items())
    return [
        f"Train a {spec.kind} regression over all rows, in {sharing.rounds:,} rounds, on "
        f"{columns} and {sharing.active_columns:,} of the active party. Nobody sees a residual, a "
        "predictor or a combination of another party's columns: of each row, two parties have "
        "shares that are random by themselves (bfv)."
    ]


def forecast(spec: Regression, passive: str, sizes: Sizes) -> list[Flow]:
    """Returns the messages between the active party and a passive one."""
    from isthmus.vertical.regression.shared.forecast import forecast as forecast_training

    return forecast_training(spec, passive, sizes)


def sums(spec: Regression) -> tuple[int, float]:
    """Returns the most sums of a product, and as how many sums the work of a round counts."""
    columns, said = spec.sharing.active_columns + 1, spec.passive_columns
    passives = 1 if isinstance(said, int) else len(said)
    every = columns + spec.most_columns * (2 * passives - 1)  # the others need two products
    functions = max(counts.most_products(spec, passives), 1)
    conversions = _CONVERSION * (passives - 1) * functions**2
    return max(columns, spec.most_columns), every + _FUNCTION * functions + conversions


def told(spec: Regression, telling: Telling) -> dict[str, float]:
    """Returns the most that a party tells a peer."""
    rows, sharing = telling.rows, spec.sharing
    if telling.role == "passive":
        # A slope tells one number of each row; a round here tells one of each of its coefficients.
        return {SLOPES: sharing.rounds * (sharing.active_columns + 1) / max(rows, 1)}
    if telling.label is not None:
        rows = min(rows, limits.rarer(spec, telling.label))
    return {EQUATIONS: limits.equations(spec, telling.passive) / max(rows, 1)}


def active(spec: Regression, context: RoleContext, memory: Memory) -> "ActiveTrained":
    """Train and score, as the active party."""
    from isthmus.vertical.regression.shared.active import active as play

    return play(spec, context, memory)


def passive(spec: Regression, context: RoleContext, memory: Memory) -> "PassiveTrained":
    """Train and help to score, as a passive party."""
    from isthmus.vertical.regression.shared.passive import passive as play

    return play(spec, context, memory)
