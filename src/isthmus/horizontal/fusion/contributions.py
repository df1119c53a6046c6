"""Checks of an update from a child, before any rule sees it."""

import numpy as np

from isthmus.core.errors import PeerError
from isthmus.horizontal.fusion.spec import Limits
from isthmus.horizontal.parameters import Layout, Parameters, Vector, finite, misfit


def checked_update(
    child: str, update: Parameters, samples: int, layout: Layout, limits: Limits
) -> Vector:
    """Check that an update is of this model and within the limits, and make it a vector.

    A change of SCAFFOLD's control has the same names, shapes and limits.

    Args:
        child: Who sent it, for the error.
        update: Parameters after training minus before, by name, as they came.
        samples: On how many samples it was trained, as the child says.
        layout: Names and shapes of the model.
        limits: The largest norm and the largest count.

    Returns:
        Shape (size,), all finite.

    Raises:
        PeerError: A name, shape or type is not that of the model, a value is not finite, or the
            norm or the count is out of bounds.
    """
    found = misfit(update, layout) or flaw(update, samples, limits)
    if found:
        raise PeerError(
            f"{child!r} sent an update that is not taken: {found}. Ask how it trains and which "
            "version it runs, or go on without it."
        )
    return layout.to_vector(update)


def flaw(update: Parameters, samples: int, limits: Limits) -> str:
    """Why an update that has the model's layout is refused, in one clause.

    Args:
        update: Parameters after training minus before, by name.
        samples: On how many samples it was trained, as the child says.
        limits: The largest norm and the largest count.

    Returns:
        The clause, or an empty string if it is not refused.
    """
    if not finite(update):
        return "it holds values that are not finite numbers: training diverged"
    if (norm := _norm(update)) > limits.largest_norm:
        return f"its norm is {norm:.3g}, and the job's `largest_norm` is {limits.largest_norm:.3g}"
    if samples < 1:
        return f"it was trained on {samples} samples, and a child without samples declines"
    if samples > limits.largest_count:
        return (
            f"it was trained on {samples} samples, and the job's `largest_count` is "
            f"{limits.largest_count}"
        )
    return ""


def _norm(update: Parameters) -> float:
    flat = (array.ravel() for array in update.values())
    squares = (np.einsum("i,i->", array, array, dtype=np.float64) for array in flat)
    return float(np.sqrt(sum(squares)))
