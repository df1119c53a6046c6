"""The state of a rule between rounds, and its form in a checkpoint."""

from dataclasses import dataclass, fields
from typing import Any, Self

from numpy.typing import NDArray

from isthmus.core.errors import SpecError
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class State:
    """Arrays that a rule keeps from one round to the next; most rules keep none."""

    def arrays(self) -> Arrays:
        """Returns the arrays by name, for a checkpoint."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def restored(self, arrays: Arrays) -> Self:
        """The state of the same rule that a checkpoint holds.

        Args:
            arrays: What `arrays` returned when it was written.

        Returns:
            A state whose arrays are these.

        Raises:
            SpecError: They are not a state of this rule over this model.
        """
        fresh = self.arrays()
        if arrays.keys() != fresh.keys() or not all(
            _alike(arrays[name], fresh[name]) for name in fresh
        ):
            raise SpecError(
                f"The checkpoint holds no {type(self).__name__} of this model, which the job's "
                "fusion rule goes on from. Remove it to start from the beginning."
            )
        return type(self)(**arrays)


def _alike(saved: NDArray[Any], fresh: NDArray[Any]) -> bool:
    # What is empty at the start grows with the number of children.
    same_shape = saved.shape == fresh.shape or (fresh.size == 0 and saved.ndim == fresh.ndim)
    return saved.dtype == fresh.dtype and same_shape
